import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { identify, type ProcessId, processesOf, see } from '../../src/worker/process/processes.js';
import { makePlace, type Place } from '../support/pool.js';
import {
  eventually,
  type Facts,
  type McpSession,
  openMcp,
  type Started,
  startWorkerProcess,
} from '../support/processes.js';

let place: Place;
let mcp: McpSession;
let worker: Started;
beforeEach(async () => {
  place = makePlace({ AGENTPOOL_HOST_NAME: 'here' });
  writeFileSync(String(place.env.AGENTPOOL_CONFIG), JSON.stringify({ runners: { shell: { command: 'sh' } } }));
  worker = await startWorkerProcess(place);
  mcp = await openMcp(place);
});
afterEach(async () => {
  await mcp.close();
  await worker.end('SIGKILL');
  place.clean();
});

/** Processes that their run cannot be told from: without its marks, without its session. */
const UNLIMITED = 'ulimit -S -m unlimited;';
const HIDERS = [
  ['wipes its environment', `${UNLIMITED} env -i setsid sh -c "echo \\$\\$ >$F; exec sleep 600" &`],
  [
    'wipes it two levels deep',
    `${UNLIMITED} setsid sh -c "env -i setsid sh -c 'echo \\$\\$ >$F; exec sleep 600' & until [ -e $F-seen ]; do sleep 0.05; done" &`,
  ],
] as const;
const linux = process.platform === 'linux';

const start = async (script: string) =>
  (await mcp.call<{ runId: string }>('run_agent', { runner: 'shell', prompt: `F=${place.work}/pid\n${script}` })).runId;
/** The process that has hidden, once it has told its pid and has been there for long enough to be seen. */
async function hidden(): Promise<ProcessId> {
  const told = () => {
    try {
      return Number(readFileSync(join(place.work, 'pid'), 'utf8'));
    } catch {
      return 0;
    }
  };
  return eventually(() => identify(told()) as ProcessId);
}
/** It has been seen: who has started it two levels deep ends now, so that nothing leads to it any more. */
async function leaveAlone({ pid }: ProcessId, script: string): Promise<void> {
  const parent = see(pid)?.parent;
  writeFileSync(join(place.work, 'pid-seen'), '');
  if (script.includes('$F-seen')) await eventually(() => see(pid)?.parent !== parent);
}
const isGone = ({ pid, start }: ProcessId) => identify(pid)?.start !== start;
const seenBy = (id: ProcessId) => {
  const root = join(place.home, 'spool');
  const [pool = ''] = readdirSync(root);
  const [run = ''] = readdirSync(join(root, pool, 'here'));
  const kin = join(root, pool, 'here', run, 'kin.json');
  return {
    kin,
    written: () =>
      eventually(() => {
        try {
          return readFileSync(kin, 'utf8').includes(`"pid":${id.pid},`);
        } catch {
          return false;
        }
      }),
  };
};

test.runIf(linux).each(HIDERS)('a process that %s is gone when kill_agent says so', async (_, script) => {
  const runId = await start(`${script}\nsleep 600`);
  const one = await hidden();
  await seenBy(one).written();
  await leaveAlone(one, script);
  expect(processesOf(runId)).not.toContainEqual(one);
  expect(await mcp.call<Facts>('kill_agent', { runId, graceMs: 500 })).toMatchObject({ killed: true });
  expect(isGone(one)).toBe(true);
});

test.runIf(linux).each(HIDERS)('a process that %s does not outlive the normal end', async (_, script) => {
  const runId = await start(`${script}\nuntil [ -e go ]; do sleep 0.05; done`);
  const one = await hidden();
  await seenBy(one).written();
  await leaveAlone(one, script);
  writeFileSync(join(place.work, 'go'), '');
  expect(await mcp.call<Facts>('wait_agent', { runId })).toMatchObject({ status: 'done' });
  expect(isGone(one)).toBe(true);
});

const hasRedisServer = spawnSync('redis-server', ['--version']).status === 0;
if (!hasRedisServer) console.info('there is no redis-server on the PATH; that one as a hiding program is left out');

test.runIf(linux && hasRedisServer)('a daemon that writes over its environment is gone with its run', async () => {
  const server = spawnSync('sh', ['-c', 'command -v redis-server'], { encoding: 'utf8' }).stdout.trim();
  const socket = join(place.work, 'own.sock');
  const daemon = `${server} --daemonize yes --port 0 --unixsocket ${socket} --dir ${place.work} --pidfile $F --save ''`;
  const runId = await start(`${daemon}\nsleep 600`);
  const one = await hidden();
  const environment = () => readFileSync(`/proc/${one.pid}/environ`, 'utf8');
  await eventually(() => readFileSync(`/proc/${one.pid}/cmdline`, 'utf8').includes('unixsocket:')); // its own title
  expect(environment()).not.toContain(runId);
  expect(await mcp.call<Facts>('kill_agent', { runId, graceMs: 500 })).toMatchObject({ killed: true });
  expect(isGone(one)).toBe(true);
});

test.runIf(linux)('the next worker knows who hid, and believes no more of it than may be', async () => {
  const older = spawn('sleep', ['600'], { stdio: 'ignore', detached: true });
  await once(older, 'spawn');
  rmSync(join(place.work, 'pid'), { force: true });
  const innocent = await eventually(() => identify(older.pid ?? 0) as ProcessId);
  try {
    await eventually(() => readFileSync(`/proc/${older.pid}/stat`, 'utf8').includes('(sleep)'));
    const runId = await start(`${HIDERS[0][1]}\nsleep 600`);
    const one = await hidden();
    const { kin, written } = seenBy(one);
    await written();
    await worker.end('SIGKILL');
    const forged = [...JSON.parse(readFileSync(kin, 'utf8')), innocent, { pid: process.pid, start: '1' }];
    writeFileSync(kin, JSON.stringify(forged));
    worker = await startWorkerProcess(place);
    expect(await mcp.call<Facts>('kill_agent', { runId, graceMs: 500 })).toMatchObject({ killed: true });
    expect([isGone(one), isGone(innocent)]).toEqual([true, false]);
  } finally {
    older.kill('SIGKILL');
  }
});
