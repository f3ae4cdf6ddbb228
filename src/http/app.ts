import type { HttpBindings } from '@hono/node-server';
import { getConnInfo } from '@hono/node-server/conninfo';
import { type Context, type Handler, Hono, type MiddlewareHandler } from 'hono';
import { cors } from 'hono/cors';
import type { Config } from '../shared/config/load.js';
import { bodyOf, type ErrorCode } from '../shared/errors.js';
import type { Pool } from '../shared/pool.js';
import { allows, LOCAL, type Principal } from '../shared/principal.js';
import { asUnreachable } from '../shared/redis/unreachable.js';
import { isLocalOnly, ORDINARY_SCOPES, openAuthentication, RESOURCE_METADATA } from './authenticate.js';
import { readJson } from './body.js';
import { costOf, costOfPage } from './cost.js';
import { isListening, openFairUse } from './fair-use.js';
import { checkHostAndOrigin } from './guard.js';
import { hasSession, LOGIN_PATH, letIn } from './local-access.js';
import { logRefusals } from './log-refusals.js';
import { type LocalAccess, openLogin } from './login.js';
import { type AskWaiting, openMetrics } from './metrics.js';
import { openRateLimit } from './rate-limit.js';
import { refusal, refuse } from './refuse.js';

interface Asking {
  Variables: { principal: Principal };
}

/** What answers MCP over HTTP. */
export interface McpRoom {
  answer(request: Request, body: unknown, principal: Principal): Promise<Response>;
  /** Calls that are being answered. */
  openCalls(): number;
  /** How many calls of tools were answered with an error so far, by its code. */
  refusedCalls(): ReadonlyMap<ErrorCode, number>;
  /** What waits answers now, with what it has. */
  endWaits(): void;
  stop(): Promise<void>;
}

/** What the server has rooms for: neither knows of the other. */
export interface Rooms {
  readonly mcp: McpRoom;
  readonly board: {
    readonly pages: Hono<Asking>;
    readonly headers: MiddlewareHandler;
    /** Shows refusals to browsers. */
    readonly refusals: MiddlewareHandler;
  };
  /** What queued runs wait for, for the figures. */
  readonly waiting: AskWaiting;
}

/** One request of the oldest protocols may hold several messages. */
const MOST_MESSAGES = 50;

/** What the checks of every request need. */
interface Checks {
  readonly config: Config;
  readonly authenticate: ReturnType<typeof openAuthentication>;
  readonly login: ReturnType<typeof openLogin>;
  readonly limit: ReturnType<typeof openRateLimit>;
  readonly stopping: AbortSignal;
}

/** The order of the checks, for everything the server answers. */
export function createApp(
  pool: Pool,
  { mcp, board, waiting }: Rooms,
  access: LocalAccess,
  stopping: AbortSignal,
): Hono<Asking> {
  const { config, logger } = pool;
  const checks: Checks = {
    config,
    authenticate: openAuthentication(config, logger, access.token),
    login: openLogin(access),
    limit: openRateLimit(config.requestsPerSecond),
    stopping,
  };
  const fair = openFairUse(config);
  const app = new Hono<Asking>();
  const metrics = openMetrics(pool, mcp, waiting);
  app.use(board.headers);
  app.use(board.refusals);
  app.use(metrics.counted);
  app.use(logRefusals(logger, (context) => context.get('principal')?.name ?? addressOf(context)));
  // Before all checks: a probe asks by whatever address it has, and learns nothing else.
  answerProbes(app, checks, pool);
  app.use(checkHostAndOrigin([...config.allowedHosts, config.bind]));
  // Pages of other origins were refused just now; browsers ask in advance, and without a token.
  app.use(
    '/mcp',
    cors({ origin: (origin) => origin, allowMethods: ['POST'], exposeHeaders: ['www-authenticate'], maxAge: 600 }),
  );
  if (config.oidcIssuer !== undefined) describeResource(app, config);
  if (isLocalOnly(config)) {
    const countAddress: MiddlewareHandler = async (context, next) => limited(checks, addressOf(context)) ?? next();
    app.get(`${LOGIN_PATH}/:code`, countAddress, letIn(checks.login));
  }
  app.use(identify(checks));
  app.all('/mcp', answerMcp(checks, fair, mcp));
  app.get('/metrics', async (context) =>
    allows(context.get('principal'), 'metrics')
      ? metrics.answer()
      : refuse('forbidden', 'the token lacks the scope metrics'),
  );
  for (const path of ['/runs/*', '/bulk', '/agents', '/usage']) app.use(path, holdForPages(checks, fair));
  app.route('/', board.pages);
  app.notFound((context) => refuse('not_found', `there is nothing at ${context.req.path}`));
  app.onError((thrown, context) => {
    const away = asUnreachable(thrown);
    if (!away) logger.error({ err: thrown, path: context.req.path }, 'a request failed');
    return refusal(bodyOf(away ?? thrown));
  });
  return app;
}

