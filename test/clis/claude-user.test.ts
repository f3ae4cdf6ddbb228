import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { commandsOf } from '../support/commands-of-page.js';
import { makePlace, type Place } from '../support/pool.js';
import { MAIN } from '../support/processes.js';
import { temporary } from './cli-pool.js';
import { CLAUDE, whyMissing } from './programs.js';
import { VERSIONS } from './versions.js';

interface Newcomer {
  readonly place: Place;
  /** Types commands into a shell that stops at the first one that fails. */
  type(commands: string): { readonly status: number | null; readonly stdout: string; readonly stderr: string };
}

const newcomers: Newcomer[] = [];
afterEach(() => {
  for (const { place, type } of newcomers.splice(0)) {
    type('agentpool down');
    place.clean();
  }
});

/** Somebody with an empty home directory, an empty project, and nothing but `agentpool` and `claude`. */
function newcomer(): Newcomer {
  const place = makePlace();
  const bin = join(place.home, 'bin');
  mkdirSync(bin);
  writeFileSync(join(bin, 'agentpool'), `#!/bin/sh\nexec "${process.execPath}" "${MAIN}" "$@"\n`);
  chmodSync(join(bin, 'agentpool'), 0o755);
  symlinkSync(CLAUDE, join(bin, 'claude'));
  const { HOME = '' } = place.env;
  const env = {
    HOME,
    PATH: `${bin}:${process.env.PATH}`,
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
    ...temporary(place),
  };
  const type = (commands: string) =>
    spawnSync('bash', ['-euo', 'pipefail', '-c', commands], {
      cwd: place.work,
      env,
      encoding: 'utf8',
      timeout: 240_000,
    });
  const one = { place, type };
  newcomers.push(one);
  return one;
}

describe.skipIf(whyMissing('claude'))(`a person with claude ${VERSIONS.claude}`, () => {
  test('follows docs/examples.md, and claude reaches the pool by what connect has written', () => {
    const { place, type } = newcomer();
    const followed = type(commandsOf('docs/examples.md', 'One person with Claude Code'));
    expect([followed.status, followed.stderr]).toEqual([0, expect.any(String)]);
    expect(followed.stdout).toMatch(/✓ Runner claude/);
    // What claude asks about at its first start in a project.
    const answers = { hasTrustDialogAccepted: true, enabledMcpjsonServers: ['agentpool'] };
    const file = join(place.env.HOME ?? '', '.claude.json');
    writeFileSync(file, JSON.stringify({ projects: { [realpathSync(place.work)]: answers } }));
    expect(type('claude mcp list').stdout).toMatch(/^agentpool: .*Connected$/m);
  });

  test('follows README.md, and claude reaches the pool', () => {
    const { type } = newcomer();
    const followed = type(commandsOf('README.md', 'Use it with Claude Code'));
    expect([followed.status, followed.stderr]).toEqual([0, expect.any(String)]);
    expect(type('claude mcp list').stdout).toMatch(/^agentpool: agentpool mcp .*Connected$/m);
    expect(type('agentpool run demo "say hello" --mode quick').stdout).toMatch(/say hello/);
  });
});
