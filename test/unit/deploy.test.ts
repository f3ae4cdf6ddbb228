import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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

describe('the server as a service', () => {
  it.skipIf(!isThere('systemd-analyze', '--version'))('may do next to nothing on its machine', () => {
    const unit = join(DEPLOY, 'systemd/agentpool-server.service');
    const judged = spawnSync('systemd-analyze', ['security', '--offline=true', '--no-pager', '--threshold=20', unit], {
      encoding: 'utf8',
    });
    const unmet = judged.stdout.split('\n').filter((line) => line.startsWith('\u2717'));
    expect([judged.status, unmet]).toEqual([0, expect.anything()]);
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

describe('the component for KEDA', () => {
  const scaled = read(join(DEPLOY, 'keda/scaled-object.yaml'));
  const query = /^ +query: (.+)$/m.exec(scaled)?.[1] ?? '';

  it.skipIf(!isThere('kubectl', 'version', '--client'))('scales the workers, and leaves their number to KEDA', () => {
    const overlay = mkdtempSync(join(tmpdir(), 'ap-keda-'));
    cpSync(join(DEPLOY, 'kubernetes'), join(overlay, 'kubernetes'), { recursive: true });
    cpSync(join(DEPLOY, 'keda'), join(overlay, 'keda'), { recursive: true });
    mkdirSync(join(overlay, 'scaled'));
    const lines = ['resources: [../kubernetes]', 'components: [../keda]', 'namespace: agentpool', ''];
    writeFileSync(join(overlay, 'scaled/kustomization.yaml'), lines.join('\n'));
    const { status, stdout, stderr } = spawnSync('kubectl', ['kustomize', join(overlay, 'scaled')], {
      encoding: 'utf8',
    });
    rmSync(overlay, { recursive: true });
    expect([status, stderr]).toEqual([0, '']);
    const [scaledObject = ''] = stdout.split(/^---$/m).filter((one) => one.includes('kind: ScaledObject'));
    expect(scaledObject).toMatch(/scaleTargetRef:\n +kind: StatefulSet\n +name: agentpool-worker$/m);
    const [set = ''] = stdout.split(/^---$/m).filter((one) => one.includes('kind: StatefulSet\nmetadata'));
    expect(set).toContain('name: agentpool-worker');
    expect(set).not.toMatch(/^ {2}replicas:/m);
  });

  it.skipIf(!isThere('promtool', '--version'))('asks Prometheus what it understands', () => {
    const directory = mkdtempSync(join(tmpdir(), 'ap-keda-'));
    const rules = { groups: [{ name: 'keda', rules: [{ record: 'x', expr: query }] }] };
    writeFileSync(join(directory, 'rules.yml'), JSON.stringify(rules));
    // Two servers that tell the same, a queue of a host, and one with requirements.
    const series = (labels: string, value: number) => ({
      series: `agentpool_queue_jobs{${labels}}`,
      values: `${value}`,
    });
    const input_series = [
      series('instance="a",queue="runs.claude",state="waiting"', 5),
      series('instance="b",queue="runs.claude",state="waiting"', 5),
      series('instance="a",queue="runs.claude",state="active"', 2),
      series('instance="a",queue="runs.claude",state="completed"', 90),
      series('instance="a",queue="runs.demo",state="waiting"', 1),
      series('instance="a",queue="runs@h1",state="waiting"', 30),
      series('instance="a",queue="runs.claude+gpu",state="waiting"', 30),
    ];
    const promql_expr_test = [{ expr: query, eval_time: '0m', exp_samples: [{ labels: '{}', value: 8 }] }];
    const tests = { rule_files: ['rules.yml'], tests: [{ interval: '1m', input_series, promql_expr_test }] };
    writeFileSync(join(directory, 'tests.yml'), JSON.stringify(tests));
    const { status, stdout, stderr } = spawnSync('promtool', ['test', 'rules', 'tests.yml'], {
      cwd: directory,
      encoding: 'utf8',
    });
    rmSync(directory, { recursive: true });
    expect([status, `${stdout}${stderr}`]).toEqual([0, expect.stringContaining('SUCCESS')]);
  });

  it('asks for a figure that the server has', () => {
    const [metric = 'none'] = /agentpool_\w+/.exec(query) ?? [];
    expect(read(new URL('../../src/http/metrics.ts', import.meta.url).pathname)).toContain(`'${metric}'`);
  });
});
