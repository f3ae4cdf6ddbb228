import { CommanderError } from 'commander';
import { commandLine } from './command-line.js';
import { EXIT, explain } from './exit.js';
import { note } from './print.js';
import { wrongUse } from './wrong-use.js';

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
    const json = process.argv.includes('--json');
    // Help is not an error, and has been printed.
    if (!(error instanceof CommanderError)) process.exitCode = explain(error, json);
    else if (error.exitCode === 0) process.exitCode = EXIT.ok;
    else process.exitCode = error.code === 'commander.help' ? EXIT.wrongUse : explain(wrongUse(error), json);
    await new Promise((written) => process.stdout.write('', written)); // what cannot be written is told before the end
    // A worker, a follow or a server that broke off must not be kept alive by its connections.
    process.exit(process.exitCode);
  }
}
