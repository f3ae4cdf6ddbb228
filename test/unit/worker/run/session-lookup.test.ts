import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openLogger } from '../../../../src/shared/logger.js';
import type { SessionLookup } from '../../../../src/shared/runners/runner.js';
import { type LookupDeps, startSessionLookup } from '../../../../src/worker/run/session-lookup.js';
import { eventually } from '../../../support/processes.js';
import { removeDirectory } from '../../../support/remove-directory.js';

/** Writes down that it was asked, and prints the list, when there is one. */
const LISTING = `
  const fs = require('node:fs');
  fs.appendFileSync('asked', [process.env.AGENTPOOL_RUN, process.env.OF_THE_RUN].join(' ') + '\\n');
  if (process.env.STUCK) setInterval(() => {}, 1_000);
  else process.stdout.write(fs.existsSync('list') ? fs.readFileSync('list', 'utf8') : '');
`;
const lookup = (afterMs: readonly number[]): SessionLookup => ({
  afterMs,
  args: ['-e', LISTING],
  read: (listed, { runId, pid, path }) => (listed === `${runId} ${pid} ${path}` ? 's1' : undefined),
});

let path: string;
const found: string[] = [];
const asked = () =>
  existsSync(join(path, 'asked')) ? readFileSync(join(path, 'asked'), 'utf8').split('\n').length - 1 : 0;
const list = (text: string) => writeFileSync(join(path, 'list'), text);
const begin = (deps: Partial<LookupDeps>) =>
  startSessionLookup({
    lookup: lookup([0]),
    runId: 'run-1',
    program: process.execPath,
    env: { OF_THE_RUN: 'yes' },
    path,
    pid: 42,
    isKnown: () => found.length > 0,
    onFound: (sessionId) => found.push(sessionId),
    logger: openLogger('test', 'silent'),
    ...deps,
  });

beforeEach(() => {
  path = mkdtempSync(join(tmpdir(), 'ap-lookup-'));
  found.length = 0;
});
afterEach(() => removeDirectory(path));

test('the session is asked for with the environment, the directory and the mark of the run', async () => {
  list(`run-1 42 ${path}`);
  begin({});
  expect(await eventually(() => found[0])).toBe('s1');
  expect(readFileSync(join(path, 'asked'), 'utf8')).toBe('run-1 yes\n');
});

test('what is not in the list yet is asked for again, until it is there', async () => {
  begin({ lookup: lookup([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 60_000]) });
  await eventually(() => asked() > 1);
  list(`run-1 42 ${path}`);
  expect(await eventually(() => found[0])).toBe('s1');
});

test('a session that became known in another way is not asked for', async () => {
  let asks = 0;
  const known = () => {
    asks += 1;
    return true;
  };
  begin({ isKnown: known });
  await eventually(() => asks === 1);
  expect(asked()).toBe(0);
});

test('with the end of the run the asking ends, and the program that was asked', async () => {
  const looking = begin({ env: { STUCK: 'yes' }, lookup: lookup([0, 0]) });
  await eventually(() => asked() === 1);
  looking.stop();
  looking.stop();
  list(`run-1 42 ${path}`);
  const again = begin({});
  expect(await eventually(() => found[0])).toBe('s1');
  again.stop();
  expect(asked()).toBe(2);
});
