import type { Command } from 'commander';
import colors from 'picocolors';
import stringWidth from 'string-width';
import { findRun } from '../client/find-run.js';
import { requestOf } from '../client/rerun.js';
import { type RunStatus, statusOf } from '../client/status.js';
import { waitingInWords } from '../client/waiting-for.js';
import { UserError } from '../shared/errors.js';
import { duration, size } from '../shared/measures.js';
import { beginningOf, plainText } from '../shared/plain-text.js';
import type { KillRequest, Run } from '../shared/run.js';
import { usageInWords } from '../shared/transcript/readable.js';
import { EXIT } from './exit.js';
import { labelsInWords } from './label-option.js';
import { localTime, withLocalTimes } from './local-time.js';
import { paintState, print, printJson, widthOf } from './print.js';
import { foldWords } from './table.js';
import { type LocalCaller, RUN_ARGUMENT, withRun } from './with-pool.js';

export function addStatus(program: Command): void {
  program
    .command('status')
    .description('everything that is known about a run')
    .argument('<run>', RUN_ARGUMENT)
    .option('--json', 'print data as JSON')
    .addHelpText('after', '\nExample:\n  agentpool status greeter')
    .action((name: string, options: { json?: boolean }) =>
      withRun(name, async (caller, runId) => {
        const run = await findRun(caller, { runId });
        const [status, prompt, now] = await Promise.all([
          statusOf(caller, { runId }),
          promptOf(caller, run),
          caller.pool.runs.now(),
        ]);
        const kill = run.kill && { ...run.kill, requestedAtIso: new Date(run.kill.requestedAt).toISOString() };
        if (options.json) printJson({ ...status, prompt: prompt.text, ...(kill && { kill }) });
        else show(status, prompt, kill, now);
        return EXIT.ok;
      }),
    );
}

interface Prompt {
  readonly text?: string;
  /** Why it is missing. */
  readonly gone?: string;
}

/** What it was asked, or why that is not known any more. */
async function promptOf(caller: LocalCaller, run: Run): Promise<Prompt> {
  try {
    return { text: (await requestOf(caller, run)).prompt };
  } catch (error) {
    if (error instanceof UserError) return { gone: `${error.message}. ${error.hint}` };
    throw error;
  }
}

/** So much of a prompt is shown (characters); --json has all of it. */
const PROMPT_CHARS = 2_000;

function show(status: RunStatus, prompt: Prompt, kill: KillRequest | undefined, now: number): void {
  const { runId, failure, result, outputTail, activity } = status;
  const why = failure ? `: ${plainText(failure.message)} (${failure.kind})` : '';
  const [head = '', ...rest] = foldWords(`${status.status}${why}`, widthOf(process.stdout) - runId.length - 2);
  print(`${colors.bold(runId)}  ${paintState(status.status)}${head.slice(status.status.length)}`);
  for (const line of rest) print(' '.repeat(runId.length + 2) + line);
  for (const [name, value] of factsOf(status, kill, now))
    if (value !== undefined && value !== '') showFact(name, plainText(String(value)));
  if (prompt.text === undefined) print(`\n${colors.dim('prompt')}\n${prompt.gone ?? ''}`);
  else {
    const rest = prompt.text.length > PROMPT_CHARS ? '…' : '';
    print(`\n${colors.dim('prompt')}\n${plainText(beginningOf(prompt.text, PROMPT_CHARS)).trimEnd()}${rest}`);
  }
  if (activity && activity.lastSteps.length > 0 && !result)
    print(`\n${colors.dim('last steps')}\n${activity.lastSteps.map((step) => plainText(step)).join('\n')}`);
  if (result) print(`\n${colors.dim('result')}\n${plainText(result)}`);
  else if (outputTail && !activity) print(`\n${colors.dim('end of the output')}\n${plainText(outputTail)}`);
}

/** Before the values (columns), and before those that are too wide to stand beside their name. */
const [BESIDE, BELOW] = [15, 4];

/** A fact beside its name; folded where a terminal is too narrow, and a value that no one can fold below it. */
function showFact(name: string, value: string): void {
  const width = widthOf(process.stdout);
  const fits = value.split(' ').every((word) => stringWidth(word) <= width - BESIDE);
  const [first = '', ...rest] = fits ? foldWords(value, width - BESIDE) : ['', ...foldWords(value, width - BELOW)];
  print(`  ${colors.dim(name.padEnd(12))} ${first}`.trimEnd());
  for (const line of rest) print(' '.repeat(fits ? BESIDE : BELOW) + line);
}

type Fact = readonly [name: string, value: string | number | undefined];

/** What a person asks about a run, in the order in which it is asked. */
function factsOf(status: RunStatus, kill: KillRequest | undefined, now: number): Fact[] {
  const { queuedAt, startedAt, endedAt, lastOutputAt, outputBytes, droppedBytes, droppedBy, credentials, activity } =
    status;
  const when = (at: number | undefined) =>
    at === undefined ? undefined : `${localTime(at)} (${duration(Math.max(0, now - at))} ago)`;
  const dropped = droppedBytes > 0 ? `, ${size(droppedBytes)} of it not kept (${droppedBy})` : '';
  return [
    ['agent', status.agentName],
    ['runner', [status.runner, status.model, status.mode].filter(Boolean).join(', ')],
    ['labels', labelsInWords(status.labels ?? {})],
    ['requires', (status.requires ?? []).join(' ')],
    ['waits', status.waitingFor && withLocalTimes(waitingInWords(status.waitingFor))],
    ['host', status.host],
    ['worker', status.workerSilentSince ? `silent since ${localTime(status.workerSilentSince)}` : status.worker],
    ['process', status.pid],
    ['session', status.sessionId],
    ['directory', status.path],
    ['queued', when(queuedAt)],
    ['started', when(startedAt)],
    ['last output', endedAt === undefined ? when(lastOutputAt) : undefined],
    ['ended', when(endedAt)],
    [
      endedAt === undefined ? 'runs for' : 'took',
      startedAt === undefined ? undefined : duration((endedAt ?? now) - startedAt),
    ],
    ['kill', kill && `asked for ${when(kill.requestedAt)}${kill.reason ? `: ${kill.reason}` : ''}`],
    ['exit code', status.exitCode],
    ['usage', usageInWords(status.usage ?? activity?.usage ?? {})],
    ['credentials', credentials && `${credentials.attempt} of ${credentials.of} (${credentials.variables.join(', ')})`],
    ['output', `${size(outputBytes)}${dropped}`],
    ['submitted by', status.principal],
  ];
}
