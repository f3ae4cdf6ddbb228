import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';

/** Hosts of a network of their own: each a network namespace, joined by a switch that Redis is on, too. */
export interface Network {
  /** The address of the switch, which every host reaches. */
  readonly address: string;
  /** What a command line begins with so that it runs where Redis is. */
  readonly onSwitch: readonly string[];
  /** What it begins with so that it runs on a host of this name. */
  onHost(name: string): readonly string[];
  /** Its cable is drawn: what it sends goes nowhere, and nobody is told. */
  cut(name: string): void;
  join(name: string): void;
  /** Where a host is reached. */
  addressOf(name: string): string;
  clean(): void;
}

const SUBNET = '10.77.0';

/** Why there can be no such network here; undefined where there can. */
export function whyNoNetwork(): string | undefined {
  if (process.getuid?.() !== 0) return 'only root can make network namespaces';
  const name = `ap-${randomBytes(3).toString('hex')}`;
  const tried = spawnSync('ip', ['netns', 'add', name], { encoding: 'utf8' });
  if (tried.error) return 'there is no program `ip` (iproute2)';
  if (tried.status !== 0) return `network namespaces cannot be made: ${tried.stderr.trim()}`;
  const bridge = spawnSync('ip', ['-n', name, 'link', 'add', 'br0', 'type', 'bridge'], { encoding: 'utf8' });
  const veth = spawnSync('ip', ['-n', name, 'link', 'add', 'v1', 'type', 'veth', 'peer', 'name', 'v2']);
  const uts = spawnSync('unshare', ['--uts', 'hostname', 'x']);
  spawnSync('ip', ['netns', 'del', name]);
  if (bridge.status !== 0 || veth.status !== 0) return `no bridge can be made: ${bridge.stderr.trim()}`;
  return uts.status === 0 ? undefined : 'no host can have a name of its own (unshare --uts)';
}

/** Makes hosts of these names. */
export function makeNetwork(names: readonly string[]): Network {
  const own = `ap-${randomBytes(3).toString('hex')}`;
  const spaceOf = (at: number) => `${own}-${at}`;
  const hub = `${own}-hub`;
  const at = (name: string) => {
    const found = names.indexOf(name);
    if (found < 0) throw new Error(`there is no host ${name}`);
    return found;
  };
  ip('netns', 'add', hub);
  ip('-n', hub, 'link', 'set', 'lo', 'up');
  ip('-n', hub, 'link', 'add', 'br0', 'type', 'bridge');
  ip('-n', hub, 'addr', 'add', `${SUBNET}.1/24`, 'dev', 'br0');
  ip('-n', hub, 'link', 'set', 'br0', 'up');
  for (const number of names.keys()) {
    const space = spaceOf(number);
    ip('netns', 'add', space);
    ip('-n', space, 'link', 'set', 'lo', 'up');
    ip('-n', hub, 'link', 'add', `port${number}`, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', space);
    ip('-n', hub, 'link', 'set', `port${number}`, 'master', 'br0', 'up');
    ip('-n', space, 'addr', 'add', `${SUBNET}.${10 + number}/24`, 'dev', 'eth0');
    ip('-n', space, 'link', 'set', 'eth0', 'up');
  }
  const within = (space: string, name: string) => [
    ...['ip', 'netns', 'exec', space, 'unshare', '--uts'],
    ...['sh', '-c', 'hostname "$0" && exec "$@"', name],
  ];
  return {
    address: `${SUBNET}.1`,
    onSwitch: within(hub, 'redis'),
    onHost: (name) => within(spaceOf(at(name)), name),
    cut: (name) => ip('-n', hub, 'link', 'set', `port${at(name)}`, 'down'),
    join: (name) => ip('-n', hub, 'link', 'set', `port${at(name)}`, 'up'),
    addressOf: (name) => `${SUBNET}.${10 + at(name)}`,
    clean() {
      for (const space of [...names.keys()].map(spaceOf)) ip('netns', 'del', space);
      ip('netns', 'del', hub);
    },
  };
}

function ip(...args: string[]): void {
  const { status, stderr, error } = spawnSync('ip', args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`ip ${args.join(' ')}: ${error?.message ?? stderr.trim()}`);
}
