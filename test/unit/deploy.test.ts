import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { commandLine } from '../../src/cli/command-line.js';
import { SETTINGS } from '../../src/shared/config/settings.js';

const DEPLOY = new URL('../../deploy/', import.meta.url).pathname;
const filesIn = (directory: string, ending = '') =>
  readdirSync(join(DEPLOY, directory))
    .filter((name) => name.endsWith(ending))
    .map((name) => join(DEPLOY, directory, name));
const read = (file: string) => readFileSync(file, 'utf8');
/** Whether a program is there; else the reason why its tests are skipped is printed. */
function isThere(program: string, ...args: string[]): boolean {
  const there = spawnSync(program, args).status === 0;
  if (!there) process.stderr.write(`skipped: there is no ${program} to check the files of deploy/ with\n`);
  return there;
}

it('name settings and commands that there are', async () => {
  const all = [...filesIn('systemd'), ...filesIn('kubernetes')].map(read).join('\n');
  const settings = new Set(all.match(/\b(?:AGENTPOOL|REDIS)_[A-Z_]+\b/g));
  expect([...settings].filter((name) => !(name in SETTINGS) && !(name.replace(/_FILE$/, '') in SETTINGS))).toEqual([]);
  const commands = [...all.matchAll(/(?:bin\/agentpool |args: \[)([a-z]+)/g)].map(([, name]) => name);
  expect(commands.length).toBeGreaterThan(3);
  const known = (await commandLine()).commands.map((command) => command.name());
  expect(commands.filter((name) => !known.includes(name ?? ''))).toEqual([]);
});

describe('the units of systemd', () => {
  it.skipIf(!isThere('systemd-analyze', '--version'))('are valid', () => {
    const directory = mkdtempSync(join(tmpdir(), 'ap-units-'));
    const units = filesIn('systemd', '.service').map((file) => {
      const unit = join(directory, file.slice(file.lastIndexOf('/') + 1));
      const installed = /\/usr\/local\/(bin\/agentpool|lib\/agentpool\/with-notify)/g; // they have to be there
      writeFileSync(unit, read(file).replace(installed, process.execPath));
      return unit;
    });
    const { status, stdout, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', ...units], {
      encoding: 'utf8',
    });
    rmSync(directory, { recursive: true });
    expect([status, `${stdout}${stderr}`.split('\n').filter((line) => line.includes('agentpool'))]).toEqual([0, []]);
  });
});

describe('the manifests of Kubernetes', () => {
  it.skipIf(!isThere('kubectl', 'version', '--client'))('are put together by kustomize', () => {
    const { status, stdout, stderr } = spawnSync('kubectl', ['kustomize', join(DEPLOY, 'kubernetes')], {
      encoding: 'utf8',
    });
    expect([status, stderr]).toEqual([0, '']);
    const kinds = [...stdout.matchAll(/^kind: (\w+)$/gm)].map(([, kind]) => kind).sort();
    expect(kinds).toEqual([
      'Deployment',
      'Namespace',
      'NetworkPolicy',
      'NetworkPolicy',
      'PodDisruptionBudget',
      'PodDisruptionBudget',
      'Service',
      'Service',
      'StatefulSet',
    ]);
    expect(stdout).not.toMatch(/image: agentpool\b/);
  });
});
