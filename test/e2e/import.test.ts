import { mkdirSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeOvermindWorkspace, SECRETS } from '../support/overmind-workspace.js';
import { makePlace } from '../support/pool.js';
import {
  agentpool,
  type Facts,
  type McpSession,
  openMcp,
  type Started,
  startWorkerProcess,
} from '../support/processes.js';
import { startRedis, type TestRedis } from '../support/redis-server.js';

interface Outcome extends Facts {
  readonly outcome: string;
  readonly notes: string[];
}
interface Imported {
  readonly agents: Outcome[];
  readonly sessions: Outcome[];
  readonly needs: { name: string; where: string }[];
  readonly problems: { file: string; message: string }[];
}

let redis: TestRedis;
let place: ReturnType<typeof makePlace>;
let root: string;
let worker: Started;
let mcp: McpSession;

beforeAll(async () => {
  redis = await startRedis();
  place = makePlace({ AGENTPOOL_HOST_NAME: 'here', CODER_ANTHROPIC_AUTH_TOKEN: 'x' }, redis.url);
  root = join(realpathSync(place.work), 'overmind');
  makeOvermindWorkspace(root, { 'demo:talker': { id: 's-of-then', ts: Date.now() - 60_000 } });
  const demoSessions = join(place.env.HOME ?? '', '.local', 'state', 'agentpool-demo');
  mkdirSync(demoSessions, { recursive: true });
  writeFileSync(join(demoSessions, 's-of-then.json'), '["my name is Ann"]');
  worker = await startWorkerProcess(place);
  mcp = await openMcp(place);
});
afterAll(async () => {
  await mcp?.close();
  await worker?.end();
  place?.clean();
  await redis?.stop();
});

async function importIt(...args: string[]): Promise<Imported & { code: number | null; said: string }> {
  const { code, stdout, stderr } = await agentpool(place, ['import', root, '--json', ...args]);
  return { code, said: stdout + stderr, ...(JSON.parse(stdout) as Imported) };
}

/** Everything that is in Redis, by key. */
async function dump(keys: RegExp): Promise<Record<string, string>> {
  const client = new Redis({ path: redis.url.slice('unix://'.length) });
  const found: Record<string, string> = {};
  for (const key of (await client.keys('*')).filter((name) => keys.test(name)).sort()) {
    const type = await client.type(key);
    const read = {
      string: () => client.get(key),
      hash: () => client.hgetall(key),
      set: () => client.smembers(key),
      zset: () => client.zrange(key, '0', '-1'),
      list: () => client.lrange(key, 0, -1),
      stream: () => client.xrange(key, '-', '+'),
    }[type as 'string'];
    found[key] = JSON.stringify(await read());
  }
  client.disconnect();
  return found;
}

const noSecret = (text: string) => {
  for (const secret of Object.values(SECRETS)) expect(text).not.toContain(secret);
};

