import { describe, expect, test } from 'vitest';
import { type Evidence, outcomeOf } from '../../../../src/worker/run/outcome.js';

const evidence = (given: Partial<Evidence>): Evidence => ({
  exitCode: 0,
  findings: {},
  terminal: false,
  lastWords: '',
  limits: { timeoutMs: 5_000, silenceTimeoutMs: 300 },
  ...given,
});

const ended = { ended: true, result: 'r' };

describe('a run', () => {
  test.each<[string, Partial<Evidence>, string]>([
    ['exits with 0', {}, 'done'],
    ['exits with 0 after its terminal event', { terminal: true, findings: ended }, 'done'],
    ['exits with 0 without its terminal event', { terminal: true }, 'failed incomplete'],
    [
      'exits with 0 without its terminal event, but a result',
      { terminal: true, findings: { result: 'r' } },
      'failed incomplete',
    ],
    ['exits with 0 and reports an error', { findings: { error: 'e' } }, 'failed agent'],
    ['exits with 0 and reports an error of a kind', { findings: { errorKind: 'rate_limit' } }, 'failed rate_limit'],
    [
      'exits with 1 and reports an error of a kind',
      { exitCode: 1, findings: { error: 'e', errorKind: 'auth' } },
      'failed auth',
    ],
    ['exits with 1 after a good terminal event', { exitCode: 1, terminal: true, findings: ended }, 'failed exit'],
    ['exits with 1', { exitCode: 1 }, 'failed exit'],
    ['exits with 255', { exitCode: 255 }, 'failed exit'],
    ['exits with 128', { exitCode: 128 }, 'failed exit'],
    ['exits with 127 by itself', { exitCode: 127, lastWords: 'sh: nope: not found' }, 'failed exit'],
    ['exits with 145, which is 401 & 255', { exitCode: 145 }, 'failed exit'],
    ['exits with a code that its runner knows', { exitCode: 145, failureKind: () => 'auth' }, 'failed auth'],
    [
      'exits with a code that its runner knows, and reports an error',
      { exitCode: 145, findings: { error: 'e' }, failureKind: () => 'auth' },
      'failed auth',
    ],
    [
      'exits with a code that its runner knows, and reports an error of another kind',
      { exitCode: 145, findings: { error: 'e', errorKind: 'rate_limit' }, failureKind: () => 'auth' },
      'failed rate_limit',
    ],
    ['exits with 0, whatever its runner makes of that', { failureKind: () => 'auth' }, 'done'],
    ['is ended by SIGKILL of somebody else', { exitCode: 137 }, 'failed signal'],
    ['is ended by SIGTERM of somebody else', { exitCode: 143 }, 'failed signal'],
    ['crashes with SIGTRAP', { exitCode: 133 }, 'failed signal'],
    ['crashes with SIGSEGV after it reported an error', { exitCode: 139, findings: { error: 'e' } }, 'failed agent'],
    ['vanishes', { exitCode: undefined }, 'failed lost'],
    ['vanishes after a good terminal event', { exitCode: undefined, terminal: true, findings: ended }, 'failed lost'],
    ['vanishes after it reported an error', { exitCode: undefined, findings: { error: 'e' } }, 'failed agent'],
    ['is killed', { endedBy: 'kill', exitCode: 143 }, 'killed'],
    ['is killed and exits with 0', { endedBy: 'kill', exitCode: 0, findings: ended }, 'killed'],
    ['is killed and reports an error', { endedBy: 'kill', exitCode: 1, findings: { error: 'e' } }, 'killed'],
    ['is killed and vanishes', { endedBy: 'kill', exitCode: undefined }, 'killed'],
    [
      'hangs after a good terminal event',
      { endedBy: 'after_result', exitCode: 143, terminal: true, findings: ended },
      'done',
    ],
    [
      'hangs after it reported an error',
      { endedBy: 'after_result', findings: { ended: true, error: 'e' } },
      'failed agent',
    ],
    ['hangs after its end and vanishes', { endedBy: 'after_result', exitCode: undefined, findings: ended }, 'done'],
    ['takes too long', { endedBy: 'time_limit', exitCode: 143 }, 'timed_out time_limit'],
    ['takes too long and exits with 0', { endedBy: 'time_limit', findings: ended }, 'timed_out time_limit'],
    ['is silent too long', { endedBy: 'silence_limit', exitCode: 137 }, 'timed_out silence_limit'],
    [
      'is silent too long and reports an error',
      { endedBy: 'silence_limit', findings: { error: 'e' } },
      'timed_out silence_limit',
    ],
    [
      'is hopeless and ended by us',
      { endedBy: 'hopeless', exitCode: 143, findings: { hopeless: true, error: 'e', errorKind: 'auth' } },
      'failed auth',
    ],
    [
      'is hopeless without a word',
      { endedBy: 'hopeless', exitCode: 143, findings: { hopeless: true } },
      'failed agent',
    ],
  ])('that %s', (_what, given, outcome) => {
    const { state, failure } = outcomeOf(evidence(given));
    expect([state, failure?.kind].filter(Boolean).join(' ')).toBe(outcome);
    expect(failure === undefined).toBe(state === 'done' || state === 'killed');
  });
});

