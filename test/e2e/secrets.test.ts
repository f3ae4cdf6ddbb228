import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { expect, test } from 'vitest';
import { processesOf } from '../../src/worker/process/processes.js';
import { oneMcp, onePlace, oneWorker } from '../support/beginnings.js';
import { claude, installClaudeStandIn } from '../support/claude-stand-in.js';
import { steps } from '../support/pool.js';
import { agentpool, eventually, type Facts } from '../support/processes.js';

/** What only the worker's environment holds; every one of them is used by the run. */
const SECRETS = {
  TOKEN_A: 'first-secret-4711',
  TOKEN_B: 'second-secret-4712',
  SERVER_KEY: 'server-secret-4713',
  WIKI_TOKEN: 'header-secret-4714',
};
const place = onePlace({ ...SECRETS, AGENTPOOL_HOST_NAME: 'here', AGENTPOOL_LOG_LEVEL: 'trace' });
installClaudeStandIn(place);
const worker = oneWorker(place);
const mcp = oneMcp(place);
const file = (name: string) => join(place.work, name);

/** The names of the secrets that a text holds. */
const secretsIn = (text: string) =>
  Object.entries(SECRETS).flatMap(([name, secret]) => (text.includes(secret) ? [name] : []));

/** Every key of this place's Redis with all that is in it, streams and the jobs of BullMQ included. */
async function dumpOf(redis: Redis): Promise<Map<string, string>> {
  const dump = new Map<string, string>();
  for (const key of await redis.keys(`*${place.env.AGENTPOOL_PREFIX}*`)) {
    const read: Readonly<Record<string, () => Promise<unknown>>> = {
      string: () => redis.get(key),
      hash: () => redis.hgetall(key),
      list: () => redis.lrange(key, 0, -1),
      set: () => redis.smembers(key),
      zset: () => redis.zrange(key, '0', '-1', 'WITHSCORES'),
      stream: () => redis.xrange(key, '-', '+'),
    };
    dump.set(key, JSON.stringify(await read[await redis.type(key)]?.()));
  }
  return dump;
}

/** Every file under the spools. */
function spooled(): string {
  const files = readdirSync(join(place.home, 'spool'), { recursive: true, withFileTypes: true, encoding: 'utf8' });
  return files
    .map((entry) => (entry.isFile() ? readFileSync(join(entry.parentPath, entry.name), 'utf8') : ''))
    .join('\n');
}

const argumentsOf = (pids: readonly number[]) =>
  pids.map((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')).join('\n');

test('no secret of a profile is in Redis, in a log, in the arguments of a process, or in the spool after the run', async () => {
  await mcp.call('create_agent', {
    name: 'keeper',
    runner: 'claude',
    prompt: 'You keep secrets.',
    env: { TRY: 'first', ANTHROPIC_AUTH_TOKEN: '$TOKEN_A' },
    fallbacks: { TRY: ['second'], ANTHROPIC_AUTH_TOKEN: ['$TOKEN_B'] },
    mcpServers: {
      local: { command: 'server', args: ['--fast'], env: { API_KEY: '$SERVER_KEY' } },
      wiki: {
        type: 'http',
        url: 'https://wiki.example/mcp',
        headers: { Authorization: ['Bearer $', '{WIKI_TOKEN}'].join('') },
      },
    },
  });
  // The program itself writes down, where only this test looks, that it was given the secrets; it prints none.
  const tellTale = { spawn: { command: `echo "$ANTHROPIC_AUTH_TOKEN" >>${file('given')}`, setsid: false } };
  const prompt = steps(tellTale, {
    byVariable: {
      name: 'TRY',
      first: [{ until: file('go') }, ...claude.refused(401)],
      second: [{ until: file('given-twice') }, claude.says('hello'), claude.result('fine')],
    },
  });
  const { runId } = await mcp.call<{ runId: string }>('run_agent', { agentName: 'keeper', prompt });
  const running = async (tries: number) => {
    await eventually(
      () => mcp.call<Facts>('get_agent_status', { runId }),
      ({ credentials, pid }) => (credentials as Facts).attempt === tries && pid !== undefined,
    );
    await eventually(
      () => readFileSync(file('given'), { encoding: 'utf8', flag: 'a+' }).split('\n').length - 1,
      (given) => given === tries,
    );
    return argumentsOf(processesOf(runId).map(({ pid }) => pid));
  };
  const first = await running(1);
  expect(secretsIn(spooled()).sort()).toEqual(['SERVER_KEY', 'WIKI_TOKEN']); // in files of the runner, while it runs
  writeFileSync(file('go'), '');
  const second = await running(2);
  writeFileSync(file('given-twice'), '');
  expect(await mcp.call('wait_agent', { runId })).toMatchObject({ status: 'done', result: 'fine' });
  expect(readFileSync(file('given'), 'utf8')).toBe(`${SECRETS.TOKEN_A}\n${SECRETS.TOKEN_B}\n`);

  expect(first).toContain('scripted.mjs');
  expect(secretsIn(first + second)).toEqual([]);
  expect(secretsIn(spooled())).toEqual([]);
  const shown = await agentpool(place, ['agents', 'show', 'keeper', '--json']);
  expect(secretsIn(shown.stdout + JSON.stringify(await mcp.call('get_agent_status', { runId })))).toEqual([]);
  expect(worker.log()).toContain('the provider refused');
  expect(secretsIn(worker.log())).toEqual([]);

  const redis = new Redis({ path: (place.env.REDIS_URL ?? '').replace('unix://', '') });
  const dump = await dumpOf(redis);
  redis.disconnect();
  const all = [...dump].map(([key, text]) => `${key} ${text}`).join('\n');
  for (const known of [
    '$TOKEN_A',
    '$TOKEN_B',
    'SERVER_KEY',
    'WIKI_TOKEN',
    'You keep secrets.',
    'API Error: 401',
    runId,
  ])
    expect(all).toContain(known); // else it was not looked for where it would be
  expect([...dump.keys()].filter((key) => key.includes(':runs.claude:')).length).toBeGreaterThan(0);
  expect(secretsIn(all)).toEqual([]);
});
