import type { Command } from 'commander';
import colors from 'picocolors';
import { findRuns } from '../client/list-runs.js';
import { statusOfPool, type WorkerView } from '../client/pool-status.js';
import { limitInWords } from '../client/runner-limits.js';
import { duration, size } from '../shared/measures.js';
import { HOST_FIXES } from '../shared/workers/workers.js';
import { EXIT } from './exit.js';
import { print, printJson } from './print.js';
import { printTable } from './print-fitted.js';
import { runsColumns, runsRow } from './runs.js';
import type { Column } from './table.js';
import { watchUntilInterrupted } from './watch.js';
import { type LocalCaller, withPool } from './with-pool.js';

type Show = (line: string) => void;

export function addWorkers(program: Command): void {
  program
    .command('workers')
    .description('the workers: hosts, what they run and can run, and why one takes no runs')
    .option('-w, --watch', 'keep refreshing until Ctrl-C')
    .option('--json', 'print data as JSON')
    .addHelpText('after', '\nExample:\n  agentpool workers -w')
    .action((options: { watch?: boolean; json?: boolean }) =>
      withPool(async (caller) => {
        if (options.watch) return watchUntilInterrupted((show) => showWorkers(caller, show));
        const { workers } = await statusOfPool(caller);
        if (options.json) printJson({ workers });
        else await showWorkers(caller);
        process.exitCode = workers.some(({ alive }) => alive) ? EXIT.ok : EXIT.unreachable;
      }),
    );
}

export function addTop(program: Command): void {
  program
    .command('top')
    .description('workers, queues, and running and waiting runs, live until Ctrl-C')
    .addHelpText('after', '\nExample:\n  agentpool top')
    .action(() => withPool((caller) => watchUntilInterrupted((show) => showTop(caller, show))));
}

const WORKER_COLUMNS: readonly Column[] = [
  { head: 'HOST', least: 6 },
  { head: 'STATE', least: 8, paint: (cell) => paintWorker(cell) },
  { head: 'RUNS' },
  { head: 'HEARTBEAT', rank: 1 },
  { head: 'UP', rank: 3 },
  { head: 'VERSION', rank: 4 },
  { head: 'RUNNERS', least: 10, rank: 2 },
  { head: 'LABELS', least: 8, rank: 5 },
];

function paintWorker(cell: string): string {
  if (cell.startsWith('ready')) return colors.green(cell);
  return cell.startsWith('stopping') || cell.startsWith('cordoned') ? colors.yellow(cell) : colors.red(cell);
}

/** Alive, and taking runs or not. */
function stateOf({ alive, phase, problem, cordonedSince }: WorkerView): string {
  if (phase === 'left') return 'left';
  if (!alive) return 'silent';
  if (cordonedSince !== undefined && phase === 'ready') return 'cordoned';
  return problem && phase === 'ready' ? `takes no runs: ${problem.message}` : phase;
}

async function showWorkers(caller: LocalCaller, show: Show = print): Promise<void> {
  const [{ workers, limits }, now] = await Promise.all([statusOfPool(caller), caller.pool.runs.now()]);
  if (workers.length === 0) return show('No worker is there. Start one: agentpool worker');
  printTable(
    WORKER_COLUMNS,
    workers.map((worker) => [
      worker.host,
      stateOf(worker),
      `${worker.running} of ${worker.capacity}`,
      `${duration(Math.max(0, now - worker.lastHeartbeatAt))} ago`,
      duration(Math.max(0, now - worker.startedAt)),
      worker.version,
      worker.runners.map(({ name, version }) => (version ? `${name} ${version}` : name)).join(', '),
      (worker.labels ?? []).join(' '),
    ]),
    show,
  );
  for (const limit of limits.runners) show(colors.dim(`  ${limit.runner}: ${limitInWords(limit)}`));
  for (const { host, problem } of workers)
    if (problem) show(colors.dim(`  ${host} tries again by itself; ${HOST_FIXES[problem.kind]}`));
}

/** How many runs are shown at once; a screen has no more lines. */
const MOST_RUNS = 50;

async function showTop(caller: LocalCaller, show: Show): Promise<void> {
  const [{ queues, redis }, running, queued, now] = await Promise.all([
    statusOfPool(caller),
    findRuns(caller, { status: 'running', limit: MOST_RUNS }),
    findRuns(caller, { status: 'queued', limit: MOST_RUNS }),
    caller.pool.runs.now(),
  ]);
  const waiting = queues.filter(({ waiting, delayed }) => waiting + delayed > 0);
  const waits = waiting.map(({ queue, waiting, delayed }) => `${queue} ${waiting + delayed}`).join(', ');
  show(colors.dim(`Redis ${redis.version}, ${size(redis.usedMemoryBytes)}; waiting: ${waits || 'nothing'}`));
  show('');
  await showWorkers(caller, show);
  show('');
  const runs = [...running.runs, ...queued.runs];
  if (runs.length === 0) return show('Nothing runs or waits.');
  printTable(
    runsColumns,
    runs.map((run) => runsRow(run, now)),
    show,
  );
}