describe('the message of a failure', () => {
  const messageOf = (given: Partial<Evidence>) => outcomeOf(evidence(given)).failure?.message;

  test.each<[Partial<Evidence>, string]>([
    [{ findings: { error: 'no such session' } }, 'no such session'],
    [{ findings: { errorKind: 'auth' } }, 'the program reported an error'],
    [{ exitCode: 3 }, 'it exited with 3'],
    [{ exitCode: 3, lastWords: 'oh no' }, 'it exited with 3: oh no'],
    [{ exitCode: 137 }, 'it was ended by SIGKILL, which did not come from agentpool'],
    [{ endedBy: 'time_limit' }, 'it took longer than its limit of 5000 ms'],
    [{ endedBy: 'silence_limit' }, 'it printed nothing for 300 ms, its limit'],
  ])('for %j is %j', (given, message) => {
    expect(messageOf(given)).toBe(message);
  });

  test.each([
    ['agentpool: 1: exec: /opt/agent: Permission denied', 126],
    ['agentpool: line 1: exec: /opt/agent: Permission denied', 126],
    ['warning\nagentpool: 1: exec: /opt/agent: Permission denied', 126],
    ['agentpool: 1: exec: /opt/agent: Permission denied', 127],
  ])('for a program that the shell could not become, %j, is what the kernel said', (lastWords, exitCode) => {
    const { failure } = outcomeOf(evidence({ exitCode, lastWords }));
    expect(failure?.kind).toBe('not_executable');
    expect(failure?.message).toMatch(/^the program cannot be executed: (warning\n)?\/opt\/agent: Permission denied$/);
  });
});

describe('the facts of an end', () => {
  const usage = { inputTokens: 3 };

  test.each<[Partial<Evidence>]>([
    [{}],
    [{ exitCode: 7 }],
    [{ endedBy: 'kill', exitCode: 143 }],
    [{ endedBy: 'time_limit', exitCode: 143 }],
    [{ findings: { error: 'e' } }],
  ])('with %j hold the exit code and the usage, however it ended', (given) => {
    const ending = outcomeOf(evidence({ ...given, findings: { ...given.findings, usage } }));
    expect(ending.exitCode).toBe(given.exitCode ?? 0);
    expect(ending.usage).toBe(usage);
  });

  test('hold no exit code that nobody saw', () => {
    expect(outcomeOf(evidence({ exitCode: undefined }))).not.toHaveProperty('exitCode');
  });

  test('hold the result of a success, even an empty one', () => {
    expect(outcomeOf(evidence({ findings: { result: '' } })).result).toBe('');
    expect(outcomeOf(evidence({ findings: { result: 'r', error: 'e' } }))).not.toHaveProperty('result');
  });

  test.each<[string, Partial<Evidence>]>([
    ['killed', { endedBy: 'kill', exitCode: 143 }],
    ['timed_out', { endedBy: 'time_limit', exitCode: 143 }],
    ['failed', { exitCode: undefined }],
    ['failed', { exitCode: 1 }],
  ])('hold a result that was told, also of a run that is %s', (state, given) => {
    const told = { resultTold: true, terminal: true, ...given };
    expect(outcomeOf(evidence({ ...told, findings: ended }))).toMatchObject({ state, result: 'r' });
    // The terminal event is missing: it is a piece of a result.
    expect(outcomeOf(evidence({ ...told, findings: { result: 'r' } }))).not.toHaveProperty('result');
    expect(outcomeOf(evidence({ ...told, findings: { ...ended, error: 'e' } }))).not.toHaveProperty('result');
    // All that was printed is a result of a success only.
    expect(outcomeOf(evidence({ ...given, findings: { result: 'r' } }))).not.toHaveProperty('result');
  });
});
