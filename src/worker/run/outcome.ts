import { beginningOf, plainText } from '../../shared/plain-text.js';
import type { Failure, FailureKind } from '../../shared/run.js';
import type { Ending } from '../../shared/run-store/ownership.js';
import type { Findings, Runner } from '../../shared/runners/runner.js';

/** Why we ended a program. */
export type EndedBy =
  | 'kill'
  | 'time_limit'
  | 'silence_limit'
  | 'hopeless'
  | 'after_result'
  | 'spool_quota'
  | 'disk_full';

/** Whether we have ended it in the midst of its work. */
export const isCutOff = (why: EndedBy | undefined) => why !== undefined && why !== 'after_result';

/** Whether we have ended it because of what it takes of the disk. */
export const isForRoom = (why: EndedBy | undefined) => why === 'spool_quota' || why === 'disk_full';

/** Everything that decides how a run ended. */
export interface Evidence {
  /** The exit status as `sh` tells it; undefined when the end was not seen. */
  readonly exitCode: number | undefined;
  /** Why we ended it, if we did. */
  readonly endedBy?: EndedBy;
  readonly findings: Findings;
  /** The disk was full when it printed. */
  readonly lostOutput?: boolean;
  /** How many parts of the output looked like messages and could not be read. */
  readonly unreadable?: number;
  /** The runner has a terminal event, so exit 0 alone is not a success. */
  readonly terminal: boolean;
  /** The result comes from a message that tells it, and is not just all that was printed. */
  readonly resultTold?: boolean;
  /** The end of stderr, for failures that say no more. */
  readonly lastWords: string;
  readonly failureKind?: Runner['failureKind'];
  /** What the limits were (ms), for the message. */
  readonly limits: { readonly timeoutMs: number; readonly silenceTimeoutMs: number };
}

/** Signals that end a process, by the number that `sh` adds to 128. 145 does not stand for a signal: gemini exits with 401 & 255. */
const SIGNALS: Readonly<Record<number, string>> = {
  1: 'SIGHUP',
  2: 'SIGINT',
  3: 'SIGQUIT',
  4: 'SIGILL',
  5: 'SIGTRAP',
  6: 'SIGABRT',
  7: 'SIGBUS',
  8: 'SIGFPE',
  9: 'SIGKILL',
  11: 'SIGSEGV',
  13: 'SIGPIPE',
  14: 'SIGALRM',
  15: 'SIGTERM',
  24: 'SIGXCPU',
  25: 'SIGXFSZ',
};

/** Lists of runs carry the message, and programs have coloured words and long ones (characters). */
const LONGEST_MESSAGE = 4_096;

function inShort(message: string): string {
  const plain = plainText(message);
  return plain.length <= LONGEST_MESSAGE ? plain : `${beginningOf(plain, LONGEST_MESSAGE)}…`;
}

/**
 * How a run ended. Exit 0 is not success: several CLIs exit 0 after a signal or an error of their provider. A program that
 * told the end of its work and hung then has done it, however it was ended.
 */
export function outcomeOf(evidence: Evidence): Ending {
  const { endedBy, findings, limits } = evidence;
  const exitCode = endedBy === 'after_result' ? 0 : evidence.exitCode;
  const facts = {
    ...(evidence.exitCode !== undefined && { exitCode: evidence.exitCode }),
    ...(findings.usage && { usage: findings.usage }),
    ...keptResult(evidence),
  };
  const failed = (kind: FailureKind, message: string): Ending => ({
    state: 'failed',
    failure: { kind, message: inShort(message) },
    ...facts,
  });
  if (endedBy === 'kill') return { state: 'killed', ...facts };
  if (endedBy === 'time_limit' || endedBy === 'silence_limit') {
    const message =
      endedBy === 'time_limit'
        ? `it took longer than its limit of ${limits.timeoutMs} ms`
        : `it printed nothing for ${limits.silenceTimeoutMs} ms, its limit`;
    return { state: 'timed_out', failure: { kind: endedBy, message }, ...facts };
  }
  if (endedBy === 'spool_quota')
    return failed(
      'spool',
      "the spools of its host took more than AGENTPOOL_SPOOL_QUOTA_BYTES, and this run's was the largest",
    );
  if (endedBy === 'disk_full')
    return failed(
      'spool',
      'the disk of its host had less free than AGENTPOOL_SPOOL_RESERVE_BYTES, and it printed more',
    );
  if (evidence.lostOutput)
    return failed('spool', 'the disk of its host was full when it printed, so output of it is missing');
  const kind = exitCode ? evidence.failureKind?.(exitCode, evidence.lastWords) : undefined;
  const reported = reportedFailure(findings, kind);
  if (reported) return failed(reported.kind, reported.message);
  if (exitCode === undefined) return failed('lost', 'the program is gone and nobody saw how it ended');
  if (exitCode !== 0) return failed(...withoutReport(exitCode, evidence.lastWords, kind));
  if (evidence.terminal && !findings.ended)
    return failed('incomplete', `it exited with 0 but never reported the end of its work${unreadableIn(evidence)}`);
  return { state: 'done', ...facts, ...(findings.result !== undefined && { result: plainText(findings.result) }) };
}

/** What was told as the result stays the result, whatever the end is called; not where the program reported an error. */
function keptResult({ findings, terminal, resultTold }: Evidence): Pick<Ending, 'result'> {
  const { result, ended, error, errorKind, hopeless } = findings;
  const isWhole = resultTold && (!terminal || ended) && !hopeless && error === undefined && errorKind === undefined;
  return isWhole && result !== undefined ? { result: plainText(result) } : {};
}

const unreadableIn = ({ unreadable: parts = 0 }: Evidence) =>
  parts > 0 ? `; ${parts} ${parts === 1 ? 'part' : 'parts'} of its output could not be read as messages` : '';

function reportedFailure({ error, errorKind, hopeless }: Findings, kind: FailureKind = 'agent'): Failure | undefined {
  if (error === undefined && errorKind === undefined && !hopeless) return undefined;
  return { kind: errorKind ?? kind, message: error ?? 'the program reported an error' };
}

function withoutReport(exitCode: number, lastWords: string, kind: FailureKind = 'exit'): [FailureKind, string] {
  if ((exitCode === 126 || exitCode === 127) && /^agentpool: .*exec: /m.test(lastWords))
    return [
      'not_executable',
      `the program cannot be executed: ${lastWords.replace(/^agentpool: (line )?\d+: exec: /m, '')}`,
    ];
  if (exitCode === 125 && /^agentpool: /m.test(lastWords))
    return ['spool', `the worker's disk refused the start: ${lastWords}`];
  const signal = SIGNALS[exitCode - 128];
  if (signal) return ['signal', `it was ended by ${signal}, which did not come from agentpool`];
  return [kind, lastWords === '' ? `it exited with ${exitCode}` : `it exited with ${exitCode}: ${lastWords}`];
}
