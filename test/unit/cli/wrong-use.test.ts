import { Command, CommanderError } from 'commander';
import { expect, test } from 'vitest';
import { matching, milliseconds, oneOf, wholeNumber } from '../../../src/cli/options.js';
import { parseSince } from '../../../src/cli/since.js';
import { wrongUse } from '../../../src/cli/wrong-use.js';
import { RUN_LIMITS } from '../../../src/client/limits.js';
import { bodyOf } from '../../../src/shared/errors.js';

/** What a command line is refused with; undefined when it is taken. */
function refusal(...args: string[]): { message: string; hint: string } | undefined {
  const program = new Command('agentpool').exitOverride().configureOutput({ outputError: () => {} });
  program
    .command('runs')
    .exitOverride()
    .configureOutput({ outputError: () => {} })
    .option('-n, --limit <n>', '', wholeNumber({ least: 1, most: 200 }))
    .option('--timeout <time>', '', milliseconds(RUN_LIMITS.timeoutMs))
    .option('--status <state>', '', oneOf(['queued', 'done']))
    .option('--since <time>', '', (text) => parseSince(text, Date.now()))
    .option('--agent <name>', '', matching(/^\w+$/, 'have letters only'))
    .argument('[run]');
  try {
    program.parse(['node', 'agentpool', ...args]);
    return undefined;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    const { message, hint } = bodyOf(wrongUse(error));
    return { message, hint };
  }
}

test.each([
  [['runs', '--limit', '300'], '--limit must be at most 200', 'It was 300.'],
  [['runs', '-n', '0'], '--limit must be at least 1', 'It was 0.'],
  [['runs', '--limit', 'many'], '--limit must be a whole number', 'It was many.'],
  [['runs', '--limit', ''], '--limit must be a whole number', 'It was empty.'],
  [['runs', '--timeout', '5'], '--timeout must be at least 1000 ms', 'It was 5.'],
  [
    ['runs', '--timeout', '5 fortnights'],
    '--timeout must be a length of time: milliseconds, or 90s, 5m, 2h, 1d',
    'It was 5 fortnights.',
  ],
  [['runs', '--timeout', '400d'], '--timeout must be at most 2592000000 ms', 'It was 400d.'],
  [['runs', '--status', 'gone'], '--status must be one of: queued, done', 'It was gone.'],
  [
    ['runs', '--since', 'noon'],
    '--since must be 30s, 5m, 2h, 1d, an ISO time, or milliseconds since the epoch',
    'It was noon.',
  ],
  [['runs', '--agent', "o'x"], '--agent must have letters only', "It was o'x."],
  [['runs', '--limt', '3'], "unknown option '--limt'", 'Did you mean --limit?'],
  [['rusn'], "unknown command 'rusn'", 'Did you mean runs?'],
  [['runs', 'a', 'b'], "too many arguments for 'runs'. Expected 1 argument but got 2.", '--help shows what there is.'],
])('%j is wrong use: %s', (args, message, hint) => {
  expect(refusal(...args)).toEqual({ message, hint });
});

test.each([['--limit=200'], ['--timeout=90s'], ['--timeout=1000'], ['--timeout=30d'], ['--since=5m']])(
  '%s is taken',
  (option) => {
    expect(refusal('runs', option)).toBeUndefined();
  },
);
