import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { customRunner as schema } from '../../../../src/shared/config/custom-runner.js';
import { findProgram } from '../../../../src/shared/find-program.js';
import { openLogger } from '../../../../src/shared/logger.js';
import { customRunner } from '../../../../src/shared/runners/custom.js';
import { demo } from '../../../../src/shared/runners/demo.js';
import { installedRunners, programVersion } from '../../../../src/worker/prepare/installed.js';
import { startOffering } from '../../../../src/worker/prepare/offering.js';
import { eventually } from '../../../support/processes.js';
import { removeDirectory } from '../../../support/remove-directory.js';

const root = mkdtempSync(join(tmpdir(), 'ap-installed-'));
const first = join(root, 'first');
const second = join(root, 'second');

function program(path: string, script: string, mode = 0o755): string {
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, mode);
  return path;
}

beforeAll(() => {
  for (const directory of [first, second]) mkdirSync(directory);
  program(join(first, 'one'), 'echo "one 1.2.3-beta.4 (abc)"');
  program(join(second, 'one'), 'exit 1');
  program(join(first, 'no-x'), 'exit 0', 0o644);
  program(join(second, 'no-x'), 'echo "v10.0" >&2');
  mkdirSync(join(first, 'folder'));
  program(join(second, 'folder'), 'echo none');
  symlinkSync(join(second, 'nothing'), join(first, 'broken'));
  program(join(second, 'broken'), 'exit 0');
  symlinkSync(join(second, 'folder'), join(first, 'linked'));
});
afterAll(() => removeDirectory(root));

describe('a program', () => {
  const find = (command: string, path = `${first}:${second}`) => findProgram(command, { PATH: path });

  test('is the first one of its name on the PATH that can be executed', () => {
    expect(find('one')).toBe(join(first, 'one'));
    expect(find('one', `${second}:${first}`)).toBe(join(second, 'one'));
    expect(find('no-x')).toBe(join(second, 'no-x'));
    expect(find('folder')).toBe(join(second, 'folder'));
    expect(find('broken')).toBe(join(second, 'broken'));
    expect(find('linked')).toBe(join(first, 'linked'));
  });

  test.each(['nothing', '', '.', '..', 'folder/'])('that is not there, "%s", is not found', (command) => {
    expect(find(command, first)).toBeUndefined();
  });

  test('is not looked for in the working directory', () => {
    expect(find('package.json', '')).toBeUndefined();
    expect(find('node_modules/.bin/vitest', '.::./')).toBeUndefined();
    expect(findProgram('one', {})).toBeUndefined();
  });

  test('with an absolute path is that one or none', () => {
    expect(find(join(second, 'one'), '')).toBe(join(second, 'one'));
    expect(find(join(first, 'no-x'), second)).toBeUndefined();
    expect(find(first)).toBeUndefined();
  });

  test('that is called node is the one that we run on', () => {
    expect(find('node', '')).toBe(process.execPath);
  });
});

describe('the version of a program', () => {
  test.each([
    ['one', '1.2.3-beta.4'],
    ['no-x', '10.0'],
    ['folder', undefined],
  ])('%s is the first number with dots that it prints, on stdout or stderr: %s', async (name, version) => {
    const found = findProgram(name, { PATH: `${first}:${second}` }) ?? '';
    expect(await programVersion(found, ['--version'], { env: { PATH: process.env.PATH } })).toBe(version);
  });

  test('is unknown where the program cannot be started', async () => {
    expect(await programVersion(join(root, 'nothing'), [], { env: {} })).toBeUndefined();
  });
});

describe('what a worker offers', () => {
  const own = (name: string, command: string, versionArgs?: string[]) =>
    customRunner(name, schema.parse({ command, ...(versionArgs && { versionArgs }) }));
  const runners = [demo, own('a', 'one', ['--version']), own('b', 'nothing'), own('c', 'folder')];
  const env = { PATH: `${first}:${second}:${process.env.PATH}` };

  test('are the runners whose program is here', () => {
    expect([...installedRunners(runners, undefined, env).keys()]).toEqual(['demo', 'a', 'c']);
  });

  test('are of those only the wanted ones', () => {
    expect([...installedRunners(runners, ['b', 'c'], env).keys()]).toEqual(['c']);
    expect([...installedRunners(runners, [], env).keys()]).toEqual([]);
  });

  const offeringOf = (wanted: string[], everyMs = 60_000) =>
    startOffering({ runners, wanted, env, askingOf: () => ({ env }), everyMs, logger: openLogger('test', 'silent') });

  test('is told at once, and the versions as soon as they are known', async () => {
    const offering = offeringOf(['a', 'c']);
    offering.askVersions();
    expect(offering.offers()).toEqual([
      { name: 'a', program: join(first, 'one') },
      { name: 'c', program: join(second, 'folder') },
    ]);
    await eventually(() => offering.offers()[0]?.version === '1.2.3-beta.4');
    expect(offering.offers()[1]).not.toHaveProperty('version');
    await offering.stop();
  });

  test('is followed while programs are installed and removed', async () => {
    const offering = offeringOf(['b'], 20);
    const changes: string[][] = [];
    offering.onChange(() => changes.push([...offering.installed.keys()]));
    offering.askVersions();
    expect(offering.offers()).toEqual([]);
    const path = program(join(first, 'nothing'), 'echo 1.0');
    await eventually(() => offering.installed.has('b'));
    expect(offering.isHere('b')).toBe(true);
    rmSync(path);
    expect(offering.isHere('b')).toBe(false);
    await eventually(() => changes.length >= 2);
    expect(changes.slice(0, 2)).toEqual([['b'], []]);
    await offering.stop();
  });

  test('says the new version of a program that was updated', async () => {
    const path = program(join(first, 'two'), 'echo 1.0');
    const two = own('two', 'two', ['--version']);
    const logger = openLogger('test', 'silent');
    const offering = startOffering({
      runners: [two],
      wanted: undefined,
      env,
      askingOf: () => ({ env }),
      everyMs: 20,
      logger,
    });
    offering.askVersions();
    await eventually(() => offering.offers()[0]?.version === '1.0');
    rmSync(path);
    program(path, 'echo 2.0.1');
    await eventually(() => offering.offers()[0]?.version === '2.0.1');
    await offering.stop();
  });
});
