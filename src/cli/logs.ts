import type { Command } from 'commander';
import colors from 'picocolors';
import { followOutput } from '../client/follow.js';
import { omitUndefined } from '../shared/omit-undefined.js';
import { EXIT } from './exit.js';
import { onInterrupt } from './interrupt.js';
import { oneOf, wholeNumber } from './options.js';
import { note, print } from './print.js';
import { outputTo } from './show-output.js';
import { parseSince } from './since.js';
import { RUN_ARGUMENT, withRun } from './with-pool.js';

const STREAMS = ['both', 'stdout', 'stderr'] as const;

interface Options {
  readonly follow?: boolean;
  readonly since?: number;
  readonly tail?: number;
  readonly stream: (typeof STREAMS)[number];
  readonly json?: boolean;
  readonly raw?: boolean;
}

export function addLogs(program: Command): void {
  program
    .command('logs')
    .description('the output of a run')
    .argument('<run>', RUN_ARGUMENT)
    .option('-f, --follow', 'go on until the run ends')
    .option('--since <time>', 'only what came after: 5m, an ISO time, or ms', (text) => parseSince(text))
    .option('--tail <bytes>', 'only the end', wholeNumber({ least: 1, most: 1_048_576 }))
    .option('--stream <name>', 'stdout, stderr, or both', oneOf(STREAMS), 'both')
    .option('--json', 'print pages of output as JSON, one a line')
    .option('--raw', 'to a terminal, too, the output as it is: escape sequences can steer it')
    .addHelpText('after', '\nExample:\n  agentpool logs -f greeter --since 5m')
    .action((name: string, options: Options) =>
      withRun(name, async (caller, runId) => {
        const signal = onInterrupt();
        const { follow: live = false, since: sinceTimestamp, tail, stream, json, raw } = options;
        const shown = outputTo(process.stdout, raw);
        const wanted = { live, stream, ...(!json && shown.query), ...omitUndefined({ sinceTimestamp, tail }) };
        let silentSince: number | undefined;
        for await (const part of followOutput({ ...caller, signal }, { runId }, wanted)) {
          if (json) {
            print(JSON.stringify(part));
            continue;
          }
          if (part.droppedBytes > 0)
            note(colors.yellow(`[${part.droppedBytes} bytes before this are not kept any more]`));
          shown.write(part);
          if (part.workerSilentSince !== silentSince && part.workerSilentSinceIso)
            note(
              colors.yellow(`[its worker has been silent since ${part.workerSilentSinceIso}; output may be missing]`),
            );
          silentSince = part.workerSilentSince;
        }
        if (!signal.aborted) return EXIT.ok;
        note(`\nThe run goes on: agentpool logs -f ${runId}`);
        return EXIT.interrupted;
      }),
    );
}
