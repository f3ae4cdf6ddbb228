import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { execa } from 'execa';
import type { TestProject } from 'vitest/node';
import { complaintIn } from '../clis/install.js';
import { CHOSEN, folderOf, LEFT_OUT, NODE } from './clients.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** Where the clients are installed, each in a folder of its own, and why some are not, by their names. */
    clients: { readonly directory: string; readonly missing: Readonly<Record<string, string>> };
  }
}

const INSTALL_WITHIN_MS = 4 * 60_000;

/**
 * Installs the clients once, into `.cache/clients` or the folder that TEST_CLIENTS_DIR names. What cannot be installed is
 * told in a line, and its tests are skipped.
 */
export default async function setup(project: TestProject): Promise<void> {
  const directory = resolve(process.env.TEST_CLIENTS_DIR || join(project.config.root, '.cache', 'clients'));
  const missing: Record<string, string> = {};
  if (LEFT_OUT.length > 0)
    process.stderr.write(`not tried in CI without TEST_CLIENTS_FULL=1: ${LEFT_OUT.join(', ')}\n`);
  const nodes = CHOSEN.some(({ newerNode }) => newerNode) ? [NODE] : [];
  const pythons = CHOSEN.filter(({ python }) => python);
  for (const { name, packages } of pythons) {
    const problem = await installPython(join(directory, folderOf({ packages })), packages);
    if (problem === undefined) continue;
    missing[name] = problem;
    process.stderr.write(`not tested: ${name}: ${problem}\n`);
  }
  const others = CHOSEN.filter((client) => client.packages.length > 0 && !client.python);
  for (const { name, packages } of [...nodes, ...others]) {
    const problem = await install(join(directory, folderOf({ packages })), packages);
    if (problem === undefined) continue;
    missing[name] = problem;
    process.stderr.write(`not tested: ${name}: ${problem}\n`);
  }
  project.provide('clients', { directory, missing });
}

/** Answers why it could not be done. Nothing of what a package would run at its installation is run. */
async function install(folder: string, packages: readonly string[]): Promise<string | undefined> {
  const marker = join(folder, 'installed.txt');
  if (existsSync(marker) && readFileSync(marker, 'utf8') === packages.join('\n')) return undefined;
  process.stderr.write(`installing ${packages.join(', ')}\n`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'agentpool-test-client', private: true }));
  const options = ['--save-exact', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  const npm = await execa('npm', ['install', '--prefix', folder, ...options, ...packages], {
    cwd: folder,
    reject: false,
    timeout: INSTALL_WITHIN_MS,
    env: { npm_config_engine_strict: 'false' }, // some want the newer Node that they are run with
  });
  if (npm.failed) return `npm cannot install it: ${complaintIn(npm.stderr) ?? npm.shortMessage}`;
  writeFileSync(marker, packages.join('\n'));
  return undefined;
}

/** The same for a Python package, into an environment of its own; only wheels, since others run code at their installation. */
async function installPython(folder: string, packages: readonly string[]): Promise<string | undefined> {
  const marker = join(folder, 'installed.txt');
  if (existsSync(marker) && readFileSync(marker, 'utf8') === packages.join('\n')) return undefined;
  process.stderr.write(`installing ${packages.join(', ')} with pip\n`);
  const options = ['--quiet', '--retries', '1', '--disable-pip-version-check', '--only-binary', ':all:'];
  const steps: (readonly [string, readonly string[]])[] = [
    ['python3', ['-m', 'venv', folder]],
    [join(folder, 'bin', 'pip'), ['install', ...options, ...packages]],
  ];
  for (const [program, args] of steps) {
    const done = await execa(program, args, { reject: false, timeout: INSTALL_WITHIN_MS });
    if (done.failed) return `${program} ${args[0]} fails: ${done.stderr.split('\n').at(-1) || done.shortMessage}`;
  }
  writeFileSync(marker, packages.join('\n'));
  return undefined;
}
