import { openInstruments } from '../../shared/instruments.js';
import type { Figures } from '../figures.js';

/** The state of a worker at the moment of a scrape. */
export interface Now {
  readonly slots: number;
  readonly running: number;
  readonly ready: boolean;
  readonly cordoned: boolean;
  /** Output in the spools that Redis has not confirmed (bytes). */
  readonly unshippedBytes: number;
  /** Since Redis took the last heartbeat (ms). */
  readonly heartbeatAgeMs: number;
}

/** The figures of a worker in the text format of Prometheus. */
export interface WorkerMetrics extends Figures {
  text(now: Now): Promise<{ readonly type: string; readonly text: string }>;
}

/** Seconds: a fast machine starts in less than the first, and the grace of a kill is 5 s by default. */
const BUCKETS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** Seconds: from a question to a day's work. */
const RUN_BUCKETS = [1, 5, 15, 60, 180, 600, 1_800, 3_600, 7_200, 21_600, 86_400];

/** Loads the library and begins to count. */
export async function openWorkerMetrics(): Promise<WorkerMetrics> {
  const { registry, gauge, counter, histogram } = await openInstruments();
  const slots = gauge('agentpool_worker_slots', 'Runs that this worker can have at once.');
  const running = gauge('agentpool_worker_runs', 'Runs that this worker has.');
  const ready = gauge('agentpool_worker_ready', 'Whether this worker takes runs (1) or not (0), as /readyz tells.');
  const cordoned = gauge('agentpool_worker_cordoned', 'Whether an operator lets it take no new runs (1) or not (0).');
  const unshipped = gauge('agentpool_worker_unshipped_bytes', 'Output in the spools that Redis has not confirmed.');
  const heartbeat = gauge('agentpool_worker_heartbeat_age_seconds', 'Since Redis took the last heartbeat.');
  const starts = histogram('agentpool_worker_start_seconds', 'From the claim of a run to its program.', BUCKETS, [
    'runner',
  ]);
  const kills = histogram('agentpool_worker_kill_seconds', 'From a kill request to the end of all processes.', BUCKETS);
  const bytes = counter('agentpool_worker_output_bytes_total', 'Output that Redis has confirmed.');
  const ends = counter('agentpool_worker_runs_ended_total', 'Runs that have ended here.', [
    'runner',
    'state',
    'failure',
  ]);
  const took = histogram(
    'agentpool_worker_run_seconds',
    'From the first start of a program of a run to its end.',
    RUN_BUCKETS,
    ['runner'],
  );
  const tokens = counter('agentpool_worker_tokens_total', 'Tokens that programs say their runs have taken.', [
    'runner',
    'kind',
  ]);
  const cost = counter('agentpool_worker_cost_usd_total', 'What programs say their runs have cost.', ['runner']);
  return {
    started: (runner, afterMs) => starts.observe({ runner }, afterMs / 1000),
    ended: (runner, state, failure = undefined) => ends.inc({ runner, state, failure: failure ?? '' }),
    took(runner, afterMs, { inputTokens, outputTokens, cachedInputTokens, costUsd = 0 }) {
      took.observe({ runner }, afterMs / 1000);
      const told = { input: inputTokens, output: outputTokens, cached_input: cachedInputTokens };
      for (const [kind, count = 0] of Object.entries(told)) if (count > 0) tokens.inc({ runner, kind }, count);
      if (costUsd > 0) cost.inc({ runner }, costUsd);
    },
    killed: (afterMs) => kills.observe(afterMs / 1000),
    shipped: (count) => bytes.inc(count),
    async text(now) {
      slots.set(now.slots);
      running.set(now.running);
      ready.set(Number(now.ready));
      cordoned.set(Number(now.cordoned));
      unshipped.set(now.unshippedBytes);
      heartbeat.set(now.heartbeatAgeMs / 1000);
      return { type: registry.contentType, text: await registry.metrics() };
    },
  };
}
