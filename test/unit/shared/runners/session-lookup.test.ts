import { describe, expect, test } from 'vitest';
import { RUNNERS } from '../../../../src/shared/runners/list.js';
import { RUBBISH } from '../../../unit/runners/rubbish.js';

const RUN = { runId: 'run-123', pid: 19016, path: '/work' };
const find = (name: string, listed: string) =>
  RUNNERS.find((runner) => runner.name === name)?.sessionLookup?.read(listed, RUN);

/** As `session list --format json` prints them. */
const opencodeSession = (id: string, title: string) => ({
  id,
  title,
  updated: 1795649252810,
  created: 1795649240559,
  projectId: 'global',
  directory: '/work',
});

describe.each(['opencode', 'kilo'])('in a list of %s', (name) => {
  test('a session is found by the title that the run has given it', () => {
    const args = RUNNERS.find((runner) => runner.name === name)?.args({
      ...RUN,
      prompt: 'p',
      resume: false,
      home: '/home/user',
      permissions: 'auto',
      filesDirectory: '/spool/files',
    });
    const title = String(args?.[args.indexOf('--title') + 1]);
    const sessions = [opencodeSession('ses_1', 'agentpool run-1'), opencodeSession('ses_2', title)];
    expect(find(name, JSON.stringify(sessions))).toBe('ses_2');
    expect(find(name, JSON.stringify(sessions.slice(0, 1)))).toBeUndefined();
  });
});

test('in a list of cline a session is found by the pid of its program and its directory', () => {
  const session = { sessionId: 's1', source: 'cli', pid: 19016, status: 'running', endedAt: null, cwd: '/work' };
  const others = [
    { ...session, sessionId: 's0', pid: 19017 },
    { ...session, sessionId: 's00', cwd: '/elsewhere' },
  ];
  const earlier = { ...session, sessionId: 'of an earlier program with that pid' };
  expect(find('cline', JSON.stringify([...others, session, earlier]))).toBe('s1');
  expect(find('cline', JSON.stringify(others))).toBeUndefined();
});

test.each(['opencode', 'kilo', 'cline'])('nothing is found where %s prints something else', (name) => {
  for (const text of ['', '[]', '{}', 'no sessions', '[{"id":1}]', '[null]']) expect(find(name, text)).toBeUndefined();
  for (const value of RUBBISH) expect(find(name, `${JSON.stringify(value)}`)).toBeUndefined();
});
