import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { removeDirectory } from '../support/remove-directory.js';

const ROOT = new URL('../../', import.meta.url).pathname;

/** What a pool of today may have been upgraded from: another revision can be named by AGENTPOOL_EARLIER. */
const EARLIER = process.env.AGENTPOOL_EARLIER ?? '332bb2e54d162021f71e6aadfd89426e183c5734';

const inRoot = { cwd: ROOT, encoding: 'utf8', maxBuffer: 1 << 30 } as const;

/** Why no earlier release can be built here; undefined where one can. */
export function whyNoEarlierRelease(): string | undefined {
  const { status } = spawnSync('git', ['cat-file', '-e', `${EARLIER}^{commit}`], inRoot);
  return status === 0 ? undefined : `the history of this checkout has no ${EARLIER}, which it would be upgraded from`;
}

export interface EarlierRelease {
  readonly main: string;
  clean(): void;
}

/** Builds an earlier state of this repository, with the packages of today. */
export async function buildEarlierRelease(): Promise<EarlierRelease> {
  const directory = mkdtempSync(join(tmpdir(), 'ap-earlier-'));
  const packed = execFileSync('git', ['archive', '--format=tar', EARLIER], { ...inRoot, encoding: 'buffer' });
  execFileSync('tar', ['-x', '-C', directory], { input: packed });
  symlinkSync(join(ROOT, 'node_modules'), join(directory, 'node_modules'));
  await promisify(execFile)('npm', ['run', '--silent', 'build'], { cwd: directory });
  return {
    main: join(directory, 'dist', 'cli', 'main.js'),
    clean: () => removeDirectory(directory),
  };
}
