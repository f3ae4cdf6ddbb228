import { expect, test } from 'vitest';
import { stateFrom } from '../../../../src/shared/redis/server-state.js';

/** What Redis 7 answers to INFO, without what does not matter. */
const ALONE = [
  '# Server',
  'server_time_usec:1795768153220675',
  '# Persistence',
  'aof_current_rewrite_time_sec:-1',
  'aof_current_size:1200',
  'aof_buffer_length:34',
  '# Replication',
  'role:master',
  'connected_slaves:0',
  'master_replid:47c3673c654badae45136e8008fe9ba18468f8da',
  'master_replid2:0000000000000000000000000000000000000000',
  '# Stats',
  'sync_full:0',
  'sync_partial_ok:0',
  'sync_partial_err:0',
];
const info = (...lines: readonly string[]) => `${lines.join('\r\n')}\r\n`;

test('a master without replicas', () => {
  expect(stateFrom(info(...ALONE))).toEqual({
    isMaster: true,
    writtenBytes: 1_200,
    waitingBytes: 34,
    replication: '47c3673c654badae45136e8008fe9ba18468f8da',
    online: 0,
    syncing: 0,
    syncs: 0,
    syncsBefore: 0,
    wantsReplica: false,
    timeMs: 1_795_768_153_220,
  });
});

test('replicas that are online and that are syncing, of a master that was promoted', () => {
  const lines = ALONE.filter((line) => !/^(master_replid2|sync_)/.test(line));
  const state = stateFrom(
    info(
      ...lines,
      'min_slaves_good_slaves:1',
      'slave0:ip=10.0.0.1,port=6379,state=online,offset=14,lag=0',
      'slave1:ip=10.0.0.2,port=6379,state=wait_bgsave,offset=0,lag=0',
      'master_replid2:8f8da47c3673c654badae45136e8008fe9ba1846',
      'sync_full:2',
      'sync_partial_ok:1',
    ),
  );
  expect(state).toMatchObject({ online: 1, syncing: 1, syncs: 3, syncsBefore: 3, wantsReplica: true });
});

test('a replica, and a server that tells nothing', () => {
  expect(stateFrom(info('role:slave')).isMaster).toBe(false);
  expect(stateFrom('')).toMatchObject({ isMaster: false, replication: '', timeMs: undefined });
});
