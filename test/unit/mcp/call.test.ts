import { Writable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { callTool } from '../../../src/mcp/call.js';
import { defineTool, READS, type Tool } from '../../../src/mcp/tool.js';
import { TOOLS } from '../../../src/mcp/tools/list.js';
import type { ErrorBody } from '../../../src/shared/errors.js';
import { ConfigError, UnreachableError, UserError } from '../../../src/shared/errors.js';
import { openLogger } from '../../../src/shared/logger.js';
import { openPool, type Pool } from '../../../src/shared/pool.js';
import { LOCAL } from '../../../src/shared/principal.js';
import { parseRedisUrl } from '../../../src/shared/redis/target.js';
import { configOf, makePlace } from '../../support/pool.js';

const place = makePlace();
const logged: string[] = [];
const log = new Writable({
  write(line, _encoding, done) {
    logged.push(String(line));
    done();
  },
});
let pool: Pool;
beforeAll(async () => {
  const target = parseRedisUrl(place.env.REDIS_URL ?? '');
  pool = await openPool(configOf(place), target, 'asking', openLogger('test', 'info', log));
});
afterAll(async () => {
  await pool.stop();
  place.clean();
});

/** A tool that does as it is told. */
function tool(handle: () => Promise<{ n: number }> = async () => ({ n: 1 })): Tool {
  return defineTool({
    name: 'count_sheep',
    title: 'Count',
    description: 'Counts',
    input: z.strictObject({
      sheep: z.number().int().min(1).max(9),
      name: z
        .string()
        .regex(/^[a-z]+$/, 'must be small letters')
        .optional(),
      flock: z.array(z.object({ age: z.number() })).optional(),
      mode: z.enum(['all', 'any']).default('all'),
    }),
    output: z.object({ n: z.number() }),
    tells: ['n'],
    annotations: READS,
    scope: 'read',
    handle,
  }) as unknown as Tool;
}

const call = (asked: Tool, args: unknown) =>
  callTool(asked, args, { pool, principal: LOCAL, signal: new AbortController().signal, waitCapMs: 1_000 });

async function errorOf(asked: Tool, args: unknown): Promise<ErrorBody> {
  const answer = await call(asked, args);
  if (answer.ok) throw new Error(`it was no error: ${JSON.stringify(answer.value)}`);
  return answer.error;
}

const HINT = 'count_sheep takes: sheep, name, flock, mode.';

describe('a bad argument', () => {
  test.each<[unknown, RegExp]>([
    [{}, /^sheep: it is missing; /],
    [undefined, /^sheep: it is missing; /],
    [null, /^sheep: it is missing; /],
    [{ sheep: 'three' }, /^sheep: it was "three"; must be a number$/],
    [{ sheep: null }, /^sheep: it is missing; must be a number$/],
    [{ sheep: 0 }, /^sheep: it was 0; must be at least 1$/],
    [{ sheep: 99 }, /^sheep: it was 99; must be at most 9$/],
    [{ sheep: 1.5 }, /^sheep: it was 1.5; must be a whole number$/],
    [{ sheep: 1, name: 'Dolly 2' }, /^name: it was "Dolly 2"; must be small letters$/],
    [{ sheep: 1, mode: 'some' }, /^mode: it was "some"; must be all or any$/],
    [{ sheep: 1, flock: [{ age: 1 }, { age: 'old' }] }, /^flock\.1\.age: it was "old"; /],
    [{ sheep: 1, flock: {} }, /^flock: it was \{\}; must be a list$/],
    [[], /^arguments: it was \[\]; must be an object with names and values$/],
    ['words', /^arguments: it was "words"; must be an object/],
    [7, /^arguments: it was 7; must be an object/],
  ])('in %j is named, with what it was and what is allowed', async (args, message) => {
    expect(await errorOf(tool(), args)).toEqual({
      code: 'invalid_argument',
      message: expect.stringMatching(message),
      hint: HINT,
    });
  });

  test('does not come alone where there are more', async () => {
    const { message } = await errorOf(tool(), { sheep: 0, name: 'X', mode: 'some' });
    expect(message.split('; ').filter((part) => /^(sheep|name|mode): /.test(part))).toHaveLength(3);
  });

  test('that is long is repeated only in part', async () => {
    const { message } = await errorOf(tool(), { sheep: 'x'.repeat(10_000) });
    expect(message.length).toBeLessThan(300);
  });

  test.each(TOOLS.map((one) => [one.name, one] as const))('of %s is an answer, whatever it is', async (name, one) => {
    for (const args of [
      7,
      [],
      'x',
      { [name]: 1 },
      { runId: 7 },
      { agentName: 'no spaces' },
      { __proto__: null, x: 1 },
    ]) {
      const answer = await call(one, args);
      if (answer.ok) continue; // a tool without arguments takes the absence of them
      expect(answer.error.code).toMatch(/^[a-z_]+$/);
      expect(answer.error.code).not.toBe('internal_error');
    }
  });
});

describe('what a tool throws', () => {
  const throwing = (error: unknown) => tool(() => Promise.reject(error));

  test('is told as it is where the caller can fix it', async () => {
    const error = new UserError('conflict', 'there is no wool', 'Wait for spring.');
    expect(await errorOf(throwing(error), { sheep: 1 })).toEqual({
      code: 'conflict',
      message: 'there is no wool',
      hint: 'Wait for spring.',
    });
  });

  test.each([new UnreachableError('Redis is unreachable', 'h'), new Error('Connection is closed.')])(
    'because Redis is away, such as "%s", says that',
    async (error) => {
      expect(await errorOf(throwing(error), { sheep: 1 })).toMatchObject({
        code: 'redis_unreachable',
        message: 'Redis is unreachable',
      });
    },
  );

  test.each([new Error('oops'), new TypeError('oops'), 'oops'])(
    'otherwise, such as "%s", is a defect of ours and never flies on',
    async (error) => {
      logged.length = 0;
      expect(await errorOf(throwing(error), { sheep: 1, name: 'dolly' })).toMatchObject({
        code: 'internal_error',
        message: 'agentpool failed: oops',
      });
      expect(logged.map((line) => JSON.parse(line).msg)).toEqual(['a call failed']);
      expect(logged.join()).not.toContain('dolly');
    },
  );

  test('is for the operator where the configuration is wrong, and is logged', async () => {
    logged.length = 0;
    expect(await errorOf(throwing(new ConfigError(['oops'])), { sheep: 1 })).toMatchObject({
      code: 'configuration',
      message: 'oops',
    });
    expect(logged).toHaveLength(1);
  });

  test('is a defect of ours, too, when its answer is not what it promised', async () => {
    const lying = tool(async () => ({ n: 'many' }) as unknown as { n: number });
    expect((await errorOf(lying, { sheep: 1 })).code).toBe('internal_error');
  });
});

test('a good call is answered with what the tool says, and nothing beyond what it promised', async () => {
  const answer = await call(
    tool(async () => ({ n: 2, more: true }) as { n: number }),
    { sheep: 1 },
  );
  expect(answer).toEqual({ ok: true, value: { n: 2 } });
});
