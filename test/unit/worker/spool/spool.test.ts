import {
  existsSync,
  linkSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { readRewound, writeRewound } from '../../../../src/worker/spool/rewound.js';
import {
  addToMeta,
  createSpool,
  emptyOutput,
  exitStatus,
  hasBegun,
  presentSpool,
  programPid,
  readEnding,
  readMeta,
  removeInputs,
  removeSpool,
  type Spool,
  spooledRuns,
  spoolOf,
  spoolRoot,
  wrapperPid,
  writeEnding,
} from '../../../../src/worker/spool/spool.js';
import type { SpoolMeta } from '../../../../src/worker/spool/spool-meta.js';
import { removeDirectory } from '../../../support/remove-directory.js';

const home = mkdtempSync(join(tmpdir(), 'ap-spool-'));
afterAll(() => removeDirectory(home));
const root = spoolRoot(home, 'pool-1', 'host-1');

const endingIn = (spool: Spool) => readEnding(spool, readMeta(spool) ?? {});

const meta = (runId: string): SpoolMeta => ({
  runId,
  runner: 'demo',
  agentName: 'greeter',
  queue: 'runs.demo',
  leaseToken: 't:1',
  bootId: 'b',
  path: '/work',
  home: '/home/ann',
  timeoutMs: 1,
  silenceTimeoutMs: 2,
  startedUptimeMs: 3,
});

describe('the spool of a run', () => {
  test('is for its owner alone, and holds the prompt as it is', () => {
    const spool = createSpool(root, meta('r1'), { stdin: 'größe\0\n' });
    expect(statSync(spool.directory).mode & 0o777).toBe(0o700);
    for (const file of readdirSync(spool.directory))
      expect(statSync(join(spool.directory, file)).mode & 0o777).toBe(0o600);
    expect(readFileSync(spool.stdin, 'utf8')).toBe('größe\0\n');
    expect([statSync(spool.stdout).size, statSync(spool.stderr).size]).toEqual([0, 0]);
    expect(spooledRuns(root)).toEqual(['r1']);
  });

  test('holds the files of its runner, for its owner alone, until the inputs are removed', () => {
    const spool = createSpool(root, meta('r0'), {
      stdin: 'p',
      files: [{ name: 'mcp.json', content: '{"token":"secret"}' }],
    });
    const file = join(spool.files, 'mcp.json');
    expect(readFileSync(file, 'utf8')).toBe('{"token":"secret"}');
    expect([statSync(spool.files).mode & 0o777, statSync(file).mode & 0o777]).toEqual([0o700, 0o600]);
    removeInputs(spool);
    expect([existsSync(spool.files), existsSync(spool.stdin), existsSync(spool.stdout)]).toEqual([false, false, true]);
  });

  test('goes on in a further try with the same output and a bolt, a pid and an end of its own', () => {
    const spool = createSpool(root, { ...meta('r7'), sessionId: 'one' }, { stdin: 'prompt' });
    writeFileSync(spool.stdout, 'refused\n');
    writeFileSync(spool.once, '1\nprogram 2\nexit 1\n');
    writeEnding(spool, 'hopeless');
    const attempt = {
      number: 2,
      from: { out: 8, err: 0 },
      startedUptimeMs: 3,
      because: { kind: 'auth', message: '' },
    } as const;
    const next = createSpool(root, { ...meta('r7'), sessionId: 'two', attempt }, { stdin: 'prompt' });
    expect(readFileSync(next.stdout, 'utf8')).toBe('refused\n');
    expect([hasBegun(next), exitStatus(next), endingIn(next)]).toEqual([false, undefined, undefined]);
    expect(presentSpool(root, 'r7')).toMatchObject({ spool: next, meta: { sessionId: 'two', attempt } });
    expect(presentSpool(root, 'r1').spool).toEqual(spoolOf(root, 'r1'));
  });

  test('that is made again, by a worker that was paused meanwhile, loses nothing of what is in it', () => {
    const spool = createSpool(root, meta('r5'), { stdin: 'prompt' });
    const started = { ...meta('r5'), wrapper: { pid: 7, start: '8' } };
    addToMeta(spool, { wrapper: started.wrapper });
    for (const [file, text] of [
      [spool.once, '7\nprogram 8\nexit 3\n'],
      [spool.stdout, 'output'],
    ] as const)
      writeFileSync(file, text);
    writeEnding(spool, 'kill');
    createSpool(root, meta('r5'), { stdin: 'prompt' });
    expect(readMeta(spool)).toEqual({ ...started, ending: 'kill' });
    expect([hasBegun(spool), readFileSync(spool.stdout, 'utf8'), exitStatus(spool)]).toEqual([true, 'output', 3]);
    expect(endingIn(spool)).toBe('kill');
  });

  test('tells why its program is ended once that is so, and nothing before', () => {
    const spool = createSpool(root, meta('r6'), { stdin: '' });
    const { size } = statSync(join(spool.directory, 'meta.json'));
    expect(endingIn(spool)).toBeUndefined();
    writeEnding(spool, 'silence_limit');
    writeEnding(spool, 'kill');
    expect(endingIn(spool)).toBe('kill');
    expect(statSync(join(spool.directory, 'meta.json')).size).toBe(size); // it had its room
    removeSpool(spool);
    expect(() => writeEnding(spool, 'kill')).not.toThrow();
  });

  test('tells the next worker what this one knew', () => {
    const spool = createSpool(root, meta('r2'), { stdin: '' });
    expect(readMeta(spool)).toEqual(meta('r2'));
    const wrapper = { pid: 4_194_304, start: 'Fri Nov 27 01:02:03 2026' };
    addToMeta(spool, { wrapper });
    writeEnding(spool, 'after_result');
    expect(readMeta(spool)).toEqual({ ...meta('r2'), wrapper, ending: 'after_result' });
    expect(readdirSync(spool.directory)).toHaveLength(4);
  });

  test.each(['', '{', '\0\0\0\0'])('with %j instead of what was known tells nothing, and makes no failure', (text) => {
    const spool = createSpool(root, meta('r3'), { stdin: '' });
    writeFileSync(join(spool.directory, 'meta.json'), text);
    expect(readMeta(spool)).toBeUndefined();
  });

  test('is gone when it was removed, which is legal twice', () => {
    const spool = createSpool(root, meta('r4'), { stdin: '' });
    removeSpool(spool);
    removeSpool(spool);
    expect(readMeta(spool)).toBeUndefined();
    expect(spooledRuns(root)).not.toContain('r4');
  });

  test('of another host or pool is not among ours', () => {
    expect(spooledRuns(spoolRoot(home, 'pool-1', 'host-2'))).toEqual([]);
    expect(spooledRuns(spoolRoot(home, 'pool-2', 'host-1'))).toEqual([]);
  });
});

describe('what is said in a spool', () => {
  const spool = createSpool(join(home, 'said'), meta('said'), { stdin: '' });
  const said = () => [wrapperPid(spool), programPid(spool), exitStatus(spool)];

  test.each([
    ['', []],
    ['14', []],
    ['14\n', [14]],
    ['14\nprogram 1', [14]],
    ['14\nprogram 15\n', [14, 15]],
    ['14\nprogram 15\nexit 14', [14, 15]],
    ['14\nprogram 15\nexit 143\n', [14, 15, 143]],
    ['14\nexit 125\n', [14, undefined, 125]],
    ['14\nprogram 15\nprogram 1\nexit 7\nexit 0\n', [14, 15, 0]],
    ['x\nprogram -1\nexit 1 \n', []],
  ])('as %j is %j', (text, [wrapper, program, status]) => {
    writeFileSync(spool.once, text);
    expect(said()).toEqual([wrapper, program, status]);
  });
});

describe('what was said in a spool of the release before', () => {
  const spool = createSpool(join(home, 'said'), meta('before'), { stdin: '' });
  const { exit: file, pid, ending } = spool.before;

  test('is in files of their own', () => {
    for (const [name, text] of [
      [spool.once, '14\n'],
      [pid, '15\n'],
      [ending, 'kill            '],
    ] as const)
      writeFileSync(name, text);
    expect([wrapperPid(spool), programPid(spool), endingIn(spool)]).toEqual([14, 15, 'kill']);
  });

  test.each([
    ['0\n', 0],
    ['0\n              ', 0],
    ['143\n', 143],
    ['4194304\n', 4_194_304],
    ['', undefined],
    ['14', undefined],
    ['\n', undefined],
    ['-1\n', undefined],
    ['1 \n', undefined],
    ['1\n2\n', undefined],
    ['x\n', undefined],
    ['1\r\n', undefined],
  ])('as %j is %s', (text, number) => {
    writeFileSync(file, text);
    expect(exitStatus(spool)).toBe(number);
  });

  test('is unknown while there is no file', () => {
    expect(exitStatus(spoolOf(root, 'nobody'))).toBeUndefined();
  });
});

test('the output of a spool is emptied, and nothing else that lies there under its name', () => {
  const kept = join(home, 'kept');
  writeFileSync(kept, 'of somebody else');
  const spool = createSpool(root, meta('emptied'), { stdin: '' });
  writeFileSync(spool.stdout, 'out');
  rmSync(spool.stderr);
  linkSync(kept, spool.stderr);
  emptyOutput(spool);
  expect(readFileSync(spool.stdout, 'utf8')).toBe('');
  expect(readFileSync(kept, 'utf8')).toBe('of somebody else');
  rmSync(spool.stderr);
  symlinkSync(kept, spool.stderr);
  emptyOutput(spool);
  expect(readFileSync(kept, 'utf8')).toBe('of somebody else');
});

test('where output files begin anew is kept, and no place that no program can have got to is believed', () => {
  const spool = createSpool(root, meta('rewound'), { stdin: '' });
  const from = { out: 1_000, err: 0 };
  expect(readRewound(spool, from)).toEqual({ out: 0, err: 0 });
  writeRewound(spool, { out: 5_000_000, err: 7 });
  expect(readRewound(spool, from)).toEqual({ out: 5_000_000, err: 7 });
  writeRewound(spool, { out: Number.MAX_SAFE_INTEGER, err: 7 });
  expect(readRewound(spool, from)).toEqual({ out: 0, err: 7 });
});
