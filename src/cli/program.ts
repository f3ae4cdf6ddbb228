import { CommanderError } from 'commander';
import { commandLine } from './command-line.js';
import { EXIT } from './exit.js';
import { note } from './print.js';

/** Carries out the command that the arguments of this process ask for; it ends with an exit code of `EXIT`. */
export async function runProgram(): Promise<void> {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(EXIT.ok); // the reader of our pipe has seen enough
    note(`agentpool: what was to be printed cannot be written to stdout: ${error.message}`);
    process.exit(EXIT.cannotWrite);
  });
  process.stderr.on('error', () => {}); // there is nobody left to tell

  try {
    await (await commandLine(process.argv[2])).parseAsync();
  } catch (error) {
    process.exitCode = await exitCodeFor(error);
    await new Promise((written) => process.stdout.write('', written)); // what cannot be written is told before the end
    // A worker, a follow or a server that broke off must not be kept alive by its connections.
    process.exit(process.exitCode);
  }
}

/** Says what is wrong, where something is; the code for that is loaded only then. */
async function exitCodeFor(thrown: unknown): Promise<number> {
  const usage = thrown instanceof CommanderError ? thrown : undefined;
  // Help is not an error, and has been printed.
  if (usage?.exitCode === 0) return EXIT.ok;
  if (usage?.code === 'commander.help') return EXIT.wrongUse;
  const { explain } = await import('./explain.js');
  const error = usage ? (await import('./wrong-use.js')).wrongUse(usage) : thrown;
  return explain(error, process.argv.includes('--json'));
}
