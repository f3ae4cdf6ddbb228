import { ConfigError, RedisRefusedError } from '../errors.js';
import { beginningOf } from '../plain-text.js';

/** Whose turn it is, by the word with which Redis begins its refusal. All of these may pass. */
const HINTS: Readonly<Record<string, string>> = {
  OOM: 'Redis is full. Its operator can give it more memory (maxmemory), or let output expire sooner (AGENTPOOL_OUTPUT_RETENTION_MS). What runs goes on; ask again when there is room.',
  MISCONF:
    'Redis cannot write to its disk, and so takes nothing. Its operator has to look into its log, and make room or repair the disk; then ask again.',
  NOREPLICAS:
    'Redis takes writes only with a replica (min-replicas-to-write), and none is connected well enough. Its operator has to bring the replica back; then ask again.',
  READONLY:
    'This Redis is a replica. During a failover: ask again in some seconds. Otherwise REDIS_URL names a replica: the operator of agentpool has to name the master, the Sentinels or the cluster.',
  LOADING: 'Redis has just been started and loads its data. Ask again in some seconds.',
  BUSY: 'Redis is busy with a script. Ask again; if it stays so, its operator has to look at what the script is (SCRIPT KILL ends it).',
  CLUSTERDOWN:
    'The cluster misses a part of itself. It repairs itself where each master has a replica: ask again in some seconds. Otherwise its operator has to bring its servers back.',
  MASTERDOWN: 'This replica has lost its master. Ask again in some seconds, when the failover is over.',
  TRYAGAIN: 'The cluster is moving its slots. Ask again.',
  EXECABORT: 'Redis refused a part of what belongs together, so it did nothing. Ask again.',
  'max number of clients reached':
    'Redis has as many clients as it allows (maxclients). Its operator can allow more, or end some.',
  'Too many Cluster redirections':
    'The servers of the cluster do not agree on who has what, as while a failover is under way. Ask again in some seconds; if it stays so, its operator has to look at CLUSTER NODES.',
};

const REFUSALS = new RegExp(`(?:^|[-\\s])(${Object.keys(HINTS).join('|')})\\b`);

/** What only the operator of agentpool can put right: who we are, and what we may do. */
const CONFIGURATION: Readonly<Record<string, string>> = {
  WRONGPASS:
    'Redis does not know this user with this password: check REDIS_URL and REDIS_PASSWORD_FILE (of Sentinels: REDIS_SENTINEL_USER and REDIS_SENTINEL_PASSWORD_FILE)',
  NOAUTH:
    'Redis wants a password: give it in REDIS_URL or REDIS_PASSWORD_FILE (of Sentinels: REDIS_SENTINEL_PASSWORD_FILE)',
  NOPERM: 'the user of Redis may not do this: give it the rules of docs/many-hosts.md',
};
const RIGHTS = new RegExp(`(?:^|[-\\s])(${Object.keys(CONFIGURATION).join('|')})\\b`);

/** The error of ours behind what Redis said, or undefined when it refused nothing that we know of. */
export function refusalOf(error: Error): RedisRefusedError | ConfigError | undefined {
  const [, right = ''] = RIGHTS.exec(error.message) ?? [];
  if (right !== '') return new ConfigError([`${CONFIGURATION[right]} (Redis says: ${oneLine(error.message)})`]);
  const [, word = ''] = REFUSALS.exec(error.message) ?? [];
  if (word === '') return undefined;
  return new RedisRefusedError(`Redis refuses: ${oneLine(error.message)}`, HINTS[word] ?? 'Ask again.', {
    cause: error,
  });
}

/** What TLS says of certificates that will not do, by whose turn it is. */
const CERTIFICATES: readonly (readonly [RegExp, string])[] = [
  [/alert|handshake failure/i, 'Redis refuses our certificate: check REDIS_TLS_CERT_FILE and REDIS_TLS_KEY_FILE'],
  [
    /altname|does not match certificate/i,
    'the certificate of Redis is for another name: set REDIS_TLS_SERVER_NAME to its name',
  ],
  [
    /self.signed certificate|unable to (verify|get).*certificate|certificate has expired|wrong version number/i,
    'the certificate of Redis cannot be verified: set REDIS_TLS_CA_FILE to the certificate of its CA, and look whether REDIS_URL should be with TLS',
  ],
];

/** The ConfigError behind an error of TLS that lasts until a certificate or a setting is changed; else undefined. */
export function certificateProblem(error: Error): ConfigError | undefined {
  if (!('code' in error) && !/certificate|SSL|TLS/.test(error.message)) return undefined;
  const [, hint] = CERTIFICATES.find(([words]) => words.test(error.message)) ?? [];
  return hint === undefined ? undefined : new ConfigError([`${hint} (TLS says: ${oneLine(error.message)})`]);
}

/** The server of this connection takes no writes any more: it has become a replica. */
export const isReadOnly = (error: Error) => /(?:^|[-\s])READONLY\b/.test(error.message);

const oneLine = (text: string) => beginningOf(text.split('\n')[0] ?? '', 300);