/** The refusal of a request beyond the rate; undefined for one within it. */
function limited({ limit, config }: Checks, name: string, count?: number): Response | undefined {
  const afterS = limit.take(name, count);
  if (afterS === 0) return undefined;
  const message = `more than ${config.requestsPerSecond} requests per second; see AGENTPOOL_REQUESTS_PER_SECOND`;
  return refuse('too_many_requests', message, { 'retry-after': String(afterS) });
}

function answerProbes(app: Hono<Asking>, checks: Checks, pool: Pool): void {
  app.get('/healthz', (context) => context.json({ ok: true }));
  app.get('/readyz', async (context) => {
    const tooMany = limited(checks, addressOf(context));
    if (tooMany) return tooMany;
    const problem = checks.stopping.aborted ? 'it is stopping' : await pool.redisProblem();
    return problem === undefined ? context.json({ ok: true }) : context.json({ ok: false, problem }, 503);
  });
}

/** Says where clients get a token. */
function describeResource(app: Hono<Asking>, config: Config): void {
  for (const path of [RESOURCE_METADATA, `${RESOURCE_METADATA}/mcp`])
    app.get(path, (context) =>
      context.json({
        resource: resourceOf(config.oidcAudience, context.req.header('host')),
        authorization_servers: [config.oidcIssuer],
        scopes_supported: ORDINARY_SCOPES,
        bearer_methods_supported: ['header'],
      }),
    );
}

/** Lets requests through that are authenticated and within the rate. */
function identify(checks: Checks): MiddlewareHandler<Asking> {
  const { config, authenticate, login, stopping } = checks;
  return async (context, next) => {
    if (stopping.aborted) return refuse('stopping', 'this server is stopping', { 'retry-after': '1' });
    const { origin } = new URL(resourceOf(config.oidcAudience, context.req.header('host')));
    const principal =
      isLocalOnly(config) && context.req.path !== '/mcp' && hasSession(context, login)
        ? LOCAL
        : await authenticate(context.req.header('authorization'), origin);
    // Requests without a valid token are counted by address, so that guessing tokens has a limit, too.
    if (principal instanceof Response) return limited(checks, addressOf(context)) ?? principal;
    const tooMany = limited(checks, `principal ${principal.name}`);
    if (tooMany) return tooMany;
    context.set('principal', principal);
    return next();
  };
}

/** What is more than a look counts as what it holds and does: calls, streams, bytes of bodies, and requests. */
function holdForPages(checks: Checks, fair: ReturnType<typeof openFairUse>): MiddlewareHandler<Asking> {
  const { config } = checks;
  return async (context, next) => {
    const { path, method } = context.req;
    const { name } = context.get('principal');
    const isStream = path.endsWith('/live');
    const release = fair.open(name);
    if (release instanceof Response) return release;
    (context.env as HttpBindings).outgoing.once('close', release.all);
    if (isStream && !release.mayListen())
      return refuse(
        'too_many_streams',
        `${config.maxListenStreams} streams are open; see AGENTPOOL_MAX_LISTEN_STREAMS`,
      );
    const bytes = Number(context.req.header('content-length') ?? (method === 'POST' ? Number.NaN : 0));
    if (!(bytes <= 4 * config.maxPromptBytes + 65_536)) return refuse('body_too_large', 'this form is too long');
    if (!release.mayHold(bytes))
      return refuse('too_many_bytes', 'too much is being sent; see AGENTPOOL_MAX_BODY_BYTES');
    return limited(checks, `principal ${name}`, costOfPage(path)) ?? next();
  };
}

function answerMcp(checks: Checks, fair: ReturnType<typeof openFairUse>, mcp: McpRoom): Handler<Asking> {
  const { config } = checks;
  return async (context) => {
    if (context.req.method !== 'POST')
      return refuse('method_not_allowed', 'there are no sessions and no streams here; use POST', {
        allow: 'POST',
      });
    const principal = context.get('principal');
    const { incoming, outgoing } = context.env as HttpBindings;
    const release = fair.open(principal.name);
    if (release instanceof Response) return release;
    outgoing.once('close', release.all); // also of a stream, and of an answer that nobody reads
    const body = await readJson(incoming, config.bodyTimeoutMs, release.mayHold);
    if (body instanceof Response) return body;
    const messages = Array.isArray(body.value) ? body.value.length : 1;
    if (messages > MOST_MESSAGES) return refuse('too_many_messages', `a request may hold ${MOST_MESSAGES} messages`);
    const tooMuch = limited(checks, `principal ${principal.name}`, costOf(body.value, body.bytes) - 1);
    if (tooMuch) return tooMuch;
    if (isListening(body.value) && !release.mayListen()) {
      const message = `${config.maxListenStreams} streams are open; see AGENTPOOL_MAX_LISTEN_STREAMS`;
      return refuse('too_many_streams', message);
    }
    return mcp.answer(context.req.raw, body.value, principal);
  };
}

const addressOf = (context: Context) => `address ${getConnInfo(context).remote.address}`;

/** What tokens are for: the audience where it is an address, else the address that was asked. */
function resourceOf(audience: string | undefined, host: string | undefined): string {
  return audience !== undefined && /^https?:/.test(audience) ? audience : `http://${host}/mcp`;
}
