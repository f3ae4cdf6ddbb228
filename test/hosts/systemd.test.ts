import { chmodSync, cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commandsOf } from '../support/commands-of-page.js';
import { eventually } from '../support/processes.js';
import { bootMachine, type Machine, whyNoMachine } from './machine.js';

const ROOT = new URL('../..', import.meta.url).pathname;
const INSTALLED = 'usr/local/lib/node_modules/agentpool';
/** A program that writes down each of its lines: 80 of them, in 16 s or longer. */
const COUNT = 'lines 80 every 200';

const reason = whyNoMachine();
if (reason) console.info(`skipped: no machine is booted with the units of deploy/systemd: ${reason}`);

let machine: Machine;

/** What `npm install --global` leaves: the packed files, and the packages that are not in the bundle. */
function layPackage(files: string): void {
  const installed = join(files, INSTALLED);
  mkdirSync(installed, { recursive: true });
  for (const part of ['dist', 'deploy', 'package.json'])
    cpSync(join(ROOT, part), join(installed, part), { recursive: true });
  const bin = join(files, 'usr/local/bin');
  mkdirSync(bin, { recursive: true });
  symlinkSync('../lib/node_modules/agentpool/dist/cli/main.js', join(bin, 'agentpool'));
  chmodSync(join(installed, 'dist/cli/main.js'), 0o755);
  // Who types the commands is root already.
  writeFileSync(join(bin, 'sudo'), '#!/bin/sh\nexec "$@"\n', { mode: 0o755 });
}

const show = (unit: string, property: string) => machine.ask(`systemctl show --value -p ${property} ${unit}`);
const isReady = () => show('agentpool-worker', 'StatusText') === 'ready';
const status = (address: string, ...options: string[]) =>
  machine.ask(`curl --silent --output /dev/null --write-out '%{http_code}' ${options.join(' ')} ${address}`);

/** Asks the pool, as somebody would who has its Redis. */
const ask = (command: string) => machine.type(`cd /srv/agents; export REDIS_URL=redis://127.0.0.1:6379; ${command}`);

/** Submits a run that counts for a while, and waits until it has begun. */
async function beginCounting(): Promise<{ runId: string; pid: number }> {
  const { runId } = JSON.parse(ask(`agentpool run demo '${COUNT}' --no-follow --json`)) as { runId: string };
  const pid = () => (JSON.parse(ask(`agentpool status ${runId} --json`)) as { pid?: number }).pid;
  await eventually(pid);
  return { runId, pid: pid() ?? 0 };
}

/** That it was one program all the while, and that no line of it is missing or there twice. */
function expectWhole({ runId, pid }: { runId: string; pid: number }): void {
  const ended = JSON.parse(ask(`agentpool wait ${runId} --json`)) as { status: string };
  expect(ended.status).toBe('done');
  expect(JSON.parse(ask(`agentpool status ${runId} --json`))).toMatchObject({ pid, status: 'done' });
  const numbers = ask(`agentpool logs ${runId} --raw`).match(/(?<=step )\d+(?= of 80)/g);
  expect(numbers?.map(Number)).toEqual(Array.from({ length: 80 }, (_, at) => at + 1));
}

describe.skipIf(reason)('a machine with systemd', () => {
  beforeAll(async () => {
    machine = await bootMachine(layPackage);
    machine.type('systemd-run --unit=redis redis-server --appendonly yes --dir /var/tmp');
  });
  afterAll(async () => machine?.end());

  it('has a worker as a service after the commands of docs/many-hosts.md, to the letter', async () => {
    machine.type(commandsOf('docs/many-hosts.md', 'systemd'));
    expect([show('agentpool-worker', 'ActiveState'), show('agentpool-worker', 'User')]).toEqual([
      'active',
      'agentpool',
    ]);
    await eventually(isReady);
    const probe = 'curl --silent --fail --unix-socket /run/agentpool/worker.sock http://worker/readyz';
    expect(machine.type(probe)).toBe('{"ok":true}');
  });

  it('has a server, too, which answers whoever has the token that was printed', async () => {
    const secret = machine.type(commandsOf('docs/many-hosts.md', 'systemd', 1)).split('\n')[0];
    expect(show('agentpool-server', 'ActiveState')).toBe('active');
    await eventually(() => status('http://127.0.0.1:7333/readyz') === '200');
    const withToken = `--header 'Authorization: Bearer ${secret}'`;
    expect([status('http://127.0.0.1:7333/'), status('http://127.0.0.1:7333/', withToken)]).toEqual(['401', '200']);
    expect(machine.ask('cat /etc/agentpool-server.env')).not.toContain(secret);
    expect(machine.ask('ps -o user= -p $(systemctl show --value -p MainPID agentpool-server)')).toMatch(/^agentpo/);
  });

  it('restarts its worker, and a run goes on as the same program, with every line', async () => {
    const run = await beginCounting();
    machine.type('systemctl restart agentpool-worker');
    await eventually(isReady);
    expectWhole(run);
  });

  it('restarts a worker that hangs, and a run goes on as the same program, with every line', async () => {
    const dropIn = '/run/systemd/system/agentpool-worker.service.d';
    machine.type(`mkdir -p ${dropIn} && printf '[Service]\\nWatchdogSec=6\\n' >${dropIn}/soon.conf`);
    machine.type('systemctl daemon-reload && systemctl restart agentpool-worker');
    await eventually(isReady);
    const run = await beginCounting();
    const hung = show('agentpool-worker', 'MainPID');
    machine.type(`kill -STOP ${hung}`);
    await eventually(() => show('agentpool-worker', 'NRestarts') !== '0' && isReady());
    expect(show('agentpool-worker', 'MainPID')).not.toBe(hung);
    expectWhole(run);
  });

  it('has in its journal who began and ended what', async () => {
    const runsOf = (msg: string) => {
      const lines = machine.type('journalctl --unit=agentpool-worker --output=cat').match(/^\{.*\}$/gm) ?? [];
      const said = lines.map((line) => JSON.parse(line) as { msg: string; principal?: string; runId?: string });
      const found = said.filter((line) => line.msg === msg && line.principal === 'local');
      return [...new Set(found.map(({ runId }) => runId))].sort();
    };
    // A worker says what it has done after it has done it.
    await eventually(() => runsOf('the run has ended').length === 2);
    expect(runsOf('the program has started')).toHaveLength(2);
    expect(runsOf('the run is taken over')).toEqual(runsOf('the program has started'));
    expect(runsOf('the run has ended')).toEqual(runsOf('the program has started'));
  });
});
