import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Secrets of the workspace: none of them may be anywhere but in it. */
export const SECRETS = {
  token: 'zai-4f9c1e7b2d8a4c6e9b1f',
  fallback: 'the-second-key',
  github: 'ghp_abcdefghijklmnopqrstuvwxyz0123456789',
  header: 'Bearer 0123456789abcdef0123',
  dotEnv: 'only-in-the-env-file',
};

const HOUR = 60 * 60_000;

/** A workspace of overmind 2.3 as people have them: agents in every form, each shape of a session, and some broken files. */
export function makeOvermindWorkspace(root: string, sessions: Readonly<Record<string, unknown>> = {}): void {
  const write = (file: string, content: unknown) => {
    const path = join(root, file);
    mkdirSync(join(path, '..'), { recursive: true });
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content, null, 2));
  };
  const now = Date.now();
  write('.env', `GLM_KEY=${SECRETS.dotEnv}\nKILO_MODEL_NAME=z-ai/glm-4.7\n`);
  write('.mcp.json', {
    mcpServers: {
      github: { command: 'mcp-github', args: ['--read-only'], env: { GITHUB_TOKEN: SECRETS.github, LEVEL: 'info' } },
      docs: { type: 'http', url: 'https://docs.example/mcp', headers: { Authorization: SECRETS.header } },
      unused: { command: 'never' },
    },
  });
  write('.claude/settings.json', { env: { SHARED: 'by-all' } });
  write('.claude/settings_coder.json', {
    runner: 'claude',
    model: 'glm',
    agent: 'coder',
    env: {
      ANTHROPIC_AUTH_TOKEN: SECRETS.token,
      ANTHROPIC_BASE_URL: 'https://api.z.ai/api/anthropic',
      ANTHROPIC_MODEL: 'glm-4.7',
      AGENT_TIMEOUT_MS: '600000',
      AUTH_FALLBACK_1: '$GLM_KEY',
      AUTH_FALLBACK_2: SECRETS.fallback,
    },
    enabledMcpjsonServers: ['github', 'docs'],
  });
  write('.claude/agents/coder.md', '# Coder\nYou write code.\n');
  write('.claude/agents/coder_skill.md', '## Skill\nYou know TypeScript.\n');
  write('.claude/settings_architect.json', {
    runner: 'kilo',
    mode: 'architect',
    cliPath: '/opt/kilo',
    env: { MODEL: '$KILO_MODEL_NAME', KILO_API_KEY: `\${ABSENT_KEY}`, API_TIMEOUT_MS: 120000 },
    enableAllProjectMcpServers: true,
  });
  write('.claude/agents/architect.md', 'You draw plans.');
  write('.claude/.mcp.architect.json', { mcpServers: { own: { command: 'own-server' } } });
  write('.claude/settings_talker.json', { runner: 'demo', mode: 'quick' });
  write('.claude/agents/talker.md', 'You talk.');
  write('.claude/settings_silent.json', { runner: 'demo' });
  write('.claude/settings_strange.json', { runner: 'abacus' });
  write('.claude/agents/strange.md', 'You count.');
  write('.claude/settings_broken.json', '{ "runner": "claude", ');
  write('.claude/sessions.json', {
    coder: 'bare-session',
    'kilo:architect': { id: 'ses_kilo', ts: now - 2 * HOUR },
    'claude:coder': {
      id: 'tracked-session',
      ts: now - 3 * HOUR,
      pid: 999_999_999,
      runner: 'claude',
      agentName: 'coder',
      status: 'done',
      outputBuffer: `output with ${SECRETS.token}`,
      exitCode: 0,
      lastOutputAt: now - 3 * HOUR + 1_000,
    },
    'claude:ancient': { id: 'ancient-session', ts: now - 40 * 24 * HOUR },
    'claude:busy': { id: 'busy-session', ts: now - 1_000, pid: process.pid, status: 'running', outputBuffer: '' },
    'abacus:bead': { id: 'bead-session', ts: now },
    'claude:bad name!': 'whatever',
    'claude:wrong': 17,
    ...sessions,
  });
}
