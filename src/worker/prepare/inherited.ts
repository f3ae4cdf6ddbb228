import { SETTINGS } from '../../shared/config/settings.js';
import type { InheritedVariable } from '../../shared/runners/runner.js';

type Env = Readonly<Record<string, string | undefined>>;

/**
 * What every program is given of its worker's environment: where it is, how to speak, and how to reach the network.
 * Nothing in here is a secret, but for proxies that want a password.
 */
export const GIVEN_TO_EVERY_PROGRAM = [
  ...['HOME', 'PATH', 'USER', 'LOGNAME', 'SHELL', 'TMPDIR', 'TMP', 'TEMP', 'TZ', 'XDG_*'],
  ...['LANG', 'LANGUAGE', 'LC_*', 'TERM', 'COLORTERM', 'TERMINFO', 'TERMINFO_DIRS', 'NO_COLOR'],
  ...['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'NO_PROXY', 'http_proxy', 'https_proxy', 'all_proxy', 'no_proxy'],
  ...['SSL_CERT_FILE', 'SSL_CERT_DIR', 'NODE_EXTRA_CA_CERTS', 'NODE_USE_ENV_PROXY', 'NODE_USE_SYSTEM_CA'],
  ...['CURL_CA_BUNDLE', 'REQUESTS_CA_BUNDLE', 'GIT_SSL_CAINFO', 'NIX_SSL_CERT_FILE'],
  // Where the tools are that agents build with.
  ...[
    'JAVA_HOME',
    'GOPATH',
    'GOROOT',
    'CARGO_HOME',
    'RUSTUP_HOME',
    'NVM_DIR',
    'PNPM_HOME',
    'BUN_INSTALL',
    'VOLTA_HOME',
  ],
  ...['PYENV_ROOT', 'VIRTUAL_ENV', 'CONDA_PREFIX', 'RBENV_ROOT', 'DOTNET_ROOT', 'ANDROID_HOME', 'LD_LIBRARY_PATH'],
] as const;

/** Whatever a list says: these are ours, and with them a program would be the pool. */
const isOurs = (name: string) => name.startsWith('AGENTPOOL_') || Object.hasOwn(SETTINGS, name);

/** Whether a name is one of these; `*` at the end of one stands for anything. */
const isAmong = (names: readonly string[], name: string) =>
  names.some((one) => (one.endsWith('*') ? name.startsWith(one.slice(0, -1)) : name === one));

/**
 * What a program is given of its worker's environment: what every program gets, what its runner names, and what the
 * operator names in AGENTPOOL_PASS_ENV (`passed`). Everything else stays with the worker.
 */
export function inheritedEnvironment(
  env: Env,
  inherits: readonly InheritedVariable[] = [],
  passed: readonly string[] = [],
): Record<string, string> {
  const ofRunner = inherits.flatMap((one) => {
    if (typeof one === 'string') return [one];
    return env[one.where] ? one.names : [];
  });
  const names = [...GIVEN_TO_EVERY_PROGRAM, ...ofRunner, ...passed];
  return Object.fromEntries(
    Object.entries(env).filter(
      (entry): entry is [string, string] => entry[1] !== undefined && !isOurs(entry[0]) && isAmong(names, entry[0]),
    ),
  );
}
