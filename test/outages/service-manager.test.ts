import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { textOf } from '../../src/worker/process/processes.js';
import { cleanUpAfterEach } from '../support/beginnings.js';
import { makePlace, type Place, steps } from '../support/pool.js';
import { agentpool, eventually, type Started, startAgentpool } from '../support/processes.js';
import { startRedis } from '../support/redis-server.js';

const WITH_NOTIFY = new URL('../../deploy/systemd/with-notify', import.meta.url).pathname;
const perl = spawnSync('perl', ['-MSocket', '-e', '1']).status === 0;
if (!perl) console.info('skipped: there is no perl, which opens the socket to systemd');

/** Listens as systemd does, and writes down what it hears, a line for each message. */
const LISTEN = `
  use Socket; $| = 1;
  socket(my $s, PF_UNIX, SOCK_DGRAM, 0) or die $!;
  bind($s, pack_sockaddr_un($ARGV[0])) or die $!;
  print "listening\\n";
  while (defined recv($s, my $said, 4096, 0)) { print "$said\\n" }`;
/** Says something to who listens there. */
const SAY = `
  use Socket;
  socket(my $s, PF_UNIX, SOCK_DGRAM, 0) or die $!;
  defined send($s, $ARGV[1], 0, pack_sockaddr_un($ARGV[0])) or die $!;`;

const cleanUp = cleanUpAfterEach();

/** A service manager that has started a command with a watchdog of so many ms. */
async function startAsService(place: Place, args: readonly string[], watchdogMs: number) {
  const socket = join(place.home, 'notify');
  const listener: ChildProcess = spawn('perl', ['-e', LISTEN, socket], { stdio: ['ignore', 'pipe', 'inherit'] });
  const gone = once(listener, 'exit');
  cleanUp.push(async () => {
    listener.kill('SIGKILL');
    await gone;
  });
  let said = '';
  listener.stdout?.on('data', (bytes) => {
    said += bytes;
  });
  await eventually(() => said.includes('listening'));
  Object.assign(place.env, { NOTIFY_SOCKET: socket, WATCHDOG_USEC: String(watchdogMs * 1_000) });
  const service: Started = await startAgentpool(place, args, undefined, { within: [WITH_NOTIFY] });
  cleanUp.push(() => service.end('SIGKILL'));
  const messages = () => said.split('\n').slice(1, -1);
  const count = (message: string) => messages().filter((one) => one === message).length;
  /** Waits until all is heard that was said before; which is in order. */
  const allHeard = async () => {
    const mark = `MARK=${randomUUID()}`;
    expect(spawnSync('perl', ['-e', SAY, socket, mark]).status).toBe(0);
    await eventually(() => count(mark) === 1);
  };
  return { ...service, messages, count, allHeard };
}

describe.skipIf(!perl)('a service manager that has started', () => {
  it('a worker hears that it is ready, well, and stopping, and nothing from one that hangs', async () => {
    const place = makePlace();
    cleanUp.push(place.clean);
    const { child, messages, count, allHeard, end } = await startAsService(place, ['worker', '--json'], 600);
    await eventually(() => count('WATCHDOG=1') > 2);
    expect(messages()[0]).toBe('READY=1');
    await eventually(() => messages().includes('STATUS=ready'));

    child.kill('SIGSTOP');
    await eventually(() => /^State:\s+T/m.test(textOf(`/proc/${child.pid}/status`)));
    await allHeard();
    const stood = count('WATCHDOG=1');
    await pause(2_000); // ten times as long as it takes to say it again
    await allHeard();
    expect(count('WATCHDOG=1')).toBe(stood);
    child.kill('SIGCONT');
    await eventually(() => count('WATCHDOG=1') > stood + 2);
    await end();
    await eventually(() => count('STOPPING=1') === 1);
  });

  it('a worker hears that Redis is away, and is not to restart it for that', async () => {
    const redis = await startRedis();
    cleanUp.push(redis.stop);
    const place = makePlace({ AGENTPOOL_HEARTBEAT_MS: '200' }, redis.url);
    cleanUp.push(place.clean);
    const { messages, count } = await startAsService(place, ['worker', '--json'], 600);
    redis.kill();
    await eventually(() => messages().some((message) => /^STATUS=.*Redis/.test(message)));
    const away = count('WATCHDOG=1');
    await eventually(() => count('WATCHDOG=1') > away + 2, undefined, 60_000);
    await redis.restart();
    await eventually(
      () => messages().filter((message) => message.startsWith('STATUS=')),
      (told) => told.at(-1) === 'STATUS=ready',
      60_000,
    );
  });

  it('a server hears that it is ready and well', async () => {
    const place = makePlace();
    cleanUp.push(place.clean);
    const { messages, count } = await startAsService(place, ['serve', '--port', '0', '--json'], 600);
    await eventually(() => count('WATCHDOG=1') > 1);
    expect(messages()[0]).toBe('READY=1');
  });

  it('a worker gives its programs neither the socket nor its address', async () => {
    const place = makePlace();
    cleanUp.push(place.clean);
    await startAsService(place, ['worker', '--json'], 10_000);
    const seen = join(place.work, 'seen');
    const command = `{ ls -l /proc/$$/fd; env; } >${seen}.part; mv ${seen}.part ${seen}`;
    await agentpool(place, ['run', 'scripted', steps({ spawn: { command } }, { until: seen })]);
    expect(readFileSync(seen, 'utf8')).toContain('AGENTPOOL_RUN=');
    expect(readFileSync(seen, 'utf8')).not.toMatch(/NOTIFY|WATCHDOG|socket:/);
  });
});
