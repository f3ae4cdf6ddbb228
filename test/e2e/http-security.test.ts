import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { connect as connectTo } from 'node:net';
import Table from 'cli-table3';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ask } from '../support/http.js';
import { startIssuer } from '../support/issuer.js';
import { makePlace, type Place, steps } from '../support/pool.js';
import { type Facts, type Started, startServeProcess } from '../support/processes.js';

const BODY_TIMEOUT_MS = 3_000; // 5 MB on a busy machine take less
const SECRETS = { ann: 'of-ann', bob: 'of-bob', watcher: 'of-watcher' };
const tokens = Object.entries(SECRETS)
  .map(([name, secret]) => {
    const scopes = name === 'watcher' ? 'read' : 'read+run+kill';
    return `${name}:${scopes}:${createHash('sha256').update(secret).digest('hex')}`;
  })
  .join(',');

let issuer: Awaited<ReturnType<typeof startIssuer>>;
let place: Place;
let server: Started & { readonly url: string };
const table = new Table({ head: ['what', 'answer', 'server memory after'], style: { head: [], border: [] } });

const memoryMiB = () =>
  Math.round(Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${server.child.pid}/status`, 'utf8'))?.[1]) / 1_024);
/** A little more than twice of what it has at rest. */
const BOUND_MIB = 320;

beforeAll(async () => {
  issuer = await startIssuer();
  place = makePlace({
    AGENTPOOL_TOKENS: tokens,
    AGENTPOOL_OIDC_ISSUER: issuer.url,
    AGENTPOOL_OIDC_AUDIENCE: 'pool',
    AGENTPOOL_BODY_TIMEOUT_MS: String(BODY_TIMEOUT_MS),
    AGENTPOOL_REQUESTS_PER_SECOND: '50',
  });
  server = await startServeProcess(place);
  table.push(['(at rest)', '', `${memoryMiB()} MiB`]);
});
afterAll(async () => {
  process.stderr.write(`\n${table.toString()}\n`);
  await server.end();
  await issuer.stop();
  place.clean();
});

function noted(what: string, answer: string): void {
  const memory = memoryMiB();
  table.push([what, answer, `${memory} MiB`]);
  expect(memory).toBeLessThan(BOUND_MIB);
}

const message = (method: string, params: Facts = {}) => JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });
const HEADERS = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
const as = (secret: string) => ({ ...HEADERS, authorization: `Bearer ${secret}` });
const post = (headers: Record<string, string>, body: string) =>
  ask(`${server.url}/mcp`, { method: 'POST', headers, body });

/** The result of a JSON-RPC request whose answer came as one event. */
async function rpc(secret: string, method: string, params: Facts): Promise<Facts> {
  const { body } = await post(as(secret), message(method, params));
  return JSON.parse(/^data: (.*)$/m.exec(body)?.[1] ?? body);
}
async function call(secret: string, name: string, args: Facts): Promise<Facts> {
  const { result } = (await rpc(secret, 'tools/call', { name, arguments: args })) as {
    result: { structuredContent: Facts };
  };
  return result.structuredContent;
}

it.each([
  ['Host of a stranger', { ...as(SECRETS.ann), host: 'evil.example' }, 403, 'wrong_host'],
  ['Origin of a stranger', { ...as(SECRETS.ann), origin: 'https://evil.example' }, 403, 'wrong_origin'],
  ['no token', HEADERS, 401, 'unauthorized'],
  ['a wrong token', as('guessed'), 401, 'unauthorized'],
])('%s is refused', async (what, headers, status, code) => {
  const answer = await post(headers, message('tools/list'));
  expect([answer.status, JSON.parse(answer.body).code]).toEqual([status, code]);
  noted(what, `${status} ${code}`);
});

it('a token that has expired is refused, and one that has not is taken', async () => {
  const expired = await post(as(await issuer.token({ expiresInS: -60 })), message('tools/list'));
  expect([expired.status, JSON.parse(expired.body)]).toEqual([
    401,
    { code: 'unauthorized', message: 'the token has expired', hint: expect.stringContaining('Bearer') },
  ]);
  expect(expired.headers['www-authenticate']).toContain('/.well-known/oauth-protected-resource/mcp"');
  expect(expired.headers['www-authenticate']).toContain('scope="read run kill"');
  expect((await post(as(await issuer.token()), message('tools/list'))).status).toBe(200);
  noted('an expired token', '401 unauthorized: the token has expired');
});

it('a client that takes any type of answer gets one, in the old protocol and in the new', async () => {
  const discover = JSON.stringify({
    jsonrpc: '2.0',
    id: 1,
    method: 'tools/list',
    params: {
      _meta: {
        'io.modelcontextprotocol/protocolVersion': '2026-07-28',
        'io.modelcontextprotocol/clientCapabilities': {},
      },
    },
  });
  const newer = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/list' };
  for (const accept of [{ accept: '*/*' }, {}])
    for (const [more, body] of [
      [{}, message('tools/list')],
      [newer, discover],
    ] as const) {
      const { accept: _, ...headers } = as(SECRETS.ann);
      const answer = await post({ ...headers, ...accept, ...more }, body);
      expect([answer.status, answer.body.includes('run_agent')]).toEqual([200, true]);
    }
});

it('a browser is told in advance that pages of our own names may ask, and those of strangers not', async () => {
  const preflight = (origin: string) =>
    ask(`${server.url}/mcp`, {
      method: 'OPTIONS',
      anonymous: true,
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization,content-type,mcp-protocol-version',
      },
    });
  const { status, headers } = await preflight('http://localhost:5173');
  expect(status).toBe(204);
  expect(headers['access-control-allow-origin']).toBe('http://localhost:5173');
  expect(headers['access-control-allow-methods']).toBe('POST');
  expect(headers['access-control-allow-headers']).toMatch(/authorization,\s*content-type,\s*mcp-protocol-version/);
  const origin = 'http://localhost:5173';
  const answer = await post({ ...as(SECRETS.ann), origin }, message('tools/list'));
  expect([answer.status, answer.headers['access-control-allow-origin']]).toEqual([200, origin]);
  const stranger = await preflight('https://evil.example');
  expect([stranger.status, stranger.headers['access-control-allow-origin']]).toEqual([403, undefined]);
});

it('where tokens come from is told to everybody', async () => {
  for (const path of ['', '/mcp']) {
    const { status, body } = await ask(`${server.url}/.well-known/oauth-protected-resource${path}`);
    expect([status, JSON.parse(body)]).toEqual([
      200,
      {
        resource: `${server.url}/mcp`,
        authorization_servers: [issuer.url],
        scopes_supported: ['read', 'run', 'kill'],
        bearer_methods_supported: ['header'],
      },
    ]);
  }
});

it('the run of another principal is not there, and a scope that is lacking is named', async () => {
  const { runId } = await call(SECRETS.ann, 'run_agent', { runner: 'scripted', prompt: steps() });
  for (const tool of ['get_agent_status', 'kill_agent'])
    expect(await call(SECRETS.bob, tool, { runId })).toMatchObject({ code: 'unknown_run' });
  noted('the run of another principal', 'error unknown_run');
  expect(await call(SECRETS.watcher, 'kill_agent', { runId })).toMatchObject({ code: 'forbidden' });
  expect(await call(SECRETS.ann, 'kill_agent', { runId })).toMatchObject({ killed: true });
  noted('a tool beyond the scopes', 'error forbidden');
});

it.each(['agent://runs/../../../etc/passwd', 'agent://runs/..%2f..%2fetc%2fpasswd/output', 'file:///etc/passwd'])(
  'the resource %s is an error and nothing else',
  async (uri) => {
    const answer = await rpc(SECRETS.ann, 'resources/read', { uri });
    expect(answer.result).toBeUndefined();
    expect(JSON.stringify(answer)).not.toContain('root:');
    noted(`resource ${uri}`, `error ${(answer.error as { code: number }).code}`);
  },
);

it('a body of 5 MB is refused, whether it says so or not', async () => {
  const body = message('tools/call', { name: 'run_agent', arguments: { prompt: 'p'.repeat(5_000_000) } });
  const said = await post({ ...as(SECRETS.ann), 'content-length': String(body.length) }, body);
  const unsaid = await post({ ...as(SECRETS.ann), 'transfer-encoding': 'chunked' }, body);
  for (const { status, body: text } of [said, unsaid])
    expect([status, JSON.parse(text).code]).toEqual([413, 'body_too_large']);
  noted('a body of 5 MB', '413 body_too_large');
});

it('what is no JSON is told so in JSON, and other methods are', async () => {
  const broken = await post(as(SECRETS.ann), '{"jsonrpc":');
  expect([broken.status, JSON.parse(broken.body)]).toMatchObject([400, { error: { code: -32700 } }]);
  for (const method of ['GET', 'DELETE', 'PUT']) {
    const { status, body } = await ask(`${server.url}/mcp`, { method, headers: as(SECRETS.ann) });
    expect([status, JSON.parse(body).code]).toEqual([405, 'method_not_allowed']);
  }
});

it('a hundred bodies that trickle in are cut off, and the server answers others meanwhile', async () => {
  const { hostname, port } = new URL(server.url);
  const head = Object.entries({ host: `${hostname}:${port}`, 'content-length': '1000', ...as(SECRETS.ann) })
    .map((pair) => pair.join(': '))
    .join('\r\n');
  const slow = Array.from({ length: 100 }, async () => {
    const socket = connectTo(Number(port), hostname);
    socket.on('error', () => {});
    socket.write(`POST /mcp HTTP/1.1\r\n${head}\r\n\r\n{`);
    const trickle = setInterval(() => socket.write(' '), 200);
    let answer = '';
    socket.on('data', (bytes) => {
      clearInterval(trickle);
      answer += bytes;
    });
    await new Promise((resolve) => socket.once('close', resolve));
    clearInterval(trickle);
    return answer;
  });
  expect((await post(as(SECRETS.bob), message('tools/list'))).status).toBe(200);
  // Whoever writes at the very moment of the end may lose the answer to a reset of the connection.
  const refused = (await Promise.all(slow)).filter((answer) => answer !== '');
  expect(refused.length).toBeGreaterThan(80);
  for (const answer of refused) expect(answer).toMatch(/^HTTP\/1\.1 408 [\s\S]*"code":"body_too_slow"/);
  noted('100 bodies that trickle in (slow-loris)', '408 body_too_slow, connection closed');
});
