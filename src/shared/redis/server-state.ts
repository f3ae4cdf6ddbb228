import type { Redis } from 'ioredis';

/** What of a server decides whether a write that came before is safe. */
export interface ServerState {
  readonly isMaster: boolean;
  /** Of its append-only file, and on their way to it. */
  readonly writtenBytes: number;
  readonly waitingBytes: number;
  /** The id of its replication, which the next master does not share. */
  readonly replication: string;
  /** How many replicas there are, by what they do. */
  readonly online: number;
  readonly syncing: number;
  /** How often a replica has begun to follow it so far, and how many of these may be older than its time as the master. */
  readonly syncs: number;
  readonly syncsBefore: number;
  /** It takes no writes without a replica. */
  readonly wantsReplica: boolean;
  /** Its time (ms since the epoch); undefined where it does not tell. */
  readonly timeMs: number | undefined;
}

const SECTIONS = ['server', 'persistence', 'replication', 'stats'] as const;

/** Asks a server in one command. */
export async function serverState(node: Redis): Promise<ServerState> {
  return stateFrom(
    await node.info(...SECTIONS).catch((error: Error) => {
      if (!error.message.includes('syntax error')) throw error;
      return node.info(); // before Redis 7, which takes several sections
    }),
  );
}

/** Reads the answer to INFO. */
export function stateFrom(info: string): ServerState {
  const number = (name: string) => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1] ?? 0);
  const replicas = info.match(/^slave\d+:.*state=\w+/gm) ?? [];
  const online = replicas.filter((line) => line.endsWith('state=online')).length;
  const syncs = number('sync_full') + number('sync_partial_ok');
  // A server that was promoted has counted those of an earlier time as the master, too.
  const isPromoted = !/^master_replid2:0+\r?$/m.test(info);
  const micros = number('server_time_usec');
  return {
    isMaster: /^role:master/m.test(info),
    writtenBytes: number('aof_current_size'),
    waitingBytes: number('aof_buffer_length'),
    replication: /^master_replid:(\w+)/m.exec(info)?.[1] ?? '',
    online,
    syncing: replicas.length - online,
    syncs,
    syncsBefore: isPromoted ? syncs : 0,
    wantsReplica: info.includes('\nmin_slaves_good_slaves:'),
    timeMs: micros > 0 ? Math.floor(micros / 1_000) : undefined,
  };
}
