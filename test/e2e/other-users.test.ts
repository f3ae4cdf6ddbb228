import { execFile } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { haveBrowser, openBrowser } from '../support/browser.js';
import { ask } from '../support/http.js';
import { bearerOf } from '../support/http-token.js';
import { makePlace } from '../support/pool.js';
import { agentpool, eventually, type Started, startAgentpool } from '../support/processes.js';
import { removeDirectory } from '../support/remove-directory.js';

const NOBODY = 65_534;
const isRoot = process.getuid?.() === 0;
if (!isRoot) console.warn('skipped: only root can ask as another user of this machine');

const place = makePlace();
let serve: Started;
let url: string;
let link: string;
beforeAll(async () => {
  serve = await startAgentpool(place, ['serve', '--port', '0', '--json']);
  ({ url, link } = JSON.parse(serve.line));
});
afterAll(async () => {
  await serve.end();
  place.clean();
});

/** What a program prints as user nobody; its exit code where it fails. */
const asNobody = (command: string, ...args: string[]): Promise<string> =>
  new Promise((resolve) => {
    execFile(command, args, { uid: NOBODY, gid: NOBODY, cwd: '/' }, (error, stdout) =>
      resolve(error ? `exit ${error.code}` : stdout),
    );
  });

const RUN = JSON.stringify({
  jsonrpc: '2.0',
  id: 1,
  method: 'tools/call',
  params: { name: 'run_agent', arguments: { runner: 'demo', prompt: 'x' } },
});
const HEADERS = ['-H', 'content-type: application/json', '-H', 'accept: application/json, text/event-stream'];

describe.runIf(isRoot)('another user of this machine', () => {
  it.each([['/mcp', ...HEADERS, '-d', RUN], ['/'], ['/queues/api/queues'], ['/runs/r1'], ['/login/guessed']])(
    'is refused at %s',
    async (path, ...args) => {
      const status = await asNobody('curl', '-s', '-o', '/dev/null', '-w', '%{http_code}', ...args, url + path);
      expect(status).toBe('401');
    },
  );

  it('sees that the server lives, and nothing else', async () => {
    for (const path of ['/healthz', '/readyz']) expect(await asNobody('curl', '-s', url + path)).toBe('{"ok":true}');
  });

  it('cannot read the token, and is not told it by a process list', async () => {
    chmodSync(join(place.home, '..'), 0o755); // as if the directories above were open, as /home often is
    expect(await asNobody('cat', join(place.home, 'http-token'))).toBe('exit 1');
    expect(statSync(join(place.home, 'http-token')).mode & 0o777).toBe(0o600);
    const token = bearerOf(place).authorization?.split(' ')[1] ?? '';
    expect(await asNobody('ps', '-eo', 'args')).not.toContain(token);
  });
});

