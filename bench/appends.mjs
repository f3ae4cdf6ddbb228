// Output that one connection appends to the stream of a run, in entries of 16 KiB, beside raw XADD of the same bytes; and
// what Redis needs for it, of lines of 4 KiB and of 100 B.
import { Redis } from 'ioredis';
import { loadConfig } from '../dist/shared/config/load.js';
import { openLogger } from '../dist/shared/logger.js';
import { openPool } from '../dist/shared/pool.js';
import { parseRedisUrl } from '../dist/shared/redis/target.js';
import { makeWorld } from '../test/chaos/world.mjs';
import { median, row } from './report.mjs';

const ENTRIES = 2_000;
const ENTRY_BYTES = 16 * 1_024;
const AT_ONCE = 16;
const ROUNDS = 5;
const world = await makeWorld({ workers: [], env: { AGENTPOOL_MAX_OUTPUT_BYTES: String(2 ** 30) } });
const config = loadConfig({
  env: { ...world.env, AGENTPOOL_CONFIG: undefined },
  cwd: world.work,
  readFile: () => undefined,
});
const pool = await openPool(config, parseRedisUrl(world.env.REDIS_URL), 'working', openLogger('bench', 'error'));
const redis = new Redis({ path: world.env.REDIS_URL.replace('unix://', '') });
const memory = async () => Number(/used_memory:(\d+)/.exec(await redis.info('memory'))?.[1]);

let runs = 0;
async function running() {
  const id = `run${runs++}`;
  await pool.runs.create(id, 'runs.shell', { runner: 'shell', agentName: 'shell', prompt: 'x' });
  const { epoch } = await pool.runs.claim(id, 'worker', 'host');
  return { id, epoch };
}
/** MB a second, with so many calls on their way at once, in order. */
async function rate(call) {
  const begun = performance.now();
  const calls = [];
  for (let at = 0; at < ENTRIES; at += 1) {
    if (at >= AT_ONCE) await calls[at - AT_ONCE];
    calls.push(call(at));
  }
  await Promise.all(calls);
  return (ENTRIES * ENTRY_BYTES) / 1_000 / (performance.now() - begun);
}
const bytesOf = (lineBytes) =>
  Buffer.from(`${'x'.repeat(lineBytes - 1)}\n`.repeat(Math.ceil(ENTRY_BYTES / lineBytes)).slice(0, ENTRY_BYTES));

for (const lineBytes of [4_096, 100]) {
  const bytes = bytesOf(lineBytes);
  const [own, limits, stays] = [[], [], []];
  for (let round = 0; round <= ROUNDS; round += 1) {
    const owner = await running();
    const before = await memory();
    const ours = await rate((at) => pool.runs.append(owner, [{ kind: 'out', offset: at * ENTRY_BYTES, bytes }]));
    stays.push((await memory()) - before);
    const limit = await rate((at) => redis.xadd('raw', '*', 'k', 'out', 'o', at * ENTRY_BYTES, 'd', bytes));
    await redis.del('raw', `agentpool:run:{${owner.id}}:events`);
    if (round === 0) continue; // warms up
    own.push(ours);
    limits.push(limit);
  }
  row({
    figure: `output appended to one run, lines of ${lineBytes} B`,
    ours: `${median(own).toFixed(0)} MB/s`,
    limit: `XADD: ${median(limits).toFixed(0)} MB/s`,
    ratio: median(own) / median(limits),
    goal: '>= 0.6',
    notes: `Entries are written by a script that compares owner and offset, so that no byte is lost or doubled; the bare XADD compares
      nothing. Two rounds of 16 entries are under way at once. Larger entries would be read as a whole by who wants a line of them.`,
  });
  row({
    figure: `Redis bytes for each byte of output, lines of ${lineBytes} B`,
    ours: (median(stays) / (ENTRIES * ENTRY_BYTES)).toFixed(2),
    value: median(stays) / (ENTRIES * ENTRY_BYTES),
    goal: '<= 1.10',
    notes:
      'Entries of a stream have their offset and kind with them, and a node of 64 KiB is not filled by four entries of 16 KiB.',
  });
}
redis.disconnect();
await pool.stop();
await world.end({ keep: false });
