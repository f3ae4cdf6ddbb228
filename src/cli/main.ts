#!/usr/bin/env node
import { Command, CommanderError } from 'commander';
import { VERSION } from '../shared/version.js';
import { addDemo } from './demo.js';
import { addDoctor } from './doctor.js';
import { EXIT, explain } from './exit.js';
import { addMcp } from './mcp.js';
import { addRun } from './run.js';
import { addKill, addLogs, addRuns, addStatus, addWait } from './runs.js';
import { addServe } from './serve.js';
import { addUp } from './up.js';
import { addWorker } from './worker.js';

const program = new Command('agentpool')
  .description('Runs AI-agent programs as durable jobs on a pool of machines.')
  .version(VERSION)
  .showHelpAfterError('(agentpool --help shows what there is)')
  .exitOverride();

for (const add of [
  addUp,
  addMcp,
  addServe,
  addWorker,
  addRun,
  addRuns,
  addStatus,
  addLogs,
  addWait,
  addKill,
  addDoctor,
  addDemo,
])
  add(program);
for (const command of program.commands) command.exitOverride();

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0); // the reader of our pipe has seen enough
});

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.wrongUse;
  else process.exitCode = explain(error);
  // A worker, a follow or a server that broke off must not be kept alive by its connections.
  process.exit(process.exitCode);
}
