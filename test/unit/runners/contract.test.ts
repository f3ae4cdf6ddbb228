import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { customRunner as customSchema } from '../../../src/shared/config/custom-runner.js';
import { openLogger } from '../../../src/shared/logger.js';
import { FAILURE_KINDS } from '../../../src/shared/run.js';
import { customRunner } from '../../../src/shared/runners/custom.js';
import { RUNNERS } from '../../../src/shared/runners/list.js';
import type { Findings, ProgramInput, Runner } from '../../../src/shared/runners/runner.js';
import { createReader } from '../../../src/worker/output/findings.js';
import { outcomeOf } from '../../../src/worker/run/outcome.js';
import { seeded } from '../../support/random.js';
import { asLine, deeply, mutated, RUBBISH } from './rubbish.js';

const own = (name: string, given: object) => customRunner(name, customSchema.parse({ command: name, ...given }));
const paths = { sessionId: 'session.id', result: 'answer', error: 'error.message' };
const CUSTOM = [
  own('own-lines', {
    resumeArgs: ['--to', '{sessionId}'],
    modes: ['fast'],
    output: { format: 'json-lines', ...paths },
  }),
  own('own-json', { prompt: 'argument', env: { API_KEY: '$OWN_KEY' }, output: { format: 'json', ...paths } }),
  own('own-text', { args: ['--quiet'] }),
];
const ALL: readonly Runner[] = [...RUNNERS, ...CUSTOM];

/** They are not told the system prompt of a profile. */
const NO_PROFILES = ['demo', ...CUSTOM.map(({ name }) => name)];
/** They make a session that is not there, so the same words resume one and begin one. */
const SESSIONS_ARE_MADE = ['openclaw'];

const PROMPT = '-zebra prompt: "quotes", $HOME, `ticks`,\n{sessionId} and ünïcödé';
const SYSTEM_PROMPT = '- You are a "giraffe";\n$HOME is the savanna.';
const SECRETS = ["it's-a-$ECRET", 'Bearer "s3cr3t"'] as const;
const MCP_SERVERS = {
  own: { command: 'ant-eater', args: ['--fast', 'a b'], env: { ANTS: SECRETS[0] } },
  far: { url: 'https://far.example/mcp', headers: { Authorization: SECRETS[1] } },
  'far too': { type: 'sse' as const, url: 'https://far.example/sse' },
};
const ID = 'b7c1d2e3-0000-4000-8000-00000000cafe';

/** Every kind of request that a runner may get. */
function requestsFor(runner: Runner): ProgramInput[] {
  const sessions = [{ resume: false }, { resume: false, sessionId: ID }, { resume: true, sessionId: ID }];
  const modes = [{}, ...(runner.modes ?? []).map((mode) => ({ mode }))];
  const models = [{}, { model: 'some/model-1' }];
  const each = <A extends object, B extends object>(left: readonly A[], right: readonly B[]) =>
    left.flatMap((a) => right.map((b) => ({ ...a, ...b })));
  const permissions = [{ permissions: 'auto' as const }, { permissions: 'safe' as const }];
  const profiles = [{}, { systemPrompt: SYSTEM_PROMPT }, { systemPrompt: SYSTEM_PROMPT, mcpServers: MCP_SERVERS }];
  return each(each(each(sessions, permissions), each(modes, models)), profiles).map((asked) =>
    Object.freeze({
      runId: 'run-1',
      prompt: PROMPT,
      path: '/work',
      home: '/home/user',
      filesDirectory: '/spool/files',
      ...asked,
    }),
  );
}

/** Everything that a request gives to a program, by the way it takes. */
const given = (runner: Runner, request: ProgramInput) => ({
  args: argsOf(runner, request),
  env: JSON.stringify(runner.env?.(request) ?? {}),
  files: (runner.files?.(request) ?? []).map(({ content }) => content),
});
const argsOf = (runner: Runner, request: ProgramInput) => {
  const ofSession = request.resume ? runner.resumeArgs : runner.sessionIdArgs;
  return [...runner.args(request), ...((request.sessionId && ofSession?.(request.sessionId)) || [])];
};

const TYPES: Readonly<Record<keyof Findings, (value: unknown) => boolean>> = {
  sessionId: (value) => typeof value === 'string' && value !== '',
  result: (value) => typeof value === 'string',
  resultPart: (value) => typeof value === 'string',
  error: (value) => typeof value === 'string' && value !== '',
  errorKind: (value) => FAILURE_KINDS.some((kind) => kind === value),
  hopeless: (value) => value === true,
  ended: (value) => value === true,
  limit: (value) =>
    (value as { message: unknown }).message !== '' && typeof (value as { message: unknown }).message === 'string',
  usage: (value) =>
    Object.entries(value as object).every(
      ([name, amount]) =>
        /^(inputTokens|outputTokens|cachedInputTokens|costUsd)$/.test(name) && Number.isFinite(amount),
    ),
};

