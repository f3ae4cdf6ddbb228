import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { dirname } from 'node:path';
import { Argument, type Command } from 'commander';
import { isLocalOnly } from '../http/authenticate.js';
import type { Config } from '../shared/config/load.js';
import { UserError } from '../shared/errors.js';
import { CONNECTABLE_CLIENTS, type ConnectableClient, type Entry, type Way } from './connect-clients.js';
import { onlyEntry, withJsonEntry, withTomlEntry } from './connect-edit.js';
import { connectLines, mcpCommand, serverEnv } from './connect-lines.js';
import { openContext } from './context.js';
import { localToken } from './local-token.js';
import { readPoolProcess } from './pool-process.js';
import { note, print, printJson } from './print.js';

interface Options {
  readonly write?: boolean;
  readonly http?: string | boolean;
  readonly tokenEnv?: string;
  readonly json?: boolean;
}

const TOKEN_ENV = 'AGENTPOOL_TOKEN';
const BACKUP = '.before-agentpool';

export function addConnect(program: Command): void {
  program
    .command('connect')
    .description('print the configuration that connects a client to this pool, or write it to the file')
    .addArgument(new Argument('<client>').choices(Object.keys(CONNECTABLE_CLIENTS)))
    .option('--write', `write the file; a copy of the old one stays beside it, with the suffix ${BACKUP}`)
    .option('--http [url]', 'connect over HTTP instead of stdio; by default to the pool of this machine')
    .option(
      '--token-env <name>',
      `with --http: the variable that holds the token, instead of the token of this machine`,
    )
    .option('--json', 'print data as JSON')
    .addHelpText('after', '\nExample:\n  agentpool connect cursor --write')
    .action((name: string, options: Options) => connect(name, options));
}

function connect(name: string, options: Options): void {
  const client = CONNECTABLE_CLIENTS[name];
  if (!client) throw new Error(`commander let ${name} through`);
  const file = client.file({ home: homedir(), cwd: process.cwd(), env: process.env });
  const way = wayOf(options, client);
  const entry = client.entry(way);
  const credential = way.kind === 'http' ? way.credential : undefined;
  if (options.write) {
    const outcome = write(file, client, entry, credential !== undefined && 'token' in credential);
    if (options.json) printJson({ client: name, file, ...outcome });
    else if (!outcome.changed) print(`${file} has it already`);
    else print(`${file} is written${outcome.backup ? `; as it was before: ${outcome.backup}` : ''}`);
  } else if (options.json) printJson({ client: name, file, servers: client.servers, entry });
  else {
    print(onlyEntry(client.format, client.servers, entry).trimEnd());
    note(`\nThis belongs into ${file}; agentpool connect ${name} --write puts it there.`);
    const line = connectLines(way.kind === 'stdio' ? way : {}).find(
      ({ client: title }) => title === client.title,
    )?.line;
    if (way.kind === 'stdio' && line && !line.startsWith('~')) note(`Or for you alone, by the client itself: ${line}`);
  }
  if (credential && 'variable' in credential) {
    note(`${client.title} takes the token from ${credential.variable} in its environment.`);
    if (way.kind === 'http' && way.isOurs)
      note(`For the pool of this machine: export ${credential.variable}="$(agentpool token)"`);
  }
  if (way.kind === 'stdio' && process.env.REDIS_URL)
    note(`REDIS_URL is set here; ${client.title} must have it in its environment, too, to reach the same pool.`);
}

function wayOf({ http, tokenEnv }: Options, { isShared = false }: ConnectableClient): Way & { isOurs?: boolean } {
  if (http === undefined) {
    if (tokenEnv === undefined) return { kind: 'stdio', ...mcpCommand(), ...ownHome() };
    throw new UserError('invalid_argument', '--token-env works only with --http', 'Add --http, or leave it out.');
  }
  if (tokenEnv !== undefined && !/^[A-Za-z_]\w*$/.test(tokenEnv))
    throw new UserError(
      'invalid_argument',
      `--token-env: ${JSON.stringify(tokenEnv)} is not the name of a variable`,
      'Give the name of a variable, not the token.',
    );
  const { config } = openContext('connect');
  const local = localUrl(config);
  const url = typeof http === 'string' ? urlOf(http) : local;
  // The token of this machine is for its own pool alone, and for no file that a project shares.
  const isOurs = url.origin === local.origin && isLocalOnly(config);
  const credential =
    isOurs && tokenEnv === undefined && !isShared
      ? { token: localToken(config.home) }
      : { variable: tokenEnv ?? TOKEN_ENV };
  return { kind: 'http', url: url.href, credential, isOurs };
}

/** Clients start servers with little of their environment: without it they would bring up a second pool. */
function ownHome(): { env?: Record<string, string> } {
  return serverEnv(openContext('connect', { quiet: true }).config);
}

/** The pool that runs on this machine, or where it would be. */
function localUrl({ home, port }: Config): URL {
  return new URL('/mcp', readPoolProcess(home)?.url ?? `http://127.0.0.1:${port}`);
}

function urlOf(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^https?:$/.test(url.protocol))
    throw new UserError(
      'invalid_argument',
      `--http: ${JSON.stringify(text)} is not a URL`,
      'Give one like https://pool.example/mcp.',
    );
  if (url.pathname === '/') url.pathname = '/mcp';
  return url;
}

/** Puts the entry into the file and keeps everything else; the file is replaced as a whole, with the mode it had. */
function write(
  file: string,
  { format, servers }: ConnectableClient,
  entry: Entry,
  isSecret: boolean,
): { changed: boolean; backup?: string } {
  const there = existsSync(file);
  const target = there ? realpathSync(file) : file; // a link stays one
  const before = there ? readFileSync(target, 'utf8') : '';
  const after = (format === 'json' ? withJsonEntry : withTomlEntry)(before, servers, entry);
  if (there && after === before) return { changed: false };
  mkdirSync(dirname(target), { recursive: true });
  const backup = `${target}${BACKUP}`;
  if (there) copyFileSync(target, backup);
  const fresh = `${target}.${process.pid}`;
  writeFileSync(fresh, after, { mode: isSecret ? 0o600 : 0o666 });
  if (there) chmodSync(fresh, isSecret ? statSync(target).mode & 0o700 : statSync(target).mode);
  renameSync(fresh, target);
  return { changed: true, ...(there && { backup }) };
}
