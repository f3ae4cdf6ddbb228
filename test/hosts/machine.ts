import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { textOf } from '../../src/worker/process/processes.js';
import { eventually } from '../support/processes.js';

const BOOT = new URL('boot-machine.sh', import.meta.url).pathname;
const GROUPS = '/sys/fs/cgroup';
/** What a machine that nobody ends takes at most (s). */
const LONGEST_SECONDS = 600;

/** A machine that systemd has booted, in namespaces on this one: with its programs, and users, services and a network of its own. */
export interface Machine {
  /** Runs commands there as root, as somebody who types them, and answers what they print; throws when one of them fails. */
  type(commands: string): string;
  /** What `type` says, without throwing. */
  ask(command: string): string;
  end(): Promise<void>;
}

/** Why no machine can be booted here; undefined where one can. */
export function whyNoMachine(): string | undefined {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'only root of a Linux can boot a machine';
  if (!existsSync('/lib/systemd/systemd')) return 'systemd is not installed';
  const tried = spawnSync('unshare', ['--fork', '--pid', '--mount', '--uts', '--ipc', '--net', '--cgroup', 'true']);
  if (tried.error || tried.status !== 0) return 'namespaces cannot be made (unshare)';
  const written = spawnSync('sh', [
    '-c',
    `g=$(ls -d ${GROUPS}/systemd ${GROUPS} | tail -1)/ap-probe && mkdir $g && rmdir $g`,
  ]);
  return written.status === 0 ? undefined : 'control groups cannot be made';
}

/** Boots one. `lay` puts what is to be laid over the root of this machine into a directory. */
export async function bootMachine(lay: (files: string) => void): Promise<Machine> {
  const directory = mkdtempSync(join(tmpdir(), 'ap-machine-'));
  for (const name of ['files', 'memory']) mkdirSync(join(directory, name));
  lay(join(directory, 'files'));
  const booting = spawn('timeout', ['-s', 'KILL', String(LONGEST_SECONDS), BOOT, directory], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const over = once(booting, 'exit');
  const end = async () => {
    const [unshare] = descendantsOf(booting.pid ?? 0); // init ends with it, and with init everything in the machine
    if (unshare !== undefined) process.kill(unshare, 'SIGKILL');
    await over;
    await eventually(() => groupsOf(basename(directory)).every(isRemoved), undefined, 20_000);
    rmSync(directory, { recursive: true });
  };
  const within = (command: string) => {
    const init = descendantsOf(booting.pid ?? 0).find((pid) => commandOf(pid) === 'systemd');
    const enter = [
      '--target',
      String(init),
      '--mount',
      '--uts',
      '--ipc',
      '--net',
      '--pid',
      '--cgroup',
      '--root',
      '--wd',
    ];
    const environment = [
      'env',
      '-i',
      'HOME=/root',
      'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    ];
    return spawnSync('nsenter', [...enter, ...environment, 'bash', '--norc', '-euo', 'pipefail', '-c', command], {
      encoding: 'utf8',
      timeout: 90_000,
    });
  };
  const machine: Machine = {
    type(commands) {
      const { status, stdout, stderr } = within(commands);
      if (status !== 0) throw new Error(`${commands}\nexit code ${status}\n${stdout}${stderr}`);
      return stdout.trim();
    },
    ask: (command) => within(command).stdout.trim(),
    end,
  };
  try {
    const isUp = () => /^(running|degraded)$/.test(machine.ask('systemctl is-system-running'));
    await eventually(isUp, undefined, 60_000);
  } catch (error) {
    await end();
    throw error;
  }
  return machine;
}

/** The processes that a process has started, and theirs. */
function descendantsOf(pid: number): number[] {
  const children = textOf(`/proc/${pid}/task/${pid}/children`).trim().split(' ').filter(Boolean).map(Number);
  return children.flatMap((child) => [child, ...descendantsOf(child)]);
}

const commandOf = (pid: number) => textOf(`/proc/${pid}/comm`).trim();

/** The control groups of a machine, in every hierarchy. */
function groupsOf(name: string): string[] {
  return [GROUPS, ...readdirSync(GROUPS).map((hierarchy) => join(GROUPS, hierarchy))]
    .map((hierarchy) => join(hierarchy, name))
    .filter(existsSync);
}

/** Removes a control group with those below it, as soon as nothing runs in them. */
function isRemoved(group: string): boolean {
  try {
    for (const entry of readdirSync(group, { withFileTypes: true }))
      if (entry.isDirectory() && !isRemoved(join(group, entry.name))) return false;
    rmdirSync(group);
    return true;
  } catch {
    return false;
  }
}
