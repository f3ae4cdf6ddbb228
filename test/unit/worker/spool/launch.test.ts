import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { getPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { RUN_MARK } from '../../../../src/shared/config/load.js';
import { launch } from '../../../../src/worker/spool/launch.js';
import { createSpool, exitStatus, programPid, spoolOf } from '../../../../src/worker/spool/spool.js';
import type { SpoolMeta } from '../../../../src/worker/spool/spool-meta.js';
import { eventually } from '../../../support/processes.js';
import { removeDirectory } from '../../../support/remove-directory.js';

const root = realpathSync(mkdtempSync(join(tmpdir(), 'ap-launch-')));
afterAll(() => removeDirectory(root));

let runs = 0;
async function start(program: string, args: readonly string[], stdin = '', path = root) {
  runs += 1;
  const runId = `r${runs}`;
  const spool = createSpool(root, { runId } as SpoolMeta, { stdin });
  const launched = await launch({ spool, runId, program, args, path, env: { PATH: process.env.PATH ?? '', A: 'a' } });
  return { runId, spool, launched, printed: () => readFileSync(spool.stdout, 'utf8') };
}

const shell = (script: string, stdin = '') => start('/bin/sh', ['-c', script], stdin);

test('a program gets its arguments, its stdin, its directory and its environment as they are', async () => {
  const { runId, launched, printed } = await start(
    '/bin/sh',
    ['-c', `printf '%s|' "$@" "$A" "$${RUN_MARK}" "$(pwd)" "$(cat)"`, 'sh', 'a b', '', '$A', "'", '-x', '*'],
    'größe\n$A',
  );
  await launched.wrapperGone;
  expect(printed()).toBe(["a b||$A|'|-x|*", 'a', runId, root, 'größe\n$A', ''].join('|'));
});

test.each([
  ['exit 0', 0],
  ['exit 7', 7],
  ['exit 255', 255],
  ['kill -KILL $$', 137],
  ['kill -TERM $$', 143],
])('the end of a program, "%s", is written down as %i', async (script, code) => {
  const { spool, launched } = await shell(script);
  await launched.wrapperGone;
  expect(exitStatus(spool)).toBe(code);
  expect(readFileSync(spool.stderr, 'utf8')).toBe(''); // the shell around it keeps its words to itself
});

test('the pid that is told is that of the program itself', async () => {
  const { spool, launched, printed } = await shell('echo $$');
  const pid = await launched.program;
  await launched.wrapperGone;
  expect(programPid(spool)).toBe(pid);
  expect(printed()).toBe(`${pid}\n`);
  expect(pid).not.toBe(launched.wrapper?.pid);
});

test('the pid is told whatever the program does to its file, and to nobody when its wrapper could not begin', async () => {
  const { spool, launched } = await shell(`rm ${root}/r*/once; exit 3`);
  expect(await launched.program).toBeGreaterThan(1);
  expect([await launched.wrapperGone, programPid(spool)]).toEqual([3, undefined]);
  writeFileSync(join(root, 'taken'), '');
  const again = { ...spool, once: join(root, 'taken') };
  const refused = await launch({ spool: again, runId: 'r', program: '/bin/true', args: [], path: root, env: {} });
  expect([await refused.wrapperGone, await refused.program]).toEqual([125, undefined]);
});

test('a worker that is gone by then does not keep the program from its start', async () => {
  const script = `
    import { launch } from ${JSON.stringify(new URL('../../../../dist/worker/spool/launch.js', import.meta.url).href)};
    import { createSpool } from ${JSON.stringify(new URL('../../../../dist/worker/spool/spool.js', import.meta.url).href)};
    const spool = createSpool(${JSON.stringify(root)}, { runId: 'left' }, { stdin: '' });
    process.kill(process.pid, 'SIGSTOP');
    await launch({ spool, runId: 'left', program: '/bin/sh', args: ['-c', 'echo ran; kill -PIPE $$'], path: '/', env: {} });
    process.kill(process.pid, 'SIGKILL');`;
  const worker = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'inherit' });
  // Not before it stands still, or it would stop after this.
  await eventually(() => / T /.test(readFileSync(`/proc/${worker.pid}/stat`, 'utf8')));
  worker.kill('SIGCONT');
  const left = spoolOf(root, 'left');
  expect(await eventually(() => exitStatus(left))).toBe(141); // and the signal is not ignored in it
  expect(readFileSync(left.stdout, 'utf8')).toBe('ran\n');
});

test('a program that cannot be executed ends with the words of the shell', async () => {
  const { spool, launched } = await start(root, []);
  await launched.wrapperGone;
  expect(exitStatus(spool)).toBe(126);
  expect(readFileSync(spool.stderr, 'utf8')).toMatch(/^agentpool: .*exec: .*[Pp]ermission denied/m);
});

test.each([
  ['a NUL byte', 'secret\0prompt', 'EINVAL'],
  ['more than the kernel takes', `secret${'x'.repeat(200_000)}`, 'E2BIG'],
])('an argument with %s is refused without being repeated', async (_what, argument, code) => {
  const error: unknown = await start('/bin/echo', [argument]).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code });
  expect(String(error)).not.toContain('secret');
});

test('a directory that is gone is a failure', async () => {
  await expect(start('/bin/echo', [], '', join(root, 'gone'))).rejects.toMatchObject({ code: 'ENOENT' });
});

test('a program steps back behind the worker where both want the processor', async () => {
  const { launched } = await shell('exec sleep 600');
  const pid = launched.wrapper?.pid ?? 0;
  expect(getPriority(pid)).toBe(Math.min(19, getPriority() + 5));
  process.kill(-pid, 'SIGKILL');
  await launched.wrapperGone;
});
