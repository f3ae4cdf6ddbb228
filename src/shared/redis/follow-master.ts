import { lookup } from 'node:dns/promises';
import { Redis } from 'ioredis';
import { dropWhenSilent } from './silence.js';
import type { RedisTarget } from './target.js';

type SentinelTarget = Extract<RedisTarget, { kind: 'sentinel' }>;

/** How often the Sentinels are asked who the master is (ms). */
const LOOK_EVERY_MS = 1_000;
/** How long one of them may take to answer (ms). */
const ANSWER_WITHIN_MS = 900;

/** What one of the Sentinels says: where the master is, and how new that is. */
interface Opinion {
  readonly host: string;
  readonly port: number;
  readonly epoch: number;
}

/** The newest of what Sentinels say; undefined when none of them says anything. */
function newestOpinion(opinions: readonly (Opinion | undefined)[]): Opinion | undefined {
  return opinions.reduce((newest, one) => (one && one.epoch > (newest?.epoch ?? -1) ? one : newest), undefined);
}

/** The connections of this process to the Sentinels of a target, shared by all that follow its master. */
interface Watch {
  readonly followers: Set<Redis>;
  look(): Promise<void>;
  /** Disconnects from the Sentinels until the next call of `follow`. */
  rest(): void;
}

const watches = new WeakMap<SentinelTarget, Watch>();

/**
 * Has a connection leave its server as soon as Sentinels say that another one is the master; it then connects to that
 * one by itself. All Sentinels are asked again and again, and the newest answer counts: one that has not heard of the
 * failover yet sends us to the old master, and a message that we miss would leave us there until it is told to go.
 */
export function followMaster(redis: Redis, target: SentinelTarget): void {
  const watch = watches.get(target) ?? startWatch(target);
  redis.on('ready', () => {
    watch.followers.add(redis);
    void watch.look();
  });
  redis.on('close', () => {
    watch.followers.delete(redis);
    if (watch.followers.size === 0) watch.rest();
  });
}

function startWatch(target: SentinelTarget): Watch {
  const followers = new Set<Redis>();
  let sentinels: Redis[] = [];
  let timer: NodeJS.Timeout | undefined;
  let looking: Promise<void> | undefined;

  /** At each look, not in it: one that began before a rest may be under way still. */
  function begin(): void {
    if (sentinels.length === 0) sentinels = target.sentinels.map((address) => connectTo(address, target));
    timer ??= setInterval(() => void watch.look(), LOOK_EVERY_MS);
  }
  async function lookOnce(): Promise<void> {
    const newest = newestOpinion(await Promise.all(sentinels.map((sentinel) => opinionOf(sentinel, target.name))));
    const addresses = newest && (await addressesOf(newest.host));
    if (addresses)
      for (const { status, stream } of followers)
        if (status === 'ready' && !isAt(stream, addresses, newest.port)) stream.destroy();
  }

  const watch: Watch = {
    followers,
    rest() {
      clearInterval(timer);
      timer = undefined;
      for (const sentinel of sentinels.splice(0)) sentinel.disconnect();
    },
    look() {
      begin();
      looking ??= lookOnce().finally(() => {
        looking = undefined;
      });
      return looking;
    },
  };
  watches.set(target, watch);
  return watch;
}

function connectTo({ host, port }: { host: string; port: number }, target: SentinelTarget): Redis {
  const { username, password } = target.toSentinels ?? {};
  const sentinel = new Redis({
    host,
    port,
    ...(username && { username }),
    ...(password && { password }),
    ...(target.tls && { tls: target.certificates ?? {} }),
    replyMapping: 'legacy',
    connectTimeout: ANSWER_WITHIN_MS,
    commandTimeout: ANSWER_WITHIN_MS,
    enableReadyCheck: false,
    maxRetriesPerRequest: 0, // what could not be asked is forgotten, or an absent Sentinel costs more memory each second
    retryStrategy: () => LOOK_EVERY_MS,
  });
  sentinel.on('error', () => {}); // it may be away; the others answer
  dropWhenSilent(sentinel);
  return sentinel;
}

/** The address is that of the promoted replica before the master of that name is: both are asked for together. */
async function opinionOf(sentinel: Redis, name: string): Promise<Opinion | undefined> {
  try {
    const [address, master] = await Promise.all([
      sentinel.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', name) as Promise<string[]>,
      sentinel.call('SENTINEL', 'MASTER', name) as Promise<string[]>,
    ]);
    const [host = '', port = ''] = address;
    const epoch = Number(master[master.indexOf('config-epoch') + 1]);
    return host !== '' && epoch >= 0 ? { host, port: Number(port), epoch } : undefined;
  } catch {
    return undefined;
  }
}

async function addressesOf(host: string): Promise<readonly string[] | undefined> {
  return lookup(host, { all: true }).then(
    (found) => found.map(({ address }) => address),
    () => undefined,
  );
}

function isAt(stream: Redis['stream'], addresses: readonly string[], port: number): boolean {
  const socket = stream as Partial<{ remoteAddress: string; remotePort: number }>;
  if (socket.remoteAddress === undefined) return true; // it is closing
  return socket.remotePort === port && addresses.includes(socket.remoteAddress.replace(/^::ffff:/, ''));
}