/** What is wrong with an answer of `read`; empty for a good one. */
function wrongIn(answer: unknown): string[] {
  if (answer === undefined) return [];
  if (typeof answer !== 'object' || answer === null || Array.isArray(answer))
    return [`it is ${JSON.stringify(answer)}`];
  const wrong = Object.entries(answer).filter(([name, value]) => !(TYPES[name as keyof Findings]?.(value) ?? false));
  const hopeless = 'hopeless' in answer && !('error' in answer) ? ['hopeless without an error'] : [];
  return [...wrong.map(([name, value]) => `${name}: ${JSON.stringify(value)}`), ...hopeless];
}

function readWhole(runner: Runner, chunks: readonly Buffer[]): Findings {
  const reader = createReader(runner.output, () => {}, openLogger('test', 'silent'));
  for (const chunk of chunks) reader.take(chunk);
  return reader.finish();
}

test('no two runners have the same name', () => {
  expect(new Set(ALL.map(({ name }) => name)).size).toBe(ALL.length);
});

describe.each(ALL.map((runner) => [runner.name, runner] as const))('the runner %s', (name, runner) => {
  const requests = requestsFor(runner);

  test('has a name that fits a queue, a folder and a configuration file', () => {
    expect(name).toMatch(/^[a-z][a-z0-9_-]{0,31}$/);
  });

  test('says what it is called, what it starts and how that is installed', () => {
    for (const words of [runner.title, runner.command, runner.install]) expect(words).toMatch(/\S/);
    for (const list of [runner.versionArgs ?? [], runner.modes ?? []]) {
      expect(list).toEqual(list.filter((word) => typeof word === 'string' && word !== ''));
      expect(new Set(list).size).toBe(list.length);
    }
  });

  test('gets the prompt by stdin or a file whole, or else as one argument that is no option; never twice', () => {
    for (const request of requests) {
      const { args, files } = given(runner, request);
      const inArgs = args.filter((arg) => arg.includes(PROMPT));
      const ways = [...inArgs, ...files, runner.stdin?.(request) ?? ''];
      expect(ways.filter((way) => way.includes(PROMPT))).toHaveLength(1);
      expect(inArgs.filter((arg) => arg.startsWith('-'))).toEqual([]);
      expect(args.filter((arg) => arg.includes('zebra'))).toEqual(inArgs);
      expect(JSON.stringify(runner.env?.(request) ?? {})).not.toContain('zebra');
    }
  });

  test('answers the same request with the same words, all of them text', () => {
    for (const request of requests) {
      const args = runner.args(request);
      expect(args.every((arg) => typeof arg === 'string' && !arg.includes('\0'))).toBe(true);
      expect(runner.args(request)).toEqual(args);
      expect(runner.env?.(request)).toEqual(runner.env?.(request));
    }
  });

  test('names the session in one argument, differently for a new one and an old one', () => {
    const kinds = [runner.sessionIdArgs?.(ID), runner.resumeArgs?.(ID)].filter((args) => args !== undefined);
    for (const args of kinds) expect(args.filter((arg) => arg.includes(ID))).toHaveLength(1);
    const different = SESSIONS_ARE_MADE.includes(name) ? 1 : kinds.length;
    expect(new Set(kinds.map((args) => args.join(' '))).size).toBe(different);
    if (runner.sessionIdArgs) expect(runner.resumeArgs).toBeDefined();
  });

  test('is given the system prompt of a profile as it is, and says so where it cannot be', () => {
    for (const request of requests.filter(({ systemPrompt }) => systemPrompt !== undefined)) {
      const { args, env, files } = given(runner, request);
      const lines = JSON.stringify(SYSTEM_PROMPT).slice(1, -1);
      const there = files.includes(SYSTEM_PROMPT) || [...args, env].some((way) => way.includes(lines));
      const asArgument = args.some((arg) => arg.endsWith(SYSTEM_PROMPT) && arg !== SYSTEM_PROMPT);
      expect(there || asArgument || NO_PROFILES.includes(name)).toBe(true);
    }
  });

  test('is told of every MCP server, its secrets in files or the environment only, and says so where it cannot be', () => {
    for (const request of requests.filter(({ mcpServers }) => mcpServers !== undefined)) {
      const { args, env, files } = given(runner, request);
      const known = !runner.lacks?.includes('mcpServers');
      for (const word of ['ant-eater', 'https://far.example/mcp', 'https://far.example/sse', 'far too'])
        expect([...args, ...files].some((way) => way.includes(word))).toBe(known);
      for (const secret of ['ECRET', 's3cr3t']) {
        expect(args.filter((arg) => arg.includes(secret))).toEqual([]);
        expect([env, ...files].some((way) => way.includes(secret))).toBe(known);
      }
    }
  });

  test('shows nobody its system prompt in a list of processes, where the program can take it in another way', () => {
    const shown = requests.flatMap((request) => argsOf(runner, request).filter((arg) => arg.includes('giraffe')));
    expect(shown.length > 0).toBe(name === 'codex'); // docs/security.md says why
  });

  test('has files with plain names, each once, and valid JSON in those that say so', () => {
    for (const request of requests) {
      const files = runner.files?.(request) ?? [];
      expect(files.filter((file) => !/^([\w-]+\/)*[\w-]+(\.\w+)*$/.test(file.name))).toEqual([]);
      expect(new Set(files.map((file) => file.name)).size).toBe(files.length);
      for (const file of files.filter((one) => one.name.endsWith('.json')))
        expect(JSON.parse(file.content)).toBeTypeOf('object');
      if (files.length > 0) expect(JSON.stringify(given(runner, request))).toContain(request.filesDirectory);
    }
  });

  test('knows kinds of failures only that there are, whatever the exit code', () => {
    for (let code = 1; code < 256; code += 1)
      expect([...FAILURE_KINDS, undefined]).toContain(runner.failureKind?.(code, 'the last words'));
  });

  test('has an environment of text, with secrets by reference only and nothing of ours', () => {
    for (const request of requests)
      for (const [variable, value] of Object.entries({ ...runner.env?.(request), ...runner.variables })) {
        expect(variable).toMatch(/^[A-Za-z_]\w*$/);
        expect(variable).not.toMatch(/^(AGENTPOOL_|REDIS_URL$)/);
        expect(typeof value).toBe('string');
        if (/KEY|TOKEN|SECRET|PASSWORD|CREDENTIAL/i.test(variable)) expect(value).toMatch(/^\$\w+$/);
      }
  });

  test('reads rubbish without a failure and learns nothing of a wrong shape from it', () => {
    const { output } = runner;
    const answers =
      output.format === 'text'
        ? RUBBISH.map((value) => output.read?.(asLine(value)))
        : [...RUBBISH, deeply(100_000), { answer: deeply(100_000) }].map((value) => {
            expect(typeof (output.worked?.(value) ?? false)).toBe('boolean');
            return output.read(value);
          });
    expect(answers.flatMap(wrongIn)).toEqual([]);
  });

  test('makes of bytes that are no text nothing but text', () => {
    const random = seeded(7);
    for (let round = 0; round < 50; round += 1)
      expect(wrongIn(readWhole(runner, random.pieces(random.bytes(2_000), 300)))).toEqual([]);
  });
});

