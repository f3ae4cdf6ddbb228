import { z } from 'zod';
import { LOG_FORMATS, LOG_LEVELS } from '../logger.js';
import {
  byRunner,
  concurrency,
  flag,
  list,
  listenAddress,
  runAs,
  scopeWords,
  token,
  variableName,
  whole,
  workerLabel,
} from './checks.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const MIB = 1024 * 1024;

/** Every setting: its environment variable, its check, its default as text, and what it means. docs/reference is made from this. */
export const SETTINGS = {
  REDIS_URL: z
    .string()
    .optional()
    .describe(
      'Redis 6.2 or newer: `redis://`, `rediss://`, `unix://`, `redis+sentinel://h1:p,h2:p/name`, `redis+cluster://h1:p,h2:p`, and with TLS `rediss+sentinel://`, `rediss+cluster://`. Without it, a private Redis is started',
    ),
  REDIS_URL_FILE: z
    .string()
    .optional()
    .describe('A file that holds `REDIS_URL`, so that its password is in no environment'),
  REDIS_PASSWORD: z.string().optional().describe('The password of Redis, if `REDIS_URL` has none'),
  REDIS_PASSWORD_FILE: z.string().optional().describe('A file that holds `REDIS_PASSWORD`'),
  REDIS_SENTINEL_USER: z
    .string()
    .optional()
    .describe('The user for the Sentinels; the user in `REDIS_URL` is for Redis'),
  REDIS_SENTINEL_PASSWORD: z.string().optional().describe('The password of the Sentinels'),
  REDIS_SENTINEL_PASSWORD_FILE: z.string().optional().describe('A file that holds `REDIS_SENTINEL_PASSWORD`'),
  REDIS_TLS_CA_FILE: z
    .string()
    .optional()
    .describe('The certificate (PEM) of the CA of Redis; by default the well-known CAs are trusted'),
  REDIS_TLS_CERT_FILE: z.string().optional().describe('Our client certificate (PEM), if Redis requires one'),
  REDIS_TLS_KEY_FILE: z.string().optional().describe('The key (PEM) of that certificate'),
  REDIS_TLS_SERVER_NAME: z
    .string()
    .optional()
    .describe(
      'The name that the certificate of Redis has to have; by default the host in `REDIS_URL`, or the names that Sentinels and clusters answer with',
    ),
  AGENTPOOL_HOME: z
    .string()
    .optional()
    .describe('Where the private Redis and the spools are; by default the state directory of the platform'),
  AGENTPOOL_CONFIG: z
    .string()
    .optional()
    .describe(
      'A JSON file with custom runners, as `--config-file`; by default the files named `agentpool.config.json`, see above',
    ),
  AGENTPOOL_ENV_FILE: z
    .string()
    .optional()
    .describe(
      'A file with settings of this table, as `--env-file`; it takes precedence over the files named `.env`, see above',
    ),
  AGENTPOOL_DIRECTORY_CONFIG: z
    .enum(['trusted', 'never'])
    .default('trusted')
    .describe(
      'Whether the configuration of a trusted working directory (`agentpool trust`) is read; can be set only in the environment',
    ),
  AGENTPOOL_PREFIX: z
    .string()
    .regex(/^[\w.-]+$/, 'must be letters, digits, dot, dash, underscore')
    .default('agentpool')
    .describe('What every key in Redis begins with; pools with different prefixes share nothing'),
  AGENTPOOL_LOG_LEVEL: z.enum(LOG_LEVELS).default('info').describe('How much is logged to stderr'),
  AGENTPOOL_LOG_FORMAT: z
    .enum(LOG_FORMATS)
    .default('auto')
    .describe('`json`: a JSON object in each line; `pretty`: lines for people; `auto`: pretty at a terminal'),
  AGENTPOOL_HOST_NAME: z
    .string()
    .regex(
      /^\w[\w.-]{0,63}$/,
      'must be 1 to 64 letters, digits, dots, dashes, underscores, and must not begin with a dot or a dash',
    )
    .optional()
    .describe('The name of this host in the pool; by default the host name of the machine'),
  AGENTPOOL_SECRETS_FILE: z
    .string()
    .optional()
    .describe(
      'Variables for agent programs, such as their keys, as `NAME=value` lines; by default `secrets.env` in `AGENTPOOL_HOME`. Only the worker reads it',
    ),
  AGENTPOOL_PASS_ENV: list(',')
    .pipe(z.array(variableName))
    .prefault('')
    .describe(
      "Variables of the worker's environment that every agent program is given besides [those of its runner](runners.md), separated by commas; `*` at the end of a name stands for anything, as in `CORP_*`",
    ),
  AGENTPOOL_RUN_AS: runAs
    .prefault('')
    .describe(
      'The user as which a worker that runs as root starts programs: a name or `uid:gid` for all, or `claude=alice,codex=1001:1001`; by default root',
    ),
  AGENTPOOL_RUNNERS: list(',')
    .optional()
    .describe('The runners that a worker offers, separated by commas; by default all whose program it finds'),
  AGENTPOOL_WORKER_LABELS: list(',')
    .pipe(z.array(workerLabel))
    .prefault('')
    .describe(
      'What this worker has that [runs may require](../many-hosts.md#which-worker-takes-a-run), separated by commas: `gpu,repo=web`; it sets `os` and `arch` by itself',
    ),
  AGENTPOOL_LOOK_FOR_RUNNERS_MS: whole(100, HOUR)
    .prefault('30000')
    .describe('How often a worker looks for programs that have been installed or removed (ms)'),
  AGENTPOOL_CONCURRENCY: concurrency
    .prefault('auto')
    .describe(
      'Runs at once on one worker: a number for all together, or `claude=2,gemini=4` (others: 1 each); `auto`: what its memory, cores and programs allow, which `agentpool doctor` shows, with the reason',
    ),
  AGENTPOOL_POOL_CONCURRENCY: byRunner
    .prefault('')
    .describe(
      'How many runs of a runner [all workers together](../many-hosts.md#limits-of-the-whole-pool) have at once: `claude=3,gemini=10`; by default as many as they have slots. Set the same on every worker',
    ),
  AGENTPOOL_STARTS_PER_MINUTE: byRunner
    .prefault('')
    .describe(
      'How many runs of a runner all workers together start within a minute: `claude=20`; by default any number. Set the same on every worker',
    ),
  AGENTPOOL_ALLOWED_PATHS: list(/[,:]/)
    .optional()
    .describe(
      'Directories below which a run may work, besides those of `agentpool allow`, separated by colons or commas; by default the one in which the worker was started, or none if a client started the pool',
    ),
  AGENTPOOL_PERMISSIONS: z
    .enum(['auto', 'safe'])
    .default('auto')
    .describe(
      '`auto` lets the agent programs use their tools without asking; `safe` denies whatever needs an approval',
    ),
  AGENTPOOL_STOP_MODE: z
    .enum(['detach', 'drain'])
    .default('detach')
    .describe(
      'On SIGTERM, a worker leaves its programs to the next worker of the host (`detach`), or waits for their end (`drain`)',
    ),
  AGENTPOOL_WORKER_HEALTH: listenAddress
    .optional()
    .describe(
      'Where a worker answers `/healthz`, `/readyz` and `/metrics`: a loopback port, `host:port`, or the absolute path of a unix socket; by default nowhere',
    ),
  AGENTPOOL_TRACES: z
    .enum(['off', 'otlp', 'api'])
    .default('off')
    .describe(
      '[Traces](../operations.md#traces) of calls and runs: `otlp` sends them where `OTEL_EXPORTER_OTLP_ENDPOINT` says, with packages that you install beside agentpool; `api` passes them to the SDK that `node --import` has loaded',
    ),
  AGENTPOOL_KEEP_LEFTOVERS: flag
    .prefault('false')
    .describe('Keep the processes that a program leaves behind at its normal end'),
  AGENTPOOL_PORT: whole(0, 65_535).prefault('7333').describe('The port of the HTTP server; 0 picks a free one'),
  AGENTPOOL_BIND: z
    .string()
    .default('127.0.0.1')
    .describe('The address that the HTTP server listens on; beyond loopback, tokens are required'),
  AGENTPOOL_ALLOWED_HOSTS: list(',')
    .prefault('')
    .describe('Host names, besides those of loopback, that requests to the HTTP server may use, separated by commas'),
  AGENTPOOL_TOKENS: list(',')
    .pipe(z.array(token))
    .prefault('')
    .describe(
      'Who may use HTTP: `name:scopes:sha256`, separated by commas; the scopes are `read`, `run`, `kill`, `metrics` and `admin`, joined by plus signs',
    ),
  AGENTPOOL_TOKENS_FILE: z.string().optional().describe('A file that holds `AGENTPOOL_TOKENS`'),
  AGENTPOOL_OIDC_ISSUER: z
    .url({ error: 'must be the address of the issuer', abort: true })
    .refine(
      (url) => /^(https:|http:\/\/(localhost|127\.0\.0\.1|\[::1\])[:/])/.test(`${url}/`),
      'must be https beyond loopback',
    )
    .optional()
    .describe(
      'An OAuth issuer whose access tokens (JWT) are accepted besides `AGENTPOOL_TOKENS`; its keys are found automatically',
    ),
  AGENTPOOL_OIDC_AUDIENCE: z
    .string()
    .optional()
    .describe('The audience that those tokens must have (`aud`), preferably the address of `/mcp` as clients know it'),
  AGENTPOOL_OIDC_SCOPE_CLAIM: z
    .string()
    .default('scope')
    .describe('The claim of those tokens that holds the scopes: a list, or words separated by spaces'),
  AGENTPOOL_OIDC_SCOPES: scopeWords
    .prefault('')
    .describe(
      'Our scopes for the names that the issuer uses: `agents.read=read,agents.write=run+kill`; by default the issuer uses our names',
    ),
  AGENTPOOL_REQUESTS_PER_SECOND: whole(1, 100_000)
    .prefault('100')
    .describe(
      "Requests a second that one HTTP server accepts from one principal; twenty seconds' worth may come at once. Requests that cause more work count as several",
    ),
  AGENTPOOL_MAX_OPEN_CALLS: whole(1, 100_000)
    .prefault('200')
    .describe('Requests of one principal that one HTTP server answers at once, including waiting ones'),
  AGENTPOOL_MAX_LISTEN_STREAMS: whole(1, 100_000)
    .prefault('20')
    .describe('Streams of changes that one principal may have open at one HTTP server'),
  AGENTPOOL_MAX_BODY_BYTES: whole(1_048_576, 4096 * MIB)
    .prefault(String(16 * MIB))
    .describe(
      'Request bodies of one principal that one HTTP server keeps in memory at once (bytes); four times as much for all principals together',
    ),
  AGENTPOOL_MAX_QUEUED_RUNS: whole(1, 10_000_000)
    .prefault('5000')
    .describe('Runs of one principal that may be queued at once'),
  AGENTPOOL_MAX_QUEUED_BYTES: whole(65_536, 1024 * 1024 * MIB)
    .prefault(String(64 * MIB))
    .describe('Total size of the prompts of the queued runs of one principal (bytes)'),
  AGENTPOOL_MAX_RUNNING_RUNS: whole(0, 1_000_000)
    .prefault('0')
    .describe('About how many runs of one principal may run at once in the whole pool; more of them wait. 0: no limit'),
  AGENTPOOL_BODY_TIMEOUT_MS: whole(100, 10 * MINUTE)
    .prefault('30000')
    .describe('How long the body of an HTTP request may take to arrive (ms)'),
  AGENTPOOL_RUN_TIMEOUT_MS: whole(100, 30 * DAY)
    .prefault(String(DAY))
    .describe('How long a run may take when it was submitted without `timeoutMs` (ms)'),
  AGENTPOOL_SILENCE_TIMEOUT_MS: whole(0, 30 * DAY)
    .prefault(String(HOUR))
    .describe(
      'How long a program may print nothing when the run was submitted without `silenceTimeoutMs` (ms); 0: no limit',
    ),
  AGENTPOOL_AFTER_RESULT_GRACE_MS: whole(0, DAY)
    .prefault('15000')
    .describe(
      'How long a program may go on, without a further message, after it has printed its result and reported the end of its work (ms); then it is ended and the run is `done`',
    ),
  AGENTPOOL_MAX_PROMPT_BYTES: whole(1, 64 * MIB)
    .prefault(String(4 * MIB))
    .describe('The largest prompt (bytes)'),
  AGENTPOOL_MAX_OUTPUT_BYTES: whole(65_536, 1024 * MIB)
    .prefault(String(64 * MIB))
    .describe('Output of one run that is kept in Redis (bytes); older output is dropped first, and readers are told'),
  AGENTPOOL_MAX_QUEUE_LENGTH: whole(1, 10_000_000)
    .prefault('10000')
    .describe('How many runs may wait in one queue; more are refused'),
  AGENTPOOL_OUTPUT_RETENTION_MS: whole(1_000, 365 * DAY)
    .prefault(String(7 * DAY))
    .describe('How long the output and the prompt of an ended run are kept (ms)'),
  AGENTPOOL_MAX_KEPT_BYTES: whole(65_536, 1024 * 1024 * MIB)
    .prefault(String(2048 * MIB))
    .describe(
      'Total output of ended runs that is kept (bytes), and never more than half of what Redis may use (`maxmemory`, as read twice, a minute apart); the output of the runs that ended first is dropped first',
    ),
  AGENTPOOL_RECORD_RETENTION_MS: whole(1_000, 3650 * DAY)
    .prefault(String(30 * DAY))
    .describe('How long the record of an ended run is kept (ms)'),
  AGENTPOOL_SESSION_RETENTION_MS: whole(1_000, 3650 * DAY)
    .prefault(String(30 * DAY))
    .describe('How long a session can be resumed (ms)'),
  AGENTPOOL_HEARTBEAT_MS: whole(100, MINUTE)
    .prefault('5000')
    .describe('How often a worker sends a heartbeat (ms); after three missed ones its runs are `orphaned`'),
  AGENTPOOL_LOCK_MS: whole(1_000, 10 * MINUTE)
    .prefault('60000')
    .describe('How long a job of BullMQ stays with its worker without being prolonged (ms)'),
  AGENTPOOL_SPOOL_QUOTA_BYTES: whole(1_048_576, 1024 * 1024 * MIB)
    .prefault(String(16 * 1024 * MIB))
    .describe('Total size of the spools of one host (bytes); above it, the run with the largest spool fails'),
  AGENTPOOL_SPOOL_RESERVE_BYTES: whole(0, 1024 * 1024 * MIB)
    .prefault(String(64 * MIB))
    .describe(
      'Space to keep free on the disk of the spools (bytes); with less, a worker takes no runs, and ends those that print most before output is lost',
    ),
  AGENTPOOL_LOST_AFTER_MS: whole(1_000, 30 * DAY)
    .prefault(String(HOUR))
    .describe('How long a run stays `orphaned` before it is `failed` (ms)'),
  AGENTPOOL_MCP_TASKS: flag
    .prefault('true')
    .describe('Answer `run_agent` with an MCP task if the client says that it supports tasks'),
  AGENTPOOL_WAIT_CAP_MS: whole(1_000, DAY)
    .optional()
    .describe(
      'How long one waiting tool call blocks at most (ms); by default 45 s, and 110 s for clients known to allow it',
    ),
} as const;
