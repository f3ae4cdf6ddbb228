// Sums the JSON reports of vitest in a directory and prints `N passed, N failed, N skipped`. A test file that could not
// even be loaded counts as one failure, and so does a test run that left no report. Exits with 1 when anything failed.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const directory = process.argv[2] ?? '.';
const total = { passed: 0, failed: 0, skipped: 0 };
const OUTCOME = {
  passed: 'passed',
  failed: 'failed',
  skipped: 'skipped',
  pending: 'skipped',
  todo: 'skipped',
  disabled: 'skipped',
};

function readReport(name) {
  try {
    return JSON.parse(readFileSync(join(directory, `${name}.json`), 'utf8'));
  } catch {
    return undefined;
  }
}

for (const file of readdirSync(directory).filter((name) => name.endsWith('.expected'))) {
  const report = readReport(file.slice(0, -'.expected'.length));
  if (!report) {
    total.failed += 1;
    continue;
  }
  for (const { status, assertionResults } of report.testResults) {
    for (const { status: outcome } of assertionResults) total[OUTCOME[outcome] ?? 'failed'] += 1;
    if (status === 'failed' && !assertionResults.some((test) => test.status === 'failed')) total.failed += 1;
  }
}

console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exit(total.failed > 0 ? 1 : 0);
