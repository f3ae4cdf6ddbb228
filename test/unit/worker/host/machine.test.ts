import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { thisMachine } from '../../../../src/worker/host/machine.js';
import { isSameMachine } from '../../../../src/worker/host/one-machine.js';
import { removeDirectory } from '../../../support/remove-directory.js';

const root = mkdtempSync(join(tmpdir(), 'ap-machine-'));
afterAll(() => removeDirectory(root));
const source = (name: string, text: string) => {
  const file = join(root, name);
  writeFileSync(file, text);
  return file;
};
const one = source('one', '3d1219c7c4c5404aaa1f6d2a48adfda4\n');
const other = source('other', '0123456789abcdef0123456789abcdef\n');

describe('which machine this is', () => {
  it('is told by the id of the system, as a hash', () => {
    const seen = thisMachine(root, [join(root, 'missing'), one]);
    expect(seen.id).toMatch(/^[0-9a-f]{16}$/);
    expect(JSON.stringify(seen)).not.toContain('3d1219c7');
    expect(thisMachine(root, [one])).toEqual(seen);
    expect(thisMachine(root, [other]).id).not.toBe(seen.id);
  });

  it.each([
    ['is missing', join(root, 'missing')],
    ['is empty', source('empty', '')],
    ['is not set yet', source('uninitialized', 'uninitialized\n')],
  ])('is told by an id kept in AGENTPOOL_HOME where that of the system %s', (_, file) => {
    const seen = thisMachine(root, [file]);
    expect(seen.madeUp).toBe(true);
    expect(thisMachine(root, [file])).toEqual(seen);
  });

  it.each([
    ['one machine', {}, {}, true],
    ['another id', {}, { id: 'b' }, false],
    ['another boot', {}, { boot: 'b' }, false],
    ['two homes without an id of the system', { id: 'b', madeUp: true }, { madeUp: true }, true],
    ['two containers without an id of the system', { madeUp: true }, { boot: 'b', madeUp: true }, false],
  ])('%s', (_, left, right, same) => {
    const machine = { id: 'a', boot: 'a' };
    expect(isSameMachine({ ...machine, ...left }, { ...machine, ...right })).toBe(same);
  });
});
