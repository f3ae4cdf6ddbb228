import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { HostProbes } from './health.js';

/** What the start of one run needs at the same time, with a margin. */
const DESCRIPTORS = 32;
const MEMORY_BYTES = 16 * 1024 * 1024;
const FILE_BYTES = 4_096;

/** What shows that a fault is over, by doing what had failed. `checkRoom` throws while the disk has too little of it. */
export function hostProbes(spools: string, checkRoom: () => Promise<void>): HostProbes {
  return {
    spool: () => writeAndRemove(spools),
    async disk() {
      await checkRoom();
      await writeAndRemove(spools);
    },
    file_descriptors: openMany,
    processes: startProcess,
    async memory() {
      Buffer.alloc(MEMORY_BYTES, 1);
      await startProcess();
    },
  };
}

/** A directory with a file that has reached the disk, as the spool of a run is; the name is not one of a run. */
async function writeAndRemove(spools: string): Promise<void> {
  await mkdir(spools, { recursive: true, mode: 0o700 });
  const directory = await mkdtemp(join(spools, '.probe-'));
  try {
    const file = await open(join(directory, 'file'), 'wx', 0o600);
    try {
      await file.writeFile(Buffer.alloc(FILE_BYTES, 1));
      await file.sync();
    } finally {
      await file.close();
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function openMany(): Promise<void> {
  const opened = await Promise.allSettled(Array.from({ length: DESCRIPTORS }, () => open('/dev/null')));
  await Promise.all(opened.map((one) => (one.status === 'fulfilled' ? one.value.close() : undefined)));
  const failed = opened.find((one) => one.status === 'rejected');
  if (failed) throw failed.reason;
}

/** A shell that starts another one, as the shell around a program does. */
async function startProcess(): Promise<void> {
  const child = spawn('/bin/sh', ['-c', '(:) || exit 1; exit 0'], { stdio: 'ignore', env: {} });
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`/bin/sh ended with ${code}`);
}
