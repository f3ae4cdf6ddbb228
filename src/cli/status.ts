import type { Command } from 'commander';
import colors from 'picocolors';
import { type RunStatus, statusOf } from '../client/status.js';
import { plainText } from '../shared/plain-text.js';
import { EXIT } from './exit.js';
import { labelsInWords } from './label-option.js';
import { paintState, print, printJson } from './print.js';
import { RUN_ARGUMENT, withRun } from './with-pool.js';

export function addStatus(program: Command): void {
  program
    .command('status')
    .description('all that is known about a run')
    .argument('<run>', RUN_ARGUMENT)
    .option('--json', 'print data as JSON')
    .addHelpText('after', '\nExample:\n  agentpool status greeter')
    .action((name: string, options: { json?: boolean }) =>
      withRun(name, async (caller, runId) => {
        const status = await statusOf(caller, { runId });
        if (options.json) printJson(status);
        else show(status);
        return EXIT.ok;
      }),
    );
}

function show({
  runId,
  outputTail,
  result,
  failure,
  usage,
  credentials,
  status,
  hostProblem,
  labels,
  ...facts
}: RunStatus): void {
  const why = failure ? `: ${plainText(failure.message)} (${failure.kind})` : '';
  print(`${colors.bold(runId)}  ${paintState(status)}${why}`);
  for (const [name, value] of Object.entries(facts))
    if (!(`${name}Iso` in facts)) line(name.replace(/Iso$/, ''), plainText(String(value)));
  if (hostProblem)
    line('waits', `its host takes no runs since ${hostProblem.sinceIso}: ${plainText(hostProblem.message)}`);
  if (credentials) line('credentials', JSON.stringify(credentials));
  if (labels) line('labels', plainText(labelsInWords(labels)));
  if (usage) line('usage', JSON.stringify(usage));
  if (result) print(`\n${colors.dim('result')}\n${plainText(result)}`);
  else if (outputTail) print(`\n${colors.dim('end of the output')}\n${plainText(outputTail)}`);
}

const line = (name: string, text: string) => print(`  ${colors.dim(name.padEnd(15))} ${text}`);
