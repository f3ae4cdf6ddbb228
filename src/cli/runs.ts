import type { Command } from 'commander';
import { findRuns, type RunList, type RunQuery } from '../client/list-runs.js';
import type { RunView } from '../client/run-view.js';
import { duration, size } from '../shared/measures.js';
import { omitUndefined } from '../shared/omit-undefined.js';
import type { Labels } from '../shared/run.js';
import { RUN_STATES, type RunState } from '../shared/run-state.js';
import { LABEL_FLAGS, labelOption, labelsInWords } from './label-option.js';
import { withLocalTimes } from './local-time.js';
import { oneOf, wholeNumber } from './options.js';
import { note, paintStateAndRemark, print, printJson } from './print.js';
import { printTable } from './print-fitted.js';
import { parseSince, sinceOption } from './since.js';
import type { Column } from './table.js';
import { watchUntilInterrupted } from './watch.js';
import { type LocalCaller, withPool } from './with-pool.js';

const FORMS = ['table', 'wide', 'json', 'name'] as const;
type Form = (typeof FORMS)[number];

interface Options {
  readonly agent?: string;
  readonly runner?: string;
  readonly status?: RunState;
  readonly host?: string;
  readonly label?: Labels;
  readonly since?: string;
  readonly limit: number;
  readonly cursor?: string;
  readonly all?: boolean;
  readonly watch?: boolean;
  readonly quiet?: boolean;
  readonly output?: Form;
  readonly json?: boolean;
}

export function addRuns(program: Command): void {
  program
    .command('runs')
    .description('list the runs, newest first')
    .option('--agent <name>', 'only of this agent name')
    .option('--runner <name>', 'only with this runner')
    .option('--status <state>', `only in this state: ${RUN_STATES.join(', ')}`, oneOf(RUN_STATES))
    .option('--host <name>', 'only on this host')
    .option(LABEL_FLAGS, 'only with this label (repeatable)', labelOption)
    .option('--since <time>', 'only queued since: 5m, an ISO time, or ms', sinceOption)
    .option('--limit <n>', 'how many', wholeNumber({ least: 1, most: 200 }), 20)
    .option('--cursor <cursor>', 'continue after an earlier list')
    .option('--all', 'all of them, however many there are')
    .option('-w, --watch', 'keep refreshing until Ctrl-C')
    .option('-q, --quiet', 'only the ids, one per line; the same as -o name')
    .option('-o, --output <form>', `output format: ${FORMS.join(', ')}`, oneOf(FORMS))
    .option('--json', 'print data as JSON')
    .addHelpText(
      'after',
      '\nExample:\n  agentpool runs --status running\n  agentpool kill $(agentpool runs -q -l team=search)',
    )
    .action((options: Options) =>
      withPool(async (caller) => {
        if (!options.watch) return void (await list(caller, options));
        await watchUntilInterrupted((shown) => list(caller, options, shown));
      }),
    );
}

async function list(caller: LocalCaller, options: Options, show = print): Promise<void> {
  const form = options.json ? 'json' : options.quiet ? 'name' : (options.output ?? 'table');
  const { agent, runner, status, host, label: labels, limit, cursor } = options;
  const now = await caller.pool.runs.now();
  const since = options.since === undefined ? undefined : parseSince(options.since, now);
  const query = { agentName: agent, runner, status, host, labels, cursor, limit, ...omitUndefined({ since }) };
  const found = options.all ? await findAll(caller, { ...query, limit: 200 }) : await findRuns(caller, query);
  if (form === 'json') return printJson(found);
  if (form === 'name') {
    for (const { runId } of found.runs) show(runId);
    return;
  }
  const columns = form === 'wide' ? [...runsColumns, ...WIDE_COLUMNS] : runsColumns;
  const short = process.stdout.isTTY && form !== 'wide';
  printTable(
    columns,
    found.runs.map((run) => [...rowOf(run, now, short), ...(form === 'wide' ? wideRowOf(run) : [])]),
    show,
  );
  if (found.nextCursor !== undefined && !options.watch) note(`There are more: --cursor ${found.nextCursor}, or --all`);
}

async function findAll(caller: LocalCaller, query: RunQuery): Promise<RunList> {
  const runs: RunView[] = [];
  let cursor = query.cursor;
  do {
    const page = await findRuns(caller, { ...query, cursor });
    runs.push(...page.runs);
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return { runs };
}

/** The columns of a list of runs for people. */
export const runsColumns: readonly Column[] = [
  { head: 'RUN' },
  { head: 'AGENT', least: 6 },
  { head: 'RUNNER', rank: 3 },
  { head: 'STATUS', least: 9, paint: paintStateAndRemark },
  { head: 'HOST', least: 6, rank: 5 },
  { head: 'AGE', rank: 2 },
  { head: 'TOOK', rank: 4 },
  { head: 'OUTPUT', rank: 6 },
  { head: 'PROMPT', least: 12, rank: 1 },
];
const WIDE_COLUMNS: readonly Column[] = ['PID', 'MODEL', 'PRINCIPAL', 'LABELS', 'SESSION'].map((head) => ({ head }));

/** A shorter id is enough for a person: all commands take the beginning of one. */
const SHORT_ID = 10;

/** A run in a list for people, with a short id. Times are those of the clock of Redis, as `now`. */
export const runsRow = (run: RunView, now: number) => rowOf(run, now, true);

function rowOf(run: RunView, now: number, short: boolean): string[] {
  const { runId, agentName, runner, status, host = '', outputBytes, queuedAt, promptLine = '' } = run;
  return [
    short ? runId.slice(0, SHORT_ID) : runId,
    agentName,
    runner,
    [status, remarkOn(run)].filter(Boolean).join(' '),
    host,
    duration(Math.max(0, now - queuedAt)),
    took(run, now),
    size(outputBytes),
    promptLine,
  ];
}

const wideRowOf = ({ pid, model = '', principal, labels = {}, sessionId = '' }: RunView): string[] => [
  pid === undefined ? '' : String(pid),
  model,
  principal,
  labelsInWords(labels),
  sessionId,
];

/** Why it waits, or what became of it. */
function remarkOn({ waitingFor, workerSilentSinceIso, failure }: RunView): string {
  if (waitingFor) return withLocalTimes(waitingFor.message);
  if (workerSilentSinceIso) return withLocalTimes(`worker silent since ${workerSilentSinceIso}`);
  return failure?.message ?? '';
}

function took({ startedAt, endedAt, queuedAt }: RunView, now: number): string {
  if (startedAt === undefined) return endedAt === undefined ? '' : duration(endedAt - queuedAt);
  return duration(Math.max(0, (endedAt ?? now) - startedAt));
}
