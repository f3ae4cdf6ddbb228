import { describe, expect, test } from 'vitest';
import { loadConfig } from '../../../../src/shared/config/load.js';
import { SETTINGS } from '../../../../src/shared/config/settings.js';

const load = (env: Readonly<Record<string, string>>) =>
  loadConfig({ env, cwd: '/place', readFile: () => undefined }) as unknown as Record<string, unknown>;

const DAY = 86_400_000;
const MIB = 1_048_576;

/** Variable, name in Config, default, least, most. */
const NUMBERS = [
  ['AGENTPOOL_PORT', 'port', 7333, 0, 65_535],
  ['AGENTPOOL_REQUESTS_PER_SECOND', 'requestsPerSecond', 100, 1, 100_000],
  ['AGENTPOOL_MAX_OPEN_CALLS', 'maxOpenCalls', 200, 1, 100_000],
  ['AGENTPOOL_MAX_LISTEN_STREAMS', 'maxListenStreams', 20, 1, 100_000],
  ['AGENTPOOL_MAX_BODY_BYTES', 'maxBodyBytes', 16 * MIB, MIB, 4096 * MIB],
  ['AGENTPOOL_MAX_QUEUED_RUNS', 'maxQueuedRuns', 5_000, 1, 10_000_000],
  ['AGENTPOOL_MAX_QUEUED_BYTES', 'maxQueuedBytes', 64 * MIB, 65_536, 1024 * 1024 * MIB],
  ['AGENTPOOL_MAX_RUNNING_RUNS', 'maxRunningRuns', 0, 0, 1_000_000],
  ['AGENTPOOL_BODY_TIMEOUT_MS', 'bodyTimeoutMs', 30_000, 100, 600_000],
  ['AGENTPOOL_RUN_TIMEOUT_MS', 'runTimeoutMs', DAY, 100, 30 * DAY],
  ['AGENTPOOL_SILENCE_TIMEOUT_MS', 'silenceTimeoutMs', 3_600_000, 0, 30 * DAY],
  ['AGENTPOOL_AFTER_RESULT_GRACE_MS', 'afterResultGraceMs', 15_000, 0, DAY],
  ['AGENTPOOL_LOOK_FOR_RUNNERS_MS', 'lookForRunnersMs', 30_000, 100, 3_600_000],
  ['AGENTPOOL_MAX_PROMPT_BYTES', 'maxPromptBytes', 4 * MIB, 1, 64 * MIB],
  ['AGENTPOOL_MAX_OUTPUT_BYTES', 'maxOutputBytes', 64 * MIB, 65_536, 1024 * MIB],
  ['AGENTPOOL_MAX_QUEUE_LENGTH', 'maxQueueLength', 10_000, 1, 10_000_000],
  ['AGENTPOOL_OUTPUT_RETENTION_MS', 'outputRetentionMs', 7 * DAY, 1_000, 365 * DAY],
  ['AGENTPOOL_MAX_KEPT_BYTES', 'maxKeptBytes', 2048 * MIB, 65_536, 1024 * 1024 * MIB],
  ['AGENTPOOL_RECORD_RETENTION_MS', 'recordRetentionMs', 30 * DAY, 1_000, 3650 * DAY],
  ['AGENTPOOL_SESSION_RETENTION_MS', 'sessionRetentionMs', 30 * DAY, 1_000, 3650 * DAY],
  ['AGENTPOOL_HEARTBEAT_MS', 'heartbeatMs', 5_000, 100, 60_000],
  ['AGENTPOOL_LOCK_MS', 'lockMs', 60_000, 1_000, 600_000],
  ['AGENTPOOL_SPOOL_RESERVE_BYTES', 'spoolReserveBytes', 64 * MIB, 0, 1024 * 1024 * MIB],
  ['AGENTPOOL_SPOOL_QUOTA_BYTES', 'spoolQuotaBytes', 16 * 1024 * MIB, MIB, 1024 * 1024 * MIB],
  ['AGENTPOOL_LOST_AFTER_MS', 'lostAfterMs', 3_600_000, 1_000, 30 * DAY],
  ['AGENTPOOL_WAIT_CAP_MS', 'waitCapMs', undefined, 1_000, DAY],
] as const;

