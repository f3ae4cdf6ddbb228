#!/usr/bin/env node
import { CommanderError } from 'commander';
import { commandLine } from './command-line.js';
import { EXIT, explain } from './exit.js';

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0); // the reader of our pipe has seen enough
});

try {
  await (await commandLine(process.argv[2])).parseAsync();
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.wrongUse;
  else process.exitCode = explain(error);
  // A worker, a follow or a server that broke off must not be kept alive by its connections.
  process.exit(process.exitCode);
}