describe('the owner', () => {
  it('gets in with the token of agentpool token', async () => {
    const token = (await agentpool(place, ['token'])).stdout.trim();
    const headers = { authorization: `Bearer ${token}` };
    expect((await ask(`${url}/`, { headers })).status).toBe(200);
    expect((await ask(`${url}/`, { anonymous: true })).status).toBe(401);
  });

  it('gets in with a browser by a link that works once', async () => {
    const head = await ask(link, { method: 'HEAD', anonymous: true });
    expect(head.status).toBe(401); // what only looks at it does not use it up
    const entered = await ask(link, { anonymous: true });
    const [cookie = ''] = entered.headers['set-cookie'] ?? [];
    expect(entered).toMatchObject({ status: 303, headers: { location: '/', 'cache-control': 'no-store' } });
    expect(cookie).toMatch(/^agentpool-\d+=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict$/);
    const headers = { cookie: cookie.split(';')[0] ?? '' };
    expect((await ask(`${url}/`, { headers, anonymous: true })).status).toBe(200);
    expect((await ask(link, { anonymous: true })).status).toBe(401);
    // What a page of others could send with the cookie does nothing.
    expect((await ask(`${url}/mcp`, { method: 'POST', headers, body: RUN, anonymous: true })).status).toBe(401);
  });

  it('of a link that two follow at once lets one in', async () => {
    const { stdout } = await agentpool(place, ['token', '--link', '--json']);
    const made = new URL(JSON.parse(stdout).link).pathname;
    const answers = await Promise.all([1, 2, 3, 4].map(() => ask(url + made, { anonymous: true })));
    expect(answers.map(({ status }) => status).sort()).toEqual([303, 401, 401, 401]);
    expect(readdirSync(join(place.home, 'http-links'))).toEqual([]);
  });

  it('can make another token, which ends what the one before has let in', async () => {
    const { stdout } = await agentpool(place, ['token', '--link', '--json']);
    const entered = await ask(url + new URL(JSON.parse(stdout).link).pathname, { anonymous: true });
    const headers = { cookie: entered.headers['set-cookie']?.[0]?.split(';')[0] ?? '' };
    const before = bearerOf(place);
    const after = (await agentpool(place, ['token', '--rotate'])).stdout.trim();
    const statusOf = async (given: Record<string, string>) =>
      (await ask(`${url}/`, { headers: given, anonymous: true })).status;
    await eventually(
      () => statusOf(before),
      (status) => status === 401,
    );
    expect(await statusOf(headers)).toBe(401);
    expect(await statusOf({ authorization: `Bearer ${after}` })).toBe(200);
  });

  it.skipIf(!haveBrowser())('sees the pages and their jobs in Chromium after the link alone', async () => {
    const { stdout } = await agentpool(place, ['token', '--link', '--json']);
    const browser = await openBrowser({ withToken: false });
    const { page, complaints } = await browser.open(url + new URL(JSON.parse(stdout).link).pathname);
    await page.getByRole('heading', { name: 'Workers' }).waitFor();
    expect(new URL(page.url()).pathname).toBe('/');
    await page.goto(`${url}/queues`);
    await page.locator('main').waitFor();
    expect(complaints).toEqual([]);
    await browser.close();
  });
});

describe.runIf(isRoot)('a state directory is refused', () => {
  const root = join(tmpdir(), `ap-strange-${process.pid}`);
  const home = join(root, 'a', 'home');
  beforeAll(() => mkdirSync(home, { recursive: true, mode: 0o700 }));
  afterAll(() => removeDirectory(root));
  const start = async (at = home) =>
    agentpool({ ...place, env: { ...place.env, AGENTPOOL_HOME: at, REDIS_URL: '' } }, ['serve', '--port', '0']);

  it.each([
    ['itself', home],
    ['the directory above it', join(root, 'a')],
    ['one further up', root],
  ])('when %s belongs to somebody else', async (_, strange) => {
    chownSync(strange, NOBODY, NOBODY);
    expect(await start()).toMatchObject({
      code: 78,
      stderr: expect.stringContaining(`${strange} belongs to another user`),
    });
    chownSync(strange, 0, 0);
  });

  it('when everybody may write above it', async () => {
    chmodSync(join(root, 'a'), 0o777);
    expect(await start()).toMatchObject({
      code: 78,
      stderr: expect.stringContaining('everybody on this machine may write'),
    });
    chmodSync(join(root, 'a'), 0o700);
  });

  it('when it is reached by a link of somebody else', async () => {
    const way = `${root}-link`;
    await asNobody('ln', '-s', root, way);
    expect(lstatSync(way).isSymbolicLink()).toBe(true); // following it may be refused to root, too: fs.protected_symlinks
    expect(await start(join(way, 'a', 'home'))).toMatchObject({
      code: 78,
      stderr: expect.stringContaining(`${way} belongs to`),
    });
    rmSync(way);
  });

  it('when its socket belongs to somebody else', async () => {
    const socket = join(home, 'redis', 'redis.sock');
    mkdirSync(join(home, 'redis'), { mode: 0o700 });
    const fake = createServer((client) => client.end('+PONG\r\n')).listen(socket);
    await eventually(() => existsSync(socket));
    chownSync(socket, NOBODY, NOBODY);
    expect(await start()).toMatchObject({
      code: 78,
      stderr: expect.stringContaining(`${socket} belongs to another user`),
    });
    fake.close();
  });

  it('when its token is one that others may read, or is a link', async () => {
    removeDirectory(join(home, 'redis'));
    const token = join(home, 'http-token');
    writeFileSync(token, `${'x'.repeat(43)}\n`);
    chmodSync(token, 0o644);
    expect(await start()).toMatchObject({ code: 78, stderr: expect.stringContaining('others may read') });
    rmSync(token);
    symlinkSync('/etc/hostname', token);
    expect((await start()).code).not.toBe(0);
  });
});
