import { createHash, randomBytes } from 'node:crypto';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { execa } from 'execa';
import { inject } from 'vitest';
import { REDIS_IMAGE } from './engine.js';

/** The one of docker-compose.yml, unless the environment names another. */
const BASE_IMAGE = process.env.BASE_IMAGE || 'node:22-bookworm-slim';
const sum = (numbers: readonly number[]) => numbers.reduce((total, one) => total + one, 0);

const ROOT = new URL('../..', import.meta.url).pathname;

/** Counts the processes of a container that carry the mark of a run; the mark is in the environment of all of them. */
const COUNT_MARKED = `
const { readdirSync, readFileSync } = require('node:fs');
const environ = (pid) => { try { return readFileSync('/proc/' + pid + '/environ', 'latin1'); } catch { return ''; } };
const marked = readdirSync('/proc').filter((name) => /^\\d+$/.test(name) && environ(name).includes(process.argv[1]));
console.log(marked.length);`;

/** Counts the processes of a container whose line of /proc/PID/stat looks like something. */
const COUNT_LIKE = `
const { readdirSync, readFileSync } = require('node:fs');
const stat = (pid) => { try { return readFileSync('/proc/' + pid + '/stat', 'latin1'); } catch { return ''; } };
const like = new RegExp(process.argv[1]);
console.log(readdirSync('/proc').filter((name) => /^\\d+$/.test(name) && like.test(stat(name))).length);`;

/** docker-compose.yml as it is, as a project of its own with an image, a port and a token of its own. */
export function openComposedPool() {
  const name = `agentpool-test-${randomBytes(4).toString('hex')}`;
  const token = randomBytes(16).toString('hex');
  const image = `agentpool-test/pool:${name}`;
  const [command, ...first] = inject('compose');
  const env = {
    COMPOSE_PROJECT_NAME: name,
    COMPOSE_FILE: `${ROOT}docker-compose.yml`,
    POOL_IMAGE: image,
    POOL_REDIS_IMAGE: REDIS_IMAGE,
    POOL_STOP_GRACE: '60s',
    AGENTPOOL_PORT: '0',
    AGENTPOOL_BIND: '0.0.0.0',
    AGENTPOOL_TOKENS: `tester:read:${createHash('sha256').update(token).digest('hex')}`,
  };
  const compose = async (...args: string[]) => (await execa(command, [...first, ...args], { cwd: ROOT, env })).stdout;
  const docker = async (...args: string[]) => (await execa('docker', args)).stdout;
  const countLike = async (container: string, like: string) =>
    Number(await docker('exec', container, 'node', '-e', COUNT_LIKE, like));
  const inServer = ['exec', '-T', 'server', 'agentpool'];

  return {
    token,
    compose,
    docker,
    build: () => compose('build', 'worker'),
    /** What the image has besides its base image (bytes). */
    async addedToBase(): Promise<number> {
      const layers = await docker(
        'history',
        '--no-trunc',
        '--human=false',
        '--format',
        '{{.Size}} {{.CreatedBy}}',
        image,
      );
      const ofBase = await docker('history', '--no-trunc', '--human=false', '--format', '{{.Size}}', BASE_IMAGE);
      const sizes = layers.split('\n').map((line) => Number(line.split(' ', 1)[0]));
      return sum(sizes) - sum(ofBase.split('\n').map(Number));
    },
    /** Starts one more container as deploy/kubernetes has it: nothing but its volumes can be written to, and no rights. */
    readOnly: (...args: string[]) =>
      docker(
        ...['run', '--detach', '--network', `${name}_default`, '--env', 'REDIS_URL=redis://redis:6379'],
        ...['--read-only', '--cap-drop', 'ALL', '--security-opt', 'no-new-privileges', '--tmpfs', '/tmp'],
        ...['/var/lib/agentpool', '/home/agentpool', '/workspace'].flatMap((path) => ['--volume', path]),
        ...[image, ...args],
      ),
    /** `agentpool ...` in the container of the server; throws when it does not exit with 0. */
    agentpool: (...args: string[]) => compose(...inServer, ...args),
    /** A real MCP client over stdio; its server runs in the container of the server. An `isError` answer is thrown. */
    async openMcp() {
      const client = new Client({ name: 'test', version: '1' });
      const ours = { ...process.env, ...env } as Record<string, string>;
      const args = [...first, ...inServer, 'mcp'];
      await client.connect(new StdioClientTransport({ command, args, cwd: ROOT, env: ours, stderr: 'inherit' }));
      return {
        close: () => client.close(),
        async call<Answer = Record<string, unknown>>(tool: string, toolArgs: Record<string, unknown>): Promise<Answer> {
          const answer = await client.callTool({ name: tool, arguments: toolArgs }, undefined, { timeout: 120_000 });
          const body = answer.structuredContent as Record<string, unknown>;
          if (answer.isError) throw Object.assign(new Error(String(body.message)), body);
          return body as Answer;
        },
      };
    },
    /** How many processes of a run live in a container. */
    processesIn: async (container: string, runId: string) =>
      Number(await docker('exec', container, 'node', '-e', COUNT_MARKED, `AGENTPOOL_RUN=${runId}`)),
    /** How many processes of a container have ended and nobody has waited for them. */
    zombiesIn: (container: string) => countLike(container, '\\) Z '),
    /** How many processes of a container have this name and live. */
    namedIn: (container: string, name: string) => countLike(container, `\\(${name}\\) [^Z]`),
    /** Containers, volumes, network and image are gone afterwards. */
    async down() {
      await compose('down', '--volumes', '--remove-orphans', '--timeout', '1');
      await docker('rmi', '--force', image);
    },
  };
}
export type ComposedPool = ReturnType<typeof openComposedPool>;
