#!/usr/bin/env node
import { CommanderError } from 'commander';
import { commandLine } from './command-line.js';
import { EXIT, explain } from './exit.js';
import { wrongUse } from './wrong-use.js';

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0); // the reader of our pipe has seen enough
});

try {
  await (await commandLine(process.argv[2])).parseAsync();
} catch (error) {
  const json = process.argv.includes('--json');
  // Help is no error, and has been printed.
  if (!(error instanceof CommanderError)) process.exitCode = explain(error, json);
  else if (error.exitCode === 0) process.exitCode = EXIT.ok;
  else process.exitCode = error.code === 'commander.help' ? EXIT.wrongUse : explain(wrongUse(error), json);
  // A worker, a follow or a server that broke off must not be kept alive by its connections.
  process.exit(process.exitCode);
}
