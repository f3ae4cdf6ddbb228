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
      'Redis 6.2 or newer: `redis://`, `rediss://`, `unix://`, `redis+sentinel://h1:p,h2:p/name`, `redis+cluster://h1:p,h2:p`, and with TLS `rediss+sentinel://`, `rediss+cluster://`. Without it a private Redis is started',
    ),
  REDIS_URL_FILE: z
    .string()
    .optional()
    .describe('A file that holds `REDIS_URL`, so that no environment has its password'),
  REDIS_PASSWORD: z.string().optional().describe('The password of Redis, where `REDIS_URL` has none'),
  REDIS_PASSWORD_FILE: z.string().optional().describe('A file that holds `REDIS_PASSWORD`'),
  REDIS_SENTINEL_USER: z
    .string()
    .optional()
    .describe('Our user to the Sentinels; the user in `REDIS_URL` is for Redis'),
  REDIS_SENTINEL_PASSWORD: z.string().optional().describe('The password of the Sentinels'),
  REDIS_SENTINEL_PASSWORD_FILE: z.string().optional().describe('A file that holds `REDIS_SENTINEL_PASSWORD`'),
  REDIS_TLS_CA_FILE: z
    .string()
    .optional()
    .describe('The certificate (PEM) of the CA of Redis; by default the well-known CAs are believed'),
  REDIS_TLS_CERT_FILE: z.string().optional().describe('Our client certificate (PEM), where Redis wants one'),
  REDIS_TLS_KEY_FILE: z.string().optional().describe('The key (PEM) of that certificate'),
  REDIS_TLS_SERVER_NAME: z
    .string()
    .optional()
    .describe(
      'The name that the certificate of Redis has to have; by default the host in `REDIS_URL`, or what Sentinels and clusters answer',
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
    .describe('A file with settings of this table, as `--env-file`; it comes before the files named `.env`, see above'),
  AGENTPOOL_DIRECTORY_CONFIG: z
    .enum(['trusted', 'never'])
    .default('trusted')
    .describe('Whether a working directory that `agentpool trust` has taken is read; only the environment can say it'),
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
      'must be 1 to 64 letters, digits, dots, dashes, underscores, and begin with none of dot and dash',
    )
    .optional()
    .describe('The name of this host in the pool; by default the host name of the machine'),
  AGENTPOOL_SECRETS_FILE: z
    .string()
    .optional()
    .describe(
      'Variables for agent programs, such as their keys, as `NAME=value` lines; by default `secrets.env` in `AGENTPOOL_HOME`. Read by the worker alone',
    ),
  AGENTPOOL_PASS_ENV: list(',')
    .pipe(z.array(variableName))
    .prefault('')
    .describe(
      "Variables of the worker's environment that every agent program is given besides [those of its runner](runners.md), with commas; `*` at the end of a name stands for anything, as in `CORP_*`",
    ),
  AGENTPOOL_RUN_AS: runAs
    .prefault('')
    .describe(
      'As which user of its machine a worker of root starts programs: a name or `uid:gid` for all, or `claude=alice,codex=1001:1001`; by default as its own',
    ),
  AGENTPOOL_RUNNERS: list(',')
    .optional()
    .describe('The runners that a worker offers, with commas; by default every one whose program it finds'),
  AGENTPOOL_WORKER_LABELS: list(',')
    .pipe(z.array(workerLabel))
    .prefault('')
    .describe(
      'What this worker has that [runs may require](../many-hosts.md#which-worker-takes-a-run), with commas: `gpu,repo=web`; `os` and `arch` of its machine it knows by itself',
    ),
  AGENTPOOL_LOOK_FOR_RUNNERS_MS: whole(100, HOUR)
    .prefault('30000')
    .describe('How often a worker looks for programs that were installed or removed since (ms)'),
  AGENTPOOL_CONCURRENCY: concurrency
    .prefault('auto')
    .describe(
      'Runs at once on one worker: a number for all together, or `claude=2,gemini=4` (others: 1 each); `auto`: what its memory, cores and programs allow, which `agentpool doctor` tells with the reason',
    ),
  AGENTPOOL_POOL_CONCURRENCY: byRunner
    .prefault('')
    .describe(
      'How many runs of a runner [all workers together](../many-hosts.md#limits-of-the-whole-pool) have at once: `claude=3,gemini=10`; by default no more than their slots. The same on every worker',
    ),
  AGENTPOOL_STARTS_PER_MINUTE: byRunner
    .prefault('')
    .describe(
      'How many runs of a runner all workers together start within a minute: `claude=20`; by default any number. The same on every worker',
    ),
  AGENTPOOL_ALLOWED_PATHS: list(/[,:]/)
    .optional()
    .describe(
      'Directories under which a run may work besides those of `agentpool allow`, with colons or commas; by default where the worker was started, and none where a client has brought the pool up',
    ),
  AGENTPOOL_PERMISSIONS: z
    .enum(['auto', 'safe'])
    .default('auto')
    .describe('`auto` lets the agent programs use their tools unasked; `safe` leaves what needs an approval denied'),
  AGENTPOOL_STOP_MODE: z
    .enum(['detach', 'drain'])
    .default('detach')
    .describe('On SIGTERM a worker leaves its programs to the next worker of the host, or waits for their end'),
  AGENTPOOL_WORKER_HEALTH: listenAddress
    .optional()
    .describe(
      'Where a worker answers `/healthz`, `/readyz` and `/metrics`: a port of loopback, `host:port`, or the absolute path of a unix socket; by default nowhere',
    ),
  AGENTPOOL_TRACES: z
    .enum(['off', 'otlp', 'api'])
    .default('off')
    .describe(
      '[Traces](../operations.md#traces) of calls and runs: `otlp` sends them where `OTEL_EXPORTER_OTLP_ENDPOINT` says, by packages that you install beside agentpool; `api` gives them to the SDK that `node --import` has loaded',
    ),
  AGENTPOOL_KEEP_LEFTOVERS: flag
    .prefault('false')
    .describe('Keep the processes that a program leaves behind at its normal end'),
  AGENTPOOL_PORT: whole(0, 65_535).prefault('7333').describe('The port of the HTTP server; 0 takes a free one'),
  AGENTPOOL_BIND: z
    .string()
    .default('127.0.0.1')
    .describe('The address of the HTTP server; beyond loopback tokens are needed'),
  AGENTPOOL_ALLOWED_HOSTS: list(',')
    .prefault('')
    .describe('Host names, besides those of loopback, under which the HTTP server may be asked; with commas'),
  AGENTPOOL_TOKENS: list(',')
    .pipe(z.array(token))
    .prefault('')
    .describe(
      'Who may use HTTP: `name:scopes:sha256`, with commas; scopes are `read`, `run`, `kill`, `metrics`, `admin`, with plus signs',
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
      'An OAuth issuer whose access tokens (JWT) are taken besides `AGENTPOOL_TOKENS`; its keys are found by itself',
    ),
  AGENTPOOL_OIDC_AUDIENCE: z
    .string()
    .optional()
    .describe('What those tokens have to be for (`aud`): best the address of `/mcp` as clients know it'),
  AGENTPOOL_OIDC_SCOPE_CLAIM: z
    .string()
    .default('scope')
    .describe('The claim of those tokens that holds scopes: a list, or words with blanks'),
  AGENTPOOL_OIDC_SCOPES: scopeWords
    .prefault('')
    .describe(
      'Our scopes by the words of the issuer: `agents.read=read,agents.write=run+kill`; by default its words are ours',
    ),
  AGENTPOOL_REQUESTS_PER_SECOND: whole(1, 100_000)
    .prefault('100')
    .describe(
      'What one principal may ask one HTTP server; twenty seconds of it may come at once. What makes more work counts as several',
    ),
  AGENTPOOL_MAX_OPEN_CALLS: whole(1, 100_000)
    .prefault('200')
    .describe('Requests of one principal that one HTTP server answers at once, those that wait among them'),
  AGENTPOOL_MAX_LISTEN_STREAMS: whole(1, 100_000)
    .prefault('20')
    .describe('Streams over which one principal is told of changes by one HTTP server'),
  AGENTPOOL_MAX_BODY_BYTES: whole(1_048_576, 4096 * MIB)
    .prefault(String(16 * MIB))
    .describe(
      'Bodies of requests of one principal that one HTTP server has in memory at once (bytes); all together four times as much',
    ),
  AGENTPOOL_MAX_QUEUED_RUNS: whole(1, 10_000_000)
    .prefault('5000')
    .describe('Runs of one principal that may be queued at once'),
  AGENTPOOL_MAX_QUEUED_BYTES: whole(65_536, 1024 * 1024 * MIB)
    .prefault(String(64 * MIB))
    .describe('Prompts of the queued runs of one principal together (bytes)'),
  AGENTPOOL_MAX_RUNNING_RUNS: whole(0, 1_000_000)
    .prefault('0')
    .describe('Runs of one principal that run at once in the whole pool, about; more of them wait. 0: no limit'),
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
      'How long a program may live on, without a further message, after it has printed its result and the end of its work (ms); then it is ended and the run is `done`',
    ),
  AGENTPOOL_MAX_PROMPT_BYTES: whole(1, 64 * MIB)
    .prefault(String(4 * MIB))
    .describe('The largest prompt (bytes)'),
  AGENTPOOL_MAX_OUTPUT_BYTES: whole(65_536, 1024 * MIB)
    .prefault(String(64 * MIB))
    .describe('Output of one run that is kept in Redis (bytes); older output is dropped first, and readers are told'),
  AGENTPOOL_MAX_QUEUE_LENGTH: whole(1, 10_000_000)
    .prefault('10000')
    .describe('Runs that may wait in one queue; more are refused'),
  AGENTPOOL_OUTPUT_RETENTION_MS: whole(1_000, 365 * DAY)
    .prefault(String(7 * DAY))
    .describe('How long the output and the prompt of an ended run are kept (ms)'),
  AGENTPOOL_MAX_KEPT_BYTES: whole(65_536, 1024 * 1024 * MIB)
    .prefault(String(2048 * MIB))
    .describe(
      'Output of all ended runs together (bytes), and never more than half of what Redis may use (`maxmemory`, as two looks a minute apart find it); that of the runs that ended first goes first',
    ),
  AGENTPOOL_RECORD_RETENTION_MS: whole(1_000, 3650 * DAY)
    .prefault(String(30 * DAY))
    .describe('How long the record of an ended run is kept (ms)'),
  AGENTPOOL_SESSION_RETENTION_MS: whole(1_000, 3650 * DAY)
    .prefault(String(30 * DAY))
    .describe('How long a session can be resumed (ms)'),
  AGENTPOOL_HEARTBEAT_MS: whole(100, MINUTE)
    .prefault('5000')
    .describe('How often a worker says that it lives (ms); after three silent ones its runs are `orphaned`'),
  AGENTPOOL_LOCK_MS: whole(1_000, 10 * MINUTE)
    .prefault('60000')
    .describe('How long a job of BullMQ stays with its worker without being prolonged (ms)'),
  AGENTPOOL_SPOOL_QUOTA_BYTES: whole(1_048_576, 1024 * 1024 * MIB)
    .prefault(String(16 * 1024 * MIB))
    .describe('The spools of one host together (bytes); over it the run with the largest one fails'),
  AGENTPOOL_SPOOL_RESERVE_BYTES: whole(0, 1024 * 1024 * MIB)
    .prefault(String(64 * MIB))
    .describe(
      'What stays free on the disk of the spools (bytes); with less a worker takes no runs, and ends those that print most before output is lost',
    ),
  AGENTPOOL_LOST_AFTER_MS: whole(1_000, 30 * DAY)
    .prefault(String(HOUR))
    .describe('How long an orphaned run is waited for before it is `failed` (ms)'),
  AGENTPOOL_MCP_TASKS: flag
    .prefault('true')
    .describe('Answer `run_agent` with an MCP task where a client says that it takes tasks'),
  AGENTPOOL_WAIT_CAP_MS: whole(1_000, DAY)
    .optional()
    .describe(
      'The longest one waiting tool call blocks (ms); by default 45 s, and 110 s for clients known to allow it',
    ),
} as const;
