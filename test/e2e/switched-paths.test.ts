import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { oneMcp, onePlace, oneWorker } from '../support/beginnings.js';
import type { Facts } from '../support/processes.js';

const RUNS = 200;
const AT_ONCE = 50;
const place = onePlace({ AGENTPOOL_CONCURRENCY: '8' });
writeFileSync(String(place.env.AGENTPOOL_CONFIG), JSON.stringify({ runners: { shell: { command: 'sh' } } }));
oneWorker(place);
const mcp = oneMcp(place);

/** A directory by turns: itself, and a link to a place that no run may be in. */
const SWITCHING = `
  const { renameSync, symlinkSync, unlinkSync } = require('node:fs');
  const [path, away, outside] = process.argv.slice(1);
  const pause = () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1 + 3 * Math.random());
  for (;;) {
    renameSync(path, away);
    symlinkSync(outside, path);
    pause();
    unlinkSync(path);
    renameSync(away, path);
    pause();
  }`;

let switching: ChildProcess | undefined;
afterEach(() => void switching?.kill('SIGKILL'));

test(`of ${RUNS} runs whose directory is switched for a link, none starts elsewhere`, async () => {
  const work = realpathSync(place.work);
  const [path, away, outside] = [join(work, 'project'), join(work, 'away'), join(realpathSync(place.home), 'outside')];
  for (const directory of [path, outside]) mkdirSync(directory);
  switching = spawn(process.execPath, ['-e', SWITCHING, path, away, outside], { stdio: 'inherit' });
  const agents = Array.from({ length: AT_ONCE }, () => ({
    runner: 'shell',
    prompt: 'pwd -P',
    path,
  }));
  const seen = new Map<string, number>();
  for (let begun = 0; begun < RUNS; begun += AT_ONCE) {
    const submitted = await mcp.call<{ agents: readonly { runId: string }[] }>('run_agents_parallel', {
      agents,
      timeoutMs: 40_000,
    });
    for (const { runId } of submitted.agents) {
      const { status, result, failure } = await mcp.call<Facts>('wait_agent', { runId, timeoutMs: 40_000 });
      const where = status === 'done' ? String(result).trim() : (failure as { kind: string } | undefined)?.kind;
      seen.set(String(where), (seen.get(String(where)) ?? 0) + 1);
    }
  }
  console.info(`a path that is switched while runs start: ${JSON.stringify(Object.fromEntries(seen))}`);
  // Held while it was away for a moment, it is the directory that was checked all the same.
  expect([...seen.keys()].filter((where) => ![path, away, 'path_not_allowed'].includes(where))).toEqual([]);
  expect([...seen.values()].reduce((sum, count) => sum + count)).toBe(RUNS);
}, 300_000);
