import type { Command } from 'commander';
import { rerun, resume } from '../client/rerun.js';
import { viewOf } from '../client/run-view.js';
import { EXIT } from './exit.js';
import { onInterrupt } from './interrupt.js';
import { print, printJson } from './print.js';
import { followSubmitted, promptFrom } from './run.js';
import { RUN_ARGUMENT, RUNS_ARGUMENT, withRun, withRuns } from './with-pool.js';

interface Options {
  readonly follow?: boolean;
  readonly json?: boolean;
}

export function addRerun(program: Command): void {
  program
    .command('rerun')
    .description('submit the request of a run again, as a new run')
    .argument('<runs...>', RUNS_ARGUMENT)
    .option('-f, --follow', 'follow the new run live; only with a single run')
    .option('--json', 'print data as JSON')
    .addHelpText('after', '\nExample:\n  agentpool rerun greeter -f')
    .action((names: string[], options: Options) =>
      withRuns(names, async (caller, runIds) => {
        const signal = onInterrupt();
        const [first] = runIds;
        if (options.follow && first !== undefined && runIds.length === 1)
          return followSubmitted({ ...caller, signal }, await rerun({ ...caller, signal }, { runId: first }), {
            ...options,
            follow: true,
          });
        const submitted = [];
        for (const runId of runIds) submitted.push(await rerun(caller, { runId }));
        if (options.json) printJson(submitted.map(({ run }, at) => ({ ...viewOf(run), rerunOf: runIds[at] })));
        else for (const { run } of submitted) print(run.id);
        return EXIT.ok;
      }),
    );
}

export function addResume(program: Command): void {
  program
    .command('resume')
    .description('continue the session of a run with another prompt, and follow it live')
    .argument('<run>', RUN_ARGUMENT)
    .argument('[prompt]', 'what to ask; - or nothing: read it from stdin')
    .option('--no-follow', 'print the run id and exit')
    .option('--json', 'print data as JSON')
    .addHelpText('after', '\nExample:\n  agentpool resume greeter "and now in French"')
    .action(async (name: string, given: string | undefined, options: { follow: boolean; json?: boolean }) => {
      const prompt = await promptFrom(given);
      await withRun(name, async (caller, runId) => {
        const signal = onInterrupt();
        const submitted = await resume({ ...caller, signal }, { runId }, prompt);
        return followSubmitted({ ...caller, signal }, submitted, options);
      });
    });
}
