import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';

/** Asks in a process that has no file descriptor left. */
function askedWithoutDescriptors(expression: string): string {
  const built = new URL('../../../../dist/worker/process/processes.js', import.meta.url).href;
  const program = `
    import { closeSync, openSync } from 'node:fs';
    const { identify, isAlive, processesOf, signalProcess } = await import(${JSON.stringify(built)});
    const self = identify(process.pid);
    const held = [];
    for (;;) try { held.push(openSync('/dev/null')); } catch { break; }
    let answer;
    try { answer = JSON.stringify(${expression}); } catch (error) { answer = error.code; }
    for (const file of held) closeSync(file);
    process.stdout.write(String(answer));
  `;
  const shell = 'ulimit -n 512 && exec "$0" --input-type=module -e "$1"';
  return execFileSync('sh', ['-c', shell, process.execPath, program], { encoding: 'utf8' });
}

test.each([
  ['who a process is', 'identify(self.pid) ?? "gone"'],
  ['whether a process lives', 'isAlive(self)'],
  ['which processes a run has', 'processesOf("r1")'],
  ['whether a signal reaches a process', 'signalProcess(self, "SIGCONT")'],
])('without a file descriptor nobody can tell %s, and nobody is taken for gone', (_what, expression) => {
  expect(askedWithoutDescriptors(expression)).toBe('EMFILE');
});

test('what is asked in such a process is answered as long as it has descriptors', () => {
  expect(askedWithoutDescriptors('(closeSync(held.pop()), isAlive(self))')).toBe('true');
});
