import type { RedisClient } from '../redis/connect.js';
import { type ScriptArgument, withScripts } from '../redis/scripts.js';

/**
 * The changes of a run that have to be one step, as commands, and reads of many keys that would be hundreds of commands. Each of
 * the first touches the keys of one run, or of one session, only;
 * times are those of the Redis server, so a host whose clock jumps changes nothing. The files say what they do.
 */
export interface RunScripts {
  createRun(run: string, events: string, request: string, order: string, ...fields: ScriptArgument[]): Promise<0 | 1>;
  changeRun(
    run: string,
    events: string,
    channel: string,
    from: string,
    to: string,
    ownerEpoch: number | '',
    isNewOwner: 0 | 1,
    timeField: string,
    event: string,
    word: string,
    ...fields: ScriptArgument[]
  ): Promise<
    [
      changed: 0 | 1,
      state: string,
      epoch: number,
      before: string,
      queuedAt: number,
      killRequestedAt: string,
      out: number,
      err: number,
    ]
  >;
  requeueRun(
    run: string,
    events: string,
    channel: string,
    from: string,
    ownerEpoch: number,
    event: string,
    mostErrors: number | '',
  ): Promise<[code: 1 | 0 | -1 | -2 | -3, state: string, epoch: number]>;
  endRun(
    run: string,
    events: string,
    request: string,
    result: string,
    channel: string,
    from: string,
    to: string,
    ownerEpoch: number | '',
    outNeeded: number | '',
    errNeeded: number | '',
    event: string,
    resultText: string,
    outputRetentionMs: number,
    recordRetentionMs: number,
    agoMs: number,
    ...fields: ScriptArgument[]
  ): Promise<
    [
      code: 1 | 0 | -1,
      state: string,
      epoch: number,
      out: number,
      err: number,
      before: string,
      queuedAt: number,
      runner: string,
      sessionId: string,
      resumes: string,
      now: number,
      durationMs: number,
    ]
  >;
  keepResult(
    run: string,
    result: string,
    ownerEpoch: number,
    resultText: string,
    recordRetentionMs: number,
  ): Promise<0 | 1>;
  appendOutput(
    run: string,
    events: string,
    channel: string,
    ownerEpoch: number,
    capBytes: number,
    ...chunks: ScriptArgument[]
  ): Promise<[code: 1 | 0 | -1, out: number, err: number]>;
  letGo(run: string, events: string, request: string): Promise<0 | 1>;
  requestKill(run: string, signal: string, graceMs: number, reason: string): Promise<[state: string, worker: string]>;
  /** Not for a cluster; `keys` are so many. */
  readFields(keys: number, ...keysAndFields: string[]): Promise<(string | null)[][]>;
  /** Not for a cluster; `keys` are so many, then the stretch, and how many of the keys an entry has to be in. */
  meetIndexes(
    keys: number,
    ...keysAndStretch: (string | number)[]
  ): Promise<[count: number, id: string, score: string, lines: string]>;
  joinSession(waiters: string, run: string, forgetMs: number): Promise<string>;
  holdSession(waiters: string, run: string, forgetMs: number): Promise<1>;
}

/** Teaches a client the scripts of the run store. */
export function withRunScripts(redis: RedisClient): RedisClient & RunScripts {
  return withScripts<RunScripts>(redis, new URL('./scripts/', import.meta.url), {
    createRun: 'create-run.lua',
    changeRun: 'change-run.lua',
    requeueRun: 'requeue-run.lua',
    endRun: 'end-run.lua',
    letGo: 'let-go.lua',
    keepResult: 'keep-result.lua',
    appendOutput: 'append-output.lua',
    requestKill: 'request-kill.lua',
    readFields: 'read-fields.lua',
    meetIndexes: 'meet-indexes.lua',
    joinSession: 'join-session.lua',
    holdSession: 'hold-session.lua',
  });
}
