import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, expect, test } from 'vitest';
import { endTree } from '../../../../src/worker/process/end-tree.js';
import { descendantsOf, parseStat, processesOf } from '../../../../src/worker/process/processes.js';
import { launch } from '../../../../src/worker/spool/launch.js';
import { createSpool, exitStatus } from '../../../../src/worker/spool/spool.js';
import type { SpoolMeta } from '../../../../src/worker/spool/spool-meta.js';
import { eventually } from '../../../support/processes.js';
import { removeDirectory } from '../../../support/remove-directory.js';

const root = mkdtempSync(join(tmpdir(), 'ap-end-tree-'));
const started: string[] = [];
afterEach(async () => {
  for (const runId of started.splice(0)) await endTree({ runId, signal: 'KILL', graceMs: 0 });
});
afterAll(() => removeDirectory(root));

let runs = 0;
/** A run of a shell script that is just starting. */
async function starting(script: string) {
  runs += 1;
  const runId = `r-${process.pid}-${runs}`;
  started.push(runId);
  const spool = createSpool(root, { runId } as SpoolMeta, { stdin: '' });
  const env = { PATH: process.env.PATH ?? '' };
  const launched = await launch({ spool, runId, program: '/bin/sh', args: ['-c', script], path: root, env });
  const printed = () => readFileSync(spool.stdout, 'utf8');
  return { runId, ...launched, printed, exitCode: () => exitStatus(spool) };
}

/** The same, once it has printed `ready`. */
async function running(script: string) {
  const run = await starting(script);
  await eventually(() => run.printed().includes('ready'));
  return run;
}

test('a program that ends at the first signal is asked once, and its end is written down', async () => {
  const run = await running('trap "echo asked; exit 3" TERM; echo ready; while :; do sleep 0.01; done');
  expect(await endTree({ ...run, signal: 'TERM', graceMs: 30_000 })).toEqual([]);
  await run.wrapperGone;
  expect(run.printed()).toBe('ready\nasked\n');
  expect(run.exitCode()).toBe(3);
});

test('a program that will not end is killed after the grace', async () => {
  const run = await running('trap "" TERM INT; echo ready; while :; do sleep 0.01; done');
  expect(await endTree({ ...run, signal: 'INT', graceMs: 150 })).toEqual([]);
  await run.wrapperGone;
  expect(run.exitCode()).toBe(137);
});

test('KILL leaves nobody the time for a word', async () => {
  const run = await running('trap "echo asked" TERM; echo ready; while :; do sleep 0.01; done');
  expect(await endTree({ ...run, signal: 'KILL', graceMs: 30_000 })).toEqual([]);
  await run.wrapperGone;
  expect([run.printed(), run.exitCode()]).toEqual(['ready\n', 137]);
});

test('tools in sessions of their own, orphans and grandchildren are ended with the program', async () => {
  const run = await running(
    'setsid sleep 600 & (trap "" TERM; sleep 600 & sleep 600) & (setsid sh -c "sleep 600 & sleep 600" &) ; echo ready; sleep 600',
  );
  await eventually(() => processesOf(run.runId).length >= 8);
  expect(await endTree({ ...run, signal: 'TERM', graceMs: 100 })).toEqual([]);
  await run.wrapperGone;
  expect(processesOf(run.runId)).toEqual([]);
});

test('what a program left behind at its end is ended, too', async () => {
  const run = await running('setsid sleep 600 & echo ready');
  await run.wrapperGone;
  expect(await eventually(() => processesOf(run.runId))).toHaveLength(1);
  expect(await endTree({ ...run, signal: 'TERM', graceMs: 5_000 })).toEqual([]);
  expect([processesOf(run.runId), run.exitCode()]).toEqual([[], 0]);
});

test('among the processes that were started since the first of a run are all that it left behind', async () => {
  const run = await running('(setsid sleep 600 & env -i setsid sleep 600 &); echo ready');
  await run.wrapperGone;
  expect(await eventually(() => processesOf(run.runId))).toHaveLength(2); // one by its environment, one by its limit
  expect(await endTree({ ...run, first: run.wrapper, signal: 'TERM', graceMs: 5_000 })).toEqual([]);
  expect(processesOf(run.runId)).toEqual([]);
});

test('a program that is just being started does not escape', async () => {
  for (let left = 20; left > 0; left -= 1) {
    const run = await starting('sleep 600');
    expect(await endTree({ ...run, signal: 'TERM', graceMs: 5_000 })).toEqual([]);
    await run.wrapperGone;
    expect(processesOf(run.runId)).toEqual([]);
  }
});

test('where nobody is left there is nothing to wait for', async () => {
  expect(await endTree({ runId: 'r-nobody', signal: 'TERM', graceMs: 600_000 })).toEqual([]);
});

test.runIf(process.platform === 'linux')(
  'who descends from a process comes after its parent, as long as that lives',
  async () => {
    const run = await running(
      'setsid sleep 600 & sh -c "sleep 600 & wait" & (setsid sh -c "sleep 600 & wait" &); echo ready; wait',
    );
    const { wrapper } = run;
    if (!wrapper) throw new Error('the wrapper has ended');
    await eventually(() => processesOf(run.runId).length === 7);
    const below = () => [...descendantsOf(wrapper)].map(({ pid }) => pid);
    await eventually(() => below().length === 4); // its program, two children of it, and one of these; no orphans
    const found = below();
    const parentOf = (pid: number) => parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.parent ?? 0;
    for (const [at, pid] of found.entries()) expect([wrapper.pid, ...found.slice(0, at)]).toContain(parentOf(pid));
    expect([...descendantsOf({ pid: wrapper.pid, start: '1' })]).toEqual([]);
  },
);