describe('agentpool import', () => {
  it('brings in agents and sessions, names what workers need, and goes on past broken files', async () => {
    const imported = await importIt();
    expect(imported.code).toBe(1);
    expect(imported.agents.map(({ name, runner, outcome }) => [name, runner, outcome])).toEqual([
      ['architect', 'kilo', 'created'],
      ['coder', 'claude', 'created'],
      ['talker', 'demo', 'created'],
    ]);
    expect(imported.needs).toEqual(
      expect.arrayContaining([
        { name: 'CODER_ANTHROPIC_AUTH_TOKEN', where: '.claude/settings_coder.json, env.ANTHROPIC_AUTH_TOKEN' },
        { name: 'CODER_AUTH_FALLBACK_2', where: '.claude/settings_coder.json, env.AUTH_FALLBACK_2' },
        { name: 'CODER_GITHUB_GITHUB_TOKEN', where: '.mcp.json, mcpServers.github.env.GITHUB_TOKEN' },
        { name: 'CODER_DOCS_AUTHORIZATION', where: '.mcp.json, mcpServers.docs.headers.Authorization' },
        { name: 'GLM_KEY', where: '.env, GLM_KEY' },
        { name: 'ABSENT_KEY', where: 'not in the workspace' },
      ]),
    );
    expect(imported.needs).toHaveLength(6);
    expect(imported.sessions.map(({ agentName, sessionId, outcome }) => [agentName, sessionId, outcome])).toEqual(
      expect.arrayContaining([
        ['coder', 'bare-session', 'remembered'],
        ['coder', 'tracked-session', 'remembered'],
        ['architect', 'ses_kilo', 'remembered'],
        ['talker', 's-of-then', 'remembered'],
        ['ancient', 'ancient-session', 'too old'],
        ['busy', 'busy-session', 'in use'],
      ]),
    );
    expect(imported.problems).toEqual(
      expect.arrayContaining([
        { file: '.claude/settings_broken.json', message: expect.stringContaining('not JSON') },
        { file: '.claude/settings_silent.json', message: expect.stringContaining('no prompt') },
        { file: '.claude/settings_strange.json', message: expect.stringContaining('abacus') },
        { file: '.claude/sessions.json', message: expect.stringContaining('bad name!') },
        { file: '.claude/sessions.json', message: expect.stringContaining('"claude:wrong"') },
        { file: '.claude/sessions.json', message: expect.stringContaining('there is no runner abacus') },
      ]),
    );
    expect(imported.problems).toHaveLength(6);
    noSecret(imported.said);
    noSecret(JSON.stringify(await dump(/./)));
  });

  it('makes profiles of settings, prompts, skills, models, limits, fallbacks and MCP servers', async () => {
    const { agents } = await mcp.call<{ agents: Facts[] }>('get_agent_configs', {});
    const coder = agents.find(({ name }) => name === 'coder');
    expect(coder).toMatchObject({
      runner: 'claude',
      prompt: '# Coder\nYou write code.\n\n## Skill\nYou know TypeScript.',
      model: 'glm-4.7',
      timeoutMs: 600_000,
      path: root,
      env: {
        SHARED: 'by-all',
        ANTHROPIC_AUTH_TOKEN: '$CODER_ANTHROPIC_AUTH_TOKEN',
        ANTHROPIC_BASE_URL: 'https://api.z.ai/api/anthropic',
      },
      fallbacks: { ANTHROPIC_AUTH_TOKEN: ['$GLM_KEY', '$CODER_AUTH_FALLBACK_2'] },
      mcpServers: {
        github: {
          command: 'mcp-github',
          args: ['--read-only'],
          env: { GITHUB_TOKEN: '$CODER_GITHUB_GITHUB_TOKEN', LEVEL: 'info' },
        },
        docs: {
          type: 'http',
          url: 'https://docs.example/mcp',
          headers: { Authorization: '$CODER_DOCS_AUTHORIZATION' },
        },
      },
    });
    expect(Object.keys(coder?.mcpServers as object)).toEqual(['github', 'docs']);
    expect(agents.find(({ name }) => name === 'architect')).toMatchObject({
      runner: 'kilo',
      mode: 'architect',
      model: 'z-ai/glm-4.7',
      timeoutMs: 120_000,
      env: { SHARED: 'by-all', KILO_API_KEY: `\${ABSENT_KEY}` },
      mcpServers: { own: { command: 'own-server' } },
    });
  });

  it('changes nothing when it is done again, and replaces what has changed only when told to', async () => {
    const before = await dump(/agents|session/);
    const again = await importIt();
    expect(again.agents.map(({ outcome }) => outcome)).toEqual(['unchanged', 'unchanged', 'unchanged']);
    expect(new Set(again.sessions.map(({ outcome }) => outcome))).toEqual(new Set(['known', 'too old', 'in use']));
    expect(await dump(/agents|session/)).toEqual(before);
    writeFileSync(join(root, '.claude/agents/talker.md'), 'You talk more.');
    expect((await importIt()).agents.find(({ name }) => name === 'talker')).toMatchObject({ outcome: 'kept' });
    expect((await importIt('--replace')).agents.find(({ name }) => name === 'talker')).toMatchObject({
      outcome: 'replaced',
    });
    const shown = await agentpool(place, ['import', root]);
    expect(shown.stdout).toMatch(/^agent +talker +demo +unchanged/m);
    expect(shown.stdout).toMatch(/^session +coder +claude +known +tracked-session/m);
    expect(shown.stdout).toContain('GLM_KEY=   # .env, GLM_KEY');
    expect(shown.stderr).toContain('.claude/settings_broken.json: it is not JSON');
    noSecret(shown.stdout + shown.stderr);
  });

  /** All that a run has printed, when it is done. */
  async function printed(runId: string): Promise<unknown> {
    expect(await mcp.call<Facts>('wait_agent', { runId })).toMatchObject({ status: 'done' });
    return (await mcp.call<Facts>('stream_agent_output', { runId })).output;
  }

  it('lets an agent go on with the conversation that it had there', async () => {
    const { runId } = await mcp.call<{ runId: string }>('run_agent', {
      agentName: 'talker',
      autoResume: true,
      prompt: 'who am I?',
    });
    expect(await printed(runId)).toContain('turn 2; before, you said: my name is Ann');
    expect(await mcp.call<Facts>('get_agent_status', { runId })).toMatchObject({ sessionId: 's-of-then', path: root });
  });

  it('is not even needed: with config, an agent that nobody imported goes on, too', async () => {
    const other = join(place.work, 'another');
    mkdirSync(join(other, '.claude'), { recursive: true });
    writeFileSync(join(other, '.claude/sessions.json'), '{"walker":"s-of-walker"}');
    const demoSessions = join(place.env.HOME ?? '', '.local', 'state', 'agentpool-demo');
    writeFileSync(join(demoSessions, 's-of-walker.json'), '["I walk"]');
    const asked = { runner: 'demo', mode: 'quick', agentName: 'walker', autoResume: true, prompt: 'what do I do?' };
    const { runId } = await mcp.call<{ runId: string }>('run_agent', { ...asked, config: other });
    expect(await printed(runId)).toContain('before, you said: I walk');
    const next = await mcp.call<{ runId: string }>('run_agent', asked);
    expect(await printed(next.runId)).toContain('turn 3; before, you said: what do I do?');
  });

  it('says so when there is no workspace', async () => {
    const { code, stderr } = await agentpool(place, ['import', place.home]);
    expect(code).toBe(2);
    expect(stderr).toContain('is not a workspace of overmind');
  });
});