describe.each(RUNNERS.map((runner) => [runner.name, runner] as const))('what %s once printed', (name, runner) => {
  const folder = new URL(`../../fixtures/transcripts/${name}/`, import.meta.url);
  const text = (file: string) => readFileSync(new URL(file, folder), 'utf8');
  const files = readdirSync(folder);
  const recorded = files.filter((file) => file.endsWith('.meta.json')).map((file) => file.replace('.meta.json', ''));
  const bytesOf = (run: string) =>
    files.includes(`${run}.stdout`) ? readFileSync(new URL(`${run}.stdout`, folder)) : Buffer.alloc(0);

  test('was recorded for a run that went well and for one that did not', () => {
    const states = recorded.map((run) => JSON.parse(text(`${run}.expected.json`)).state);
    expect(new Set(states)).toEqual(new Set(['done', 'failed']));
  });

  test.each(recorded)('in %s is read as it was meant, however its bytes are divided', (run) => {
    const { exit: exitCode } = JSON.parse(text(`${run}.meta.json`)) as { exit: number };
    const { state, kind, findings } = JSON.parse(text(`${run}.expected.json`));
    const random = seeded(11);
    const bytes = bytesOf(run);
    for (const chunks of [[bytes], random.pieces(bytes, 5), random.pieces(bytes, 4_096)])
      expect(readWhole(runner, chunks)).toEqual(findings);
    const ending = outcomeOf({
      exitCode,
      findings,
      terminal: runner.output.format !== 'text' && runner.output.terminal === true,
      lastWords: files.includes(`${run}.stderr`) ? text(`${run}.stderr`).trim() : '',
      limits: { timeoutMs: 0, silenceTimeoutMs: 0 },
      ...(runner.failureKind && { failureKind: runner.failureKind }),
    });
    expect({ state: ending.state, kind: ending.failure?.kind, exitCode: ending.exitCode }).toEqual({
      state,
      kind,
      exitCode,
    });
  });

  const saysWork = runner.output.format === 'text' ? undefined : runner.output.worked;
  test.each(saysWork ? recorded : [])('in %s shows work, unless the provider refused before there was any', (run) => {
    const { state, kind } = JSON.parse(text(`${run}.expected.json`));
    const messages = bytesOf(run).toString().split('\n').filter(Boolean);
    const worked = messages.some((line) => saysWork?.(JSON.parse(line)));
    if (state === 'done') expect(worked).toBe(true);
    if (kind === 'auth' || kind === 'rate_limit') expect(worked).toBe(false);
  });

  test('with any part of it replaced by rubbish makes no failure and nothing of a wrong shape', () => {
    const { output } = runner;
    const random = seeded(13);
    const texts = recorded.map((run) => bytesOf(run).toString());
    const lines = output.format === 'json' ? texts : texts.flatMap((text) => text.split('\n'));
    for (let round = 0; round < 500; round += 1) {
      const line = random.pick(lines);
      const answer =
        output.format === 'text'
          ? output.read?.(line.slice(0, random.whole(0, line.length)) + asLine(random.pick(RUBBISH)))
          : output.read(line === '' ? '' : mutated(JSON.parse(line), random));
      expect(wrongIn(answer), line.slice(0, 200)).toEqual([]);
    }
  });
});