/** Variable, name in Config, default, an allowed value and what becomes of it, a refused value. */
const WORDS = [
  ['REDIS_URL', 'redisUrl', undefined, 'redis://h', 'redis://h', undefined],
  ['REDIS_PASSWORD', 'redisPassword', undefined, 'p', 'p', undefined],
  ['REDIS_SENTINEL_USER', 'redisSentinelUser', undefined, 'u', 'u', undefined],
  ['REDIS_SENTINEL_PASSWORD', 'redisSentinelPassword', undefined, 'p', 'p', undefined],
  ['REDIS_TLS_SERVER_NAME', 'redisTlsServerName', undefined, 'r', 'r', undefined],
  ['AGENTPOOL_HOME', 'home', expect.stringMatching(/^\/.*agentpool$/), '/h', '/h', undefined],
  ['AGENTPOOL_DIRECTORY_CONFIG', 'directoryConfig', 'trusted', 'never', 'never', 'always'],
  ['AGENTPOOL_PREFIX', 'prefix', 'agentpool', 'a.b_c-1', 'a.b_c-1', 'a:b'],
  ['AGENTPOOL_LOG_LEVEL', 'logLevel', 'info', 'silent', 'silent', 'INFO'],
  ['AGENTPOOL_LOG_FORMAT', 'logFormat', 'auto', 'json', 'json', 'xml'],
  ['AGENTPOOL_HOST_NAME', 'hostName', expect.stringMatching(/^\w[\w.-]{0,63}$/), 'h-1', 'h-1', 'h 1'],
  ['AGENTPOOL_RUNNERS', 'runners', undefined, 'claude, demo,', ['claude', 'demo'], undefined],
  ['AGENTPOOL_RUN_AS', 'runAs', {}, 'nobody,claude=1:2', { '*': 'nobody', claude: '1:2' }, 'claude=1'],
  ['AGENTPOOL_PASS_ENV', 'passEnv', [], 'A,CORP_*', ['A', 'CORP_*'], '*'],
  ['AGENTPOOL_WORKER_LABELS', 'workerLabels', [], 'gpu,repo=web', ['gpu', 'repo=web'], 'gpu:1'],
  ['AGENTPOOL_CONCURRENCY', 'concurrency', 'auto', '12', 12, '-1'],
  ['AGENTPOOL_POOL_CONCURRENCY', 'poolConcurrency', {}, 'claude=3,my-own=10', { claude: 3, 'my-own': 10 }, '3'],
  ['AGENTPOOL_STARTS_PER_MINUTE', 'startsPerMinute', {}, 'claude=20', { claude: 20 }, 'claude=0'],
  ['AGENTPOOL_ALLOWED_PATHS', 'allowedPaths', ['/place'], '/a:/b', ['/a', '/b'], undefined],
  ['AGENTPOOL_PERMISSIONS', 'permissions', 'auto', 'safe', 'safe', 'none'],
  ['AGENTPOOL_STOP_MODE', 'stopMode', 'detach', 'drain', 'drain', 'kill'],
  ['AGENTPOOL_WORKER_HEALTH', 'workerHealth', undefined, '0.0.0.0:80', { host: '0.0.0.0', port: 80 }, 'relative/path'],
  ['AGENTPOOL_TRACES', 'traces', 'off', 'otlp', 'otlp', 'on'],
  ['AGENTPOOL_KEEP_LEFTOVERS', 'keepLeftovers', false, '1', true, 'yes'],
  ['AGENTPOOL_MCP_TASKS', 'mcpTasks', true, 'false', false, 'no'],
  ['AGENTPOOL_BIND', 'bind', '127.0.0.1', '::1', '::1', undefined],
  ['AGENTPOOL_ALLOWED_HOSTS', 'allowedHosts', [], 'a,b', ['a', 'b'], undefined],
  ['AGENTPOOL_TOKENS', 'tokens', [], `a:kill:${'0'.repeat(64)}`, [`a:kill:${'0'.repeat(64)}`], 'a:kill:0'],
  [
    'AGENTPOOL_OIDC_ISSUER',
    'oidcIssuer',
    undefined,
    'https://id.example/a',
    'https://id.example/a',
    'http://id.example',
  ],
  ['AGENTPOOL_OIDC_AUDIENCE', 'oidcAudience', undefined, 'pool', 'pool', undefined],
  ['AGENTPOOL_OIDC_SCOPE_CLAIM', 'oidcScopeClaim', 'scope', 'roles', 'roles', undefined],
  [
    'AGENTPOOL_OIDC_SCOPES',
    'oidcScopes',
    {},
    'a.b=read,c=run+kill',
    { 'a.b': ['read'], c: ['run', 'kill'] },
    'a=write',
  ],
] as const;

