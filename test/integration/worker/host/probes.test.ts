import { mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, describe, expect, it } from 'vitest';
import { hostProbes } from '../../../../src/worker/host/probes.js';
import { removeDirectory } from '../../../support/remove-directory.js';

const root = mkdtempSync(join(tmpdir(), 'ap-probes-'));
afterAll(() => removeDirectory(root));
const noRoom = () => Promise.reject(new Error('too little room'));

describe('the probes of a host', () => {
  it('succeed where all is well, and leave nothing behind', async () => {
    const spools = join(root, 'well');
    for (const probe of Object.values(hostProbes(spools, async () => {}))) await probe();
    expect(readdirSync(spools)).toEqual([]);
  });

  it('fail for a spool that cannot be written, and for a disk with too little room', async () => {
    const file = join(root, 'file');
    writeFileSync(file, '');
    await expect(hostProbes(file, async () => {}).spool()).rejects.toThrow();
    await expect(hostProbes(join(root, 'other'), noRoom).disk()).rejects.toThrow('too little room');
  });

  it('fail where no descriptors are left, and then for processes, too; the process goes on', async () => {
    const module = new URL('../../../../dist/worker/host/probes.js', import.meta.url).pathname;
    const program = `
      const { openSync } = await import('node:fs');
      const { hostProbes } = await import(${JSON.stringify(module)});
      const probes = hostProbes(${JSON.stringify(join(root, 'limited'))}, async () => {});
      const told = async () => {
        const of = (kind) => probes[kind]().then(() => 'well', (error) => error.code);
        return [await of('file_descriptors'), await of('processes')];
      };
      const before = await told();
      const { closeSync } = await import('node:fs');
      const held = [];
      try { for (;;) held.push(openSync('/dev/null')); } catch {}
      const during = await told();
      for (const file of held) closeSync(file);
      console.log(JSON.stringify({ before, during, after: await told() }));`;
    const { stdout } = await execa('sh', [
      '-c',
      'ulimit -n 120; exec "$0" --input-type=module -e "$1"',
      process.execPath,
      program,
    ]);
    expect(JSON.parse(stdout)).toEqual({
      before: ['well', 'well'],
      during: ['EMFILE', 'EMFILE'],
      after: ['well', 'well'],
    });
  });
});
