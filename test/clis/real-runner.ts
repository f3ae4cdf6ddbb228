import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { ProtocolName, Turn } from '../support/model-endpoint.js';

export const KEY = 'the key of the scripted model';

/** What every runner is tried with; a short name for the table, and a sentence. */
export const CASES = {
  success: 'goes from queued over running to done, with its result',
  streaming: 'shows what it says before it has ended',
  session: 'tells its session before it has ended',
  model: 'asks the model that the caller named',
  'system prompt': 'is given the system prompt of the profile of its agent',
  private: 'has neither its prompt nor the system prompt in its arguments',
  MCP: 'starts the MCP server of the profile, with a secret of the worker',
  directory: 'runs its tools in the directory that the caller named',
  tool: 'writes a file with a tool',
  usage: 'tells what it has spent',
  transcript: 'tells what it says, a call of a tool with its result, and its usage as events',
  resume: 'carries the first turn on when it is resumed',
  '300 KB': 'takes a prompt of 300 KB whole',
  kill: 'leaves no process when it is killed while a tool runs, in whatever session',
  'rate limit': 'that is refused for now for ever ends soon',
  auth: 'whose key is refused fails with kind auth',
} as const;
export type Case = keyof typeof CASES;

/** All that the suite has to know of one real program. */
export interface RealRunner {
  /** Of the runner, which is also its column of the table. */
  readonly name: string;
  readonly version: string;
  /** As npm knows it; absent for a stand-in. */
  readonly package?: string;
  /** A file in the package, or, for a stand-in, one of ours; absolute then. */
  readonly program: string;
  readonly command: string;
  /** It cannot be installed from npm: the program is one of ours that does what its documentation says. */
  readonly standIn?: string;
  readonly dialect: ProtocolName;
  /** What a caller names, and what the provider is asked for then. */
  readonly model: readonly [asked: string, seen: string];
  /** The call of its tool for shell commands. */
  readonly shell: (command: string) => NonNullable<Turn['call']>;
  /** Writes the configuration that a user would have, into the home directory; answers with the variables. */
  readonly setUp: (home: string, url: string) => Readonly<Record<string, string>>;
  /** It takes ten seconds and more for one answer. */
  readonly slow?: boolean;
  /** What it cannot do, and why. */
  readonly cannot?: Partial<Readonly<Record<Case, string>>>;
}

/** Writes a file and the directories that it is in; what is no text is written as JSON. */
export function write(home: string, path: string, content: unknown): void {
  const file = join(home, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
}