test('every setting has a row in the tables of this file, and is in the configuration under its camelCase name', () => {
  const rows = [...NUMBERS, ...WORDS];
  expect(rows.map(([name]) => name).sort()).toEqual(
    Object.keys(SETTINGS)
      .filter((name) => !/^AGENTPOOL_CONFIG$|_FILE$/.test(name))
      .sort(),
  );
  const present = rows.filter(([, , standard]) => standard !== undefined).map(([, key]) => key);
  expect(Object.keys(load({})).sort()).toEqual([...present, 'customRunners'].sort());
});

test('every setting says what it means', () => {
  for (const [name, schema] of Object.entries(SETTINGS)) expect(schema.description, name).toMatch(/^.{10,}[^.\s]$/);
});

describe.each(NUMBERS)('%s', (name, key, standard, least, most) => {
  test(`is ${standard} unless it is set`, () => {
    expect(load({})[key]).toBe(standard);
  });

  test(`may be anything from ${least} to ${most}`, () => {
    expect(load({ [name]: String(least) })[key]).toBe(least);
    expect(load({ [name]: String(most) })[key]).toBe(most);
  });

  test('may not be less, more, or no whole number', () => {
    if (least > 0) expect(() => load({ [name]: String(least - 1) })).toThrow(`${name}: must be at least ${least}`);
    for (const much of [String(most + 1), '9'.repeat(30)])
      expect(() => load({ [name]: much })).toThrow(`${name}: must be at most ${most}`);
    for (const text of ['-1', '1.5', '1e3', '0x10', ' 5', '5s', 'Infinity', '٣'])
      expect(() => load({ [name]: text }), text).toThrow(`${name}: must be a whole number from ${least} to ${most}`);
  });
});

describe.each(WORDS)('%s', (name, key, standard, given, value, refused) => {
  test('has its default unless it is set', () => {
    expect(load({})[key]).toEqual(standard);
  });

  test('takes what it should and nothing else', () => {
    expect(load({ [name]: given })[key]).toEqual(value);
    if (refused !== undefined) expect(() => load({ [name]: refused })).toThrow(`${name}: `);
  });
});

test.each([
  ['AGENTPOOL_LOG_LEVEL', 'loud', /must be .*debug.* or \w+$/],
  ['AGENTPOOL_DIRECTORY_CONFIG', 'always', /must be trusted or never$/],
  ['AGENTPOOL_STOP_MODE', 'kill', /must be detach or drain$/],
  ['AGENTPOOL_KEEP_LEFTOVERS', 'yes', /must be true or false$/],
  ['AGENTPOOL_OIDC_ISSUER', 'nowhere', /must be the address of the issuer$/],
])('%s says in our words what it takes instead of %s', (name, refused, words) => {
  expect(() => load({ [name]: refused })).toThrow(words);
});

describe('AGENTPOOL_CONCURRENCY', () => {
  test('takes numbers by runner', () => {
    expect(load({ AGENTPOOL_CONCURRENCY: 'claude=2,my-own.x=10' }).concurrency).toEqual({ claude: 2, 'my-own.x': 10 });
  });

  test.each(['x', '1,2', 'claude=', 'claude=2,', 'claude=-1', 'claude=1.5', '=2', 'a=1;b=2', '1 '])(
    'refuses %j',
    (text) => {
      expect(() => load({ AGENTPOOL_CONCURRENCY: text })).toThrow('AGENTPOOL_CONCURRENCY: must be a number, or');
    },
  );
});

test('a flag is on for true and 1, and off for false and 0', () => {
  const kept = ['true', '1', 'false', '0'].map((text) => load({ AGENTPOOL_KEEP_LEFTOVERS: text }).keepLeftovers);
  expect(kept).toEqual([true, true, false, false]);
});

test('a token cannot be called local, which is who may start agentpool on the machine', () => {
  expect(() => load({ AGENTPOOL_TOKENS: `local:read:${'0'.repeat(64)}` })).toThrow(/local/);
  expect(load({ AGENTPOOL_TOKENS: `locals:read:${'0'.repeat(64)}` }).tokens).toHaveLength(1);
});
