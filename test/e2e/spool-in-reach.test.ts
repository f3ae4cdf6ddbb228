import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { oneMcp, onePlace, oneWorker } from '../support/beginnings.js';
import { eventually, type Facts } from '../support/processes.js';
import { spoolOfRun } from '../support/spools.js';

const place = onePlace();
writeFileSync(String(place.env.AGENTPOOL_CONFIG), JSON.stringify({ runners: { shell: { command: 'sh' } } }));
oneWorker(place);
const mcp = oneMcp(place);

/** A place that no run may touch, with the names of what lies in a spool. */
const outside = join(place.home, 'outside');
const NAMES = ['stdin', 'stdout', 'stderr', 'meta.json', 'meta.json.tmp', 'once', 'exit', 'ending', 'pid'];
mkdirSync(join(outside, 'files'), { recursive: true });
for (const name of [...NAMES, 'files/kept']) writeFileSync(join(outside, name), `secret ${name}\n`);
const untouched = () => [...NAMES, 'files/kept'].map((name) => readFileSync(join(outside, name), 'utf8'));
const before = untouched();

/** Runs a script that knows its spool as `$S`, and a place outside of it as `$O`. */
const run = async (script: string) => {
  const prompt = `S=$(dirname "$(readlink /proc/self/fd/0)"); O=${outside}; ${script}`;
  const { runId } = await mcp.call<{ runId: string }>('run_agent', { runner: 'shell', prompt });
  const ended = await mcp.call<Facts>('wait_agent', { runId, timeoutMs: 60_000 });
  return { runId, ...ended, all: JSON.stringify(await mcp.call('get_agent_status', { runId })) };
};

describe.runIf(process.platform === 'linux')('a program that has its hands in its spool', () => {
  it.each([
    [
      'puts pipes in the place of its small files',
      'for f in exit once ending meta.json; do rm -f "$S/$f"; mkfifo "$S/$f"; done; echo a',
      'done',
    ],
    [
      'puts links in the place of its output',
      'rm "$S/stdout" "$S/stderr"; ln -s "$O/stdout" "$S/stdout"; ln -s "$O/stderr" "$S/stderr"; echo a',
      'done',
    ],
    [
      'puts links in the place of everything',
      'for f in "$S"/*; do rm -r "$f"; ln -s "$O/$(basename "$f")" "$f"; done; ln -s "$O/meta.json.tmp" "$S/meta.json.tmp"; sleep 1; echo a',
      undefined,
    ],
    [
      'puts second names of other files there',
      'for f in stderr meta.json; do rm "$S/$f"; ln "$O/$f" "$S/$f"; done; sleep 1; echo a',
      'done',
    ],
    ['puts a link in the place of the whole spool', 'mv "$S" "$S-away"; ln -s "$O" "$S"; sleep 1; echo a', undefined],
    ['removes it', 'rm -r "$S"; sleep 1; echo a', undefined],
  ])('and %s ends, and nothing outside is read, sent, written or removed', async (_, script, state) => {
    const ended = await run(script);
    expect(ended).toMatchObject(state ? { status: state, timedOut: false } : { timedOut: false });
    expect(ended.all).not.toContain('secret');
    expect(untouched()).toEqual(before);
  });

  it.each([
    ['what is said there', 'rm "$S/once"; exit 125', { status: 'failed', exitCode: 125 }],
    ['what is said and known there', 'rm "$S/once" "$S/meta.json"; exit 0', { status: 'done', exitCode: 0 }],
    ['all of it', 'rm -r "$S"; kill -KILL $$', { status: 'failed', exitCode: 137 }],
    ['its wrapper', 'kill -KILL $(head -n 1 "$S/once"); rm "$S/once"', { status: 'failed' }],
    [
      'nothing, and says that it has ended',
      'echo exit 7 >>"$S/once"; sleep 1; exit 3',
      { status: 'failed', exitCode: 3 },
    ],
    ['once for the word of another', 'echo 1 >"$S/once"; exit 125', { status: 'failed', exitCode: 125 }],
  ])('and removes %s is started once, and its end is told', async (_, script, facts) => {
    const starts = join(place.work, 'starts');
    rmSync(starts, { force: true });
    const { all } = await run(`echo start >>${starts}; ${script}`);
    expect(JSON.parse(all)).toMatchObject(facts);
    expect(readFileSync(starts, 'utf8')).toBe('start\n');
  });

  it('is ended when it has done so, and leaves nothing of its spool', async () => {
    const prompt = `S=$(dirname "$(readlink /proc/self/fd/0)"); rm "$S/meta.json"; ln -s ${outside}/meta.json "$S/meta.json"; exec sleep 600`;
    const { runId } = await mcp.call<{ runId: string }>('run_agent', { runner: 'shell', prompt });
    await eventually(async () => (await mcp.call<Facts>('get_agent_status', { runId })).pid);
    expect(await mcp.call('kill_agent', { runId })).toMatchObject({ killed: true, status: 'killed' });
    expect(untouched()).toEqual(before);
    await eventually(() => spoolOfRun(place, runId) === undefined);
    expect(untouched()).toEqual(before);
  });
});
