import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { readWorkspace } from '../../../../src/mcp/overmind/workspace.js';
import { removeDirectory } from '../../../support/remove-directory.js';

const place = realpathSync(mkdtempSync(join(tmpdir(), 'ap-workspace-')));
afterAll(() => removeDirectory(place));
const SECRET = 'of-somebody-else';

test('a workspace is read without following a link that leads out of it, and no pipe is waited for', () => {
  const [root, outside] = [join(place, 'workspace'), join(place, 'outside')];
  for (const directory of [outside, join(root, '.claude', 'agents'), join(root, 'shared')])
    mkdirSync(directory, { recursive: true });
  writeFileSync(join(outside, 'prompt.md'), SECRET);
  writeFileSync(join(outside, 'file.json'), JSON.stringify({ env: { KEY: SECRET } }));
  writeFileSync(join(outside, 'env'), `KEY=${SECRET}\n`);
  symlinkSync(join(outside, 'env'), join(root, '.env'));
  symlinkSync(join(outside, 'file.json'), join(root, '.claude', 'settings_stolen.json'));
  symlinkSync('../../outside/file.json', join(root, '.claude', 'settings.json'));
  execFileSync('mkfifo', [join(root, '.claude', 'sessions.json')]);
  writeFileSync(join(root, '.claude', 'settings_a.json'), '{"runner":"claude"}');
  symlinkSync(join(outside, 'prompt.md'), join(root, '.claude', 'agents', 'a.md'));
  writeFileSync(join(root, 'shared', 'b.md'), 'shared words');
  writeFileSync(join(root, '.claude', 'settings_b.json'), '{"runner":"claude"}');
  symlinkSync('../../shared/b.md', join(root, '.claude', 'agents', 'b.md'));

  const workspace = readWorkspace(root);
  expect(JSON.stringify(workspace)).not.toContain(SECRET);
  expect(workspace.agents.map(({ name, prompt }) => [name, prompt])).toEqual([
    ['a', undefined],
    ['b', 'shared words'],
  ]);
  const link = 'it is a link that leads out of the workspace';
  expect(workspace.problems).toEqual([
    { file: '.claude/settings.json', message: link },
    { file: '.claude/agents/a.md', message: link },
    { file: '.claude/settings_stolen.json', message: link },
    { file: '.claude/sessions.json', message: 'it is not a file' },
    { file: '.env', message: link },
  ]);
});
