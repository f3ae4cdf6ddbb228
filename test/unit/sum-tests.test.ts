import { execFile } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';
import { removeDirectory } from '../support/remove-directory.js';

const SCRIPT = fileURLToPath(new URL('../../scripts/sum-tests.mjs', import.meta.url));
const reports = mkdtempSync(join(tmpdir(), 'ap-reports-'));
afterEach(() => removeDirectory(reports));

const passed = { status: 'passed', fullName: 'adds' };
const skipped = { status: 'skipped', fullName: 'rests' };
const failed = { status: 'failed', fullName: 'divides', failureMessages: ['expected 1 to be 2\n    at some line'] };

function suite(name: string, testResults?: readonly object[]): void {
  writeFileSync(join(reports, `${name}.expected`), '');
  if (testResults) writeFileSync(join(reports, `${name}.json`), JSON.stringify({ testResults }));
}

test('every failure is named with its message, and the total is alone on the last line', async () => {
  suite('good', [{ name: 'good.test.ts', status: 'passed', assertionResults: [passed, passed, skipped] }]);
  suite('bad', [
    { name: 'bad.test.ts', status: 'failed', assertionResults: [passed, failed] },
    { name: 'broken.test.ts', status: 'failed', message: 'cannot be loaded', assertionResults: [] },
  ]);
  suite('gone');
  const { code, lines } = await new Promise<{ code: unknown; lines: string[] }>((resolve) =>
    execFile(process.execPath, [SCRIPT, reports], (error, stdout) =>
      resolve({ code: error?.code ?? 0, lines: stdout.trimEnd().split('\n') }),
    ),
  );
  expect(code).toBe(1);
  expect(lines.at(-1)).toBe('3 passed, 3 failed, 1 skipped');
  expect(lines).toEqual(expect.arrayContaining(['✗ bad.test.ts: divides', '    expected 1 to be 2']));
  expect(lines).toEqual(expect.arrayContaining(['✗ broken.test.ts', '    cannot be loaded', '✗ gone left no report']));
});
