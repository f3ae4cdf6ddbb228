import { setTimeout as pause } from 'node:timers/promises';
import { Cluster, type Redis } from 'ioredis';
import { sharedByTurn } from '../by-turn.js';
import { RedisRefusedError } from '../errors.js';
import type { Logger } from '../logger.js';
import type { RedisClient } from './connect.js';
import { withScripts } from './scripts.js';
import { type ServerState, serverState } from './server-state.js';

/** How long replicas have to confirm what was written (ms); what else asks by this connection waits behind it. */
const CONFIRM_WITHIN_MS = 1_000;
/**
 * While Redis syncs its file it may keep what is new to itself, for 2 s at most. Longer than this (ms) nobody waits:
 * the disk of Redis is in trouble then, and a tool has to answer within 5 s.
 */
const WRITTEN_WITHIN_MS = 2_500;
/** How often the append-only file is looked at meanwhile (ms). */
const LOOK_EVERY_MS = 5;
/** How often what is known of replicas is written to Redis while nothing changes, at most (ms). */
const REMEMBER_EVERY_MS = 1_000;
/**
 * A replica that has left counts for so long (ms): in a planned failover the replica that is promoted leaves first, and
 * for about 10 s the old master still takes what the new one never gets.
 */
const REMEMBER_MS = 20_000;
/** How long it is remembered without a new check that a master has a replica (ms). */
const KEEP_MS = 30 * 24 * 3_600_000;

/** The script; its file says what it does. */
interface ReplicaScripts {
  rememberReplicas(
    seen: string,
    online: number,
    syncing: number,
    syncs: number,
    syncsBefore: number,
    keepMs: number,
    leftMs: number,
  ): Promise<number>;
}

/** What a server was found to have, and how many replicas that makes necessary. */
interface Known {
  readonly stream: Redis['stream'];
  readonly seen: string;
  readonly rememberedAt: number;
  readonly needed: number;
}

/** When what this process writes is safe. */
export interface Settling {
  /**
   * Resolves once neither a crash of Redis nor a failover undoes what was written by this process so far. Whoever asks
   * has to look afterwards whether it is still there: a failover may have come in between. Throws a RedisRefusedError.
   */
  settled(): Promise<void>;
  /**
   * How often a connection was lost, or a look (that of `settled`, too) found another master behind one. What was written
   * before and after may be in different masters, so whoever finds another number after `settled` has to write all of it
   * again.
   */
  interruptions(): number;
  /**
   * Does something and answers once it is safe. Throws a RedisRefusedError when nobody can tell whether it is kept, as
   * when the connection was lost meanwhile.
   */
  keep<Answer>(action: () => Promise<Answer>): Promise<Answer>;
  /**
   * Looks which replicas there are, so that it is known when one has left. Answers the time of the server (ms since the
   * epoch); undefined where no server tells it.
   */
  look(): Promise<number | undefined>;
}

/** Answers how many replicas have to confirm what is written to a server that was found in some state. */
function openReplicaMemory(client: RedisClient, prefix: string): (node: Redis, state: ServerState) => Promise<number> {
  const remembering = withScripts<ReplicaScripts>(client, new URL(import.meta.url), {
    rememberReplicas: 'remember-replicas.lua',
  });
  const known = new WeakMap<Redis, Known>();
  return async (node, { replication, online, syncing, syncs, syncsBefore, wantsReplica }) => {
    const text = [replication, online, syncing, syncs, syncsBefore, wantsReplica].join();
    const before = known.get(node);
    const now = performance.now();
    const { stream } = node;
    const isSame = before?.stream === stream && before.seen === text;
    // A server that never had a replica has nothing that could be remembered.
    const isAlone = before?.needed === 0 && online + syncing + syncs === 0;
    if (isSame && (isAlone || now - before.rememberedAt < REMEMBER_EVERY_MS)) return before.needed;
    const key = `${prefix}:replicas:${replication}`;
    const remembered = await remembering.rememberReplicas(
      key,
      online,
      syncing,
      syncs,
      syncsBefore,
      KEEP_MS,
      REMEMBER_MS,
    );
    // A master that wants a replica for writes may take one that has left for there for a second too long.
    const needed = Math.max(remembered, wantsReplica ? 1 : 0);
    known.set(node, { stream, seen: text, rememberedAt: now, needed });
    return needed;
  };
}

/** Has replicas confirm what was written to their master so far. Throws a RedisRefusedError when they do not. */
function openConfirming(logger: Logger): (node: Redis, wanted: number) => Promise<void> {
  let mayWait = true;
  return async (node, wanted) => {
    if (wanted === 0 || !mayWait) return;
    const confirmed = await node.wait(wanted, CONFIRM_WITHIN_MS).catch((error: Error) => {
      if (/^UNBLOCKED|^ERR WAIT cannot be used with replica/.test(error.message)) throw hasBecomeReplica(node);
      if (!error.message.startsWith('NOPERM')) throw error;
      mayWait = false;
      logger.warn('the user of Redis may not WAIT for replicas (+wait): a failover may undo what was accepted');
      return wanted;
    });
    if (confirmed < wanted)
      throw new RedisRefusedError(
        `${confirmed} of ${wanted} replicas of Redis have confirmed this within ${CONFIRM_WITHIN_MS} ms`,
        'A failover could undo it, so it does not count as accepted. Ask again in some seconds (with the same clientToken, where there was one); if it stays so, the operator of Redis has to look at its replicas.',
      );
  };
}

