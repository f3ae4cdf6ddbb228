import { mkdirSync, mkdtempSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { workingDirectory } from '../../../../src/worker/prepare/allowed-path.js';
import { removeDirectory } from '../../../support/remove-directory.js';

const root = realpathSync(mkdtempSync(join(tmpdir(), 'ap-allowed-')));
const at = (...parts: string[]) => join(root, ...parts);
afterAll(() => removeDirectory(root));

for (const directory of ['in/sub', 'in-too', 'out/sub', 'in/ spaced é']) mkdirSync(at(directory), { recursive: true });
writeFileSync(at('in/file'), '');
symlinkSync(at('out'), at('in/escape'));
symlinkSync('..', at('in/sub/up'));
symlinkSync('../..', at('in/sub/far-up'));
symlinkSync(at('in/sub'), at('out/back'));
symlinkSync(at('in'), at('link-to-in'));
symlinkSync(at('in/loop'), at('in/loop'));
symlinkSync(at('nothing'), at('in/dangling'));

const allowed = [at('in')];
const failureOf = (wanted: string | undefined, roots: readonly string[] = allowed) => {
  const answer = workingDirectory(wanted, roots, '/home/of/agentpool');
  return 'failure' in answer ? answer.failure : undefined;
};

describe('a working directory', () => {
  test.each([
    ['in', 'in'],
    ['in/', 'in'],
    ['in/sub', 'in/sub'],
    ['in/ spaced é', 'in/ spaced é'],
    ['in/sub/..', 'in'],
    ['in/../in/sub', 'in/sub'],
    ['in/sub/up', 'in'],
    ['in/./sub//', 'in/sub'],
    ['in/escape/..', 'in'],
    ['in/file/..', 'in'],
    ['out/back', 'in/sub'],
    ['link-to-in/sub', 'in/sub'],
  ])('may be %s, which is really %s', (wanted, real) => {
    expect(workingDirectory(`${root}/${wanted}`, allowed, '/home/of/agentpool')).toEqual({ path: at(real) });
  });

  test.each([
    ['out', 'is outside of the allowed directories'],
    ['in-too', 'is outside of the allowed directories'],
    ['', 'is outside of the allowed directories'],
    ['in/..', 'is outside of the allowed directories'],
    ['in/../out', 'is outside of the allowed directories'],
    ['in/escape', `(it is really ${at('out')}) is outside`],
    ['in/escape/sub', `(it is really ${at('out/sub')}) is outside`],
    ['in/sub/far-up', 'is outside of the allowed directories'],
    ['in/file', 'is not a directory on this host'],
    ['in/nothing', 'is not a directory on this host'],
    ['in/dangling', 'is not a directory on this host'],
    ['in/loop', 'is not a directory on this host'],
    ['in/sub\0', 'is not a directory on this host'],
  ])('may not be %j, which %s', (wanted, words) => {
    const failure = failureOf(`${root}/${wanted}`);
    expect(failure?.kind).toBe('path_not_allowed');
    expect(failure?.message).toContain(words);
  });

  test.each(['in', './in', '..', '~', ''])('may not be "%s", which is not absolute', (wanted) => {
    expect(failureOf(wanted)?.message).toBe(`path ${wanted} is not absolute`);
  });

  test('is the first allowed one unless another is asked for', () => {
    expect(workingDirectory(undefined, [at('in/sub'), at('out')], '/home/of/agentpool')).toEqual({
      path: at('in/sub'),
    });
    expect(failureOf(undefined, [at('nothing')])?.message).toContain('is not a directory on this host');
    expect(failureOf(undefined, [])?.message).toContain('set AGENTPOOL_ALLOWED_PATHS');
  });

  test('may lie in an allowed one that is itself a link', () => {
    expect(workingDirectory(at('in/sub'), [at('link-to-in')], '/home/of/agentpool')).toEqual({ path: at('in/sub') });
    expect(workingDirectory(undefined, [at('link-to-in')], '/home/of/agentpool')).toEqual({ path: at('in') });
  });

  test('is not allowed by one that is missing or no directory', () => {
    expect(failureOf(at('in'), [at('nothing'), at('in/file')])?.kind).toBe('path_not_allowed');
    expect(workingDirectory(at('in'), [at('nothing'), at('in')], '/home/of/agentpool')).toEqual({ path: at('in') });
  });
});
