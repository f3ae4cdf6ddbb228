// Sums the JSON reports of vitest in a directory and prints what failed, with the beginning of its message, and last
// `N passed, N failed, N skipped`. A test file that could not even be loaded counts as one failure, and so does a test
// run that left no report. Exits with 1 when anything failed.
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { stripVTControlCharacters } from 'node:util';

/** Lines of a failure's message that are printed. */
const MOST_LINES = 12;

const directory = process.argv[2] ?? '.';
const total = { passed: 0, failed: 0, skipped: 0 };
const OUTCOME = {
  passed: 'passed',
  skipped: 'skipped',
  pending: 'skipped',
  todo: 'skipped',
  disabled: 'skipped',
};

function fail(what, message = '') {
  total.failed += 1;
  const lines = stripVTControlCharacters(message).split('\n').slice(0, MOST_LINES);
  console.log([`✗ ${what}`, ...lines.map((line) => `    ${line}`)].join('\n'));
}

function readReport(name) {
  try {
    return JSON.parse(readFileSync(join(directory, `${name}.json`), 'utf8'));
  } catch {
    return undefined;
  }
}

for (const file of readdirSync(directory).filter((name) => name.endsWith('.expected'))) {
  const suite = file.slice(0, -'.expected'.length);
  const report = readReport(suite);
  if (!report) {
    fail(`${suite} left no report`);
    continue;
  }
  for (const { name, status, message, assertionResults } of report.testResults) {
    const path = relative(process.cwd(), name);
    for (const { status: outcome, fullName, failureMessages } of assertionResults) {
      if (OUTCOME[outcome]) total[OUTCOME[outcome]] += 1;
      else fail(`${path}: ${fullName}`, failureMessages?.[0]);
    }
    if (status === 'failed' && !assertionResults.some((test) => test.status === 'failed')) fail(path, message);
  }
}

console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exit(total.failed > 0 ? 1 : 0);