/**
 * Each server is asked after the write, however lately it was asked before: a replica that has come since may have been
 * made the master already. What a master had is remembered in Redis, under the id of its replication, which the next
 * master does not share: a process that has just connected to a master that was replaced knows what it has lost, and the
 * new master may be used without a replica.
 */
export function openSettling(client: RedisClient, prefix: string, logger: Logger): Settling {
  const replicasNeeded = openReplicaMemory(client, prefix);
  const confirmedBy = openConfirming(logger);
  const losses = countLosses(client);
  const switches = countSwitches();
  const interruptions = () => losses() + switches.count();

  async function settledBy([node, state]: [Redis, ServerState]): Promise<void> {
    const confirmed = replicasNeeded(node, state).then((wanted) => confirmedBy(node, wanted));
    await Promise.all([confirmed, inFile(node, state)]);
  }
  /** The masters that take our writes, as they are now. */
  async function look(): Promise<[Redis, ServerState][]> {
    const nodes = client instanceof Cluster ? client.nodes('master') : [client];
    const ready = nodes.filter(({ status }) => status === 'ready');
    const found = await Promise.all(ready.map(async (node) => [node, await stateOf(client, node)] as const));
    switches.seen(found);
    return found.flatMap(([node, state]) => (state ? [[node, state]] : []));
  }

  const settled = sharedByTurn(async () => void (await Promise.all((await look()).map(settledBy))));
  return {
    settled,
    interruptions,
    async keep(action) {
      const before = interruptions();
      const answer = await action();
      await settled();
      if (interruptions() === before) return answer;
      throw new RedisRefusedError(
        'the connection to Redis was lost meanwhile',
        'So nobody can tell whether this is kept. Look, and ask again where it is not.',
      );
    },
    async look() {
      const found = await look();
      await Promise.all(found.map(([node, state]) => replicasNeeded(node, state)));
      return found[0]?.[1].timeMs;
    },
  };
}

/** What a server that takes our writes has; undefined for one of a cluster that has become a replica: it sends them on. */
async function stateOf(client: RedisClient, node: Redis): Promise<ServerState | undefined> {
  const state = await serverState(node);
  if (state.isMaster) return state;
  if (client instanceof Cluster) return undefined;
  throw hasBecomeReplica(node);
}

function hasBecomeReplica(node: Redis): RedisRefusedError {
  node.stream.destroy(); // as after a READONLY: the new master is found by connecting anew
  return new RedisRefusedError('this Redis has become a replica', 'In a failover: ask again in some seconds.');
}

/** Resolves once the append-only file of a server has the bytes that were on their way to it; at once without a file. */
async function inFile(node: Redis, { writtenBytes, waitingBytes }: ServerState): Promise<void> {
  const deadline = performance.now() + WRITTEN_WITHIN_MS;
  let goal = writtenBytes + waitingBytes;
  // Redis writes before it answers: at the second look it is there, as a rule, and only others had just told it something.
  for (let before = writtenBytes, left = waitingBytes; left > 0 && before < goal && performance.now() < deadline; ) {
    const { writtenBytes: now, waitingBytes: waits } = await serverState(node);
    if (now < before) goal = now + waits; // the file was written anew, shorter
    before = now;
    left = waits;
    if (left > 0 && before < goal) await pause(LOOK_EVERY_MS);
  }
}

/**
 * How often another master was found behind a connection that was not lost: a proxy leads to the new one, a server was a
 * replica meanwhile and took over what another one had, or the replica of a server of a cluster has its place by force. Each
 * master has an id of its own for what it hands to its replicas.
 */
function countSwitches() {
  let before: Seen[] = [];
  let switches = 0;
  return {
    count: () => switches,
    /** What a look has found: no state where the server is a replica. */
    seen(found: readonly (readonly [Redis, ServerState | undefined])[]): void {
      const now = found.map(([node, state]) => ({ node, stream: node.stream, id: state?.replication ?? REPLICA }));
      // A connection that was lost is counted as that.
      const lasting = before.filter(({ node, stream }) => node.stream === stream && !stream.destroyed);
      const isOther = lasting.some((one) => now.find(({ node }) => node === one.node)?.id !== one.id);
      const isReplaced = now.some(({ node, id }) => id === REPLICA && !lasting.some((one) => one.node === node));
      if (isOther || isReplaced) switches += 1;
      before = now;
    },
  };
}

/** What was found behind a connection. */
interface Seen {
  readonly node: Redis;
  readonly stream: Redis['stream'];
  readonly id: string;
}
/** In place of the id of a master. */
const REPLICA = '';

/** How often a connection of a client was lost since then. */
function countLosses(client: RedisClient): () => number {
  let losses = 0;
  const count = (connection: Redis) => {
    connection.on('close', () => {
      losses += 1;
    });
  };
  if (client instanceof Cluster) {
    for (const node of client.nodes()) count(node);
    client.on('+node', count);
  } else count(client);
  return () => losses;
}
