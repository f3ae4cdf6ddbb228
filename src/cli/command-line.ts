import { resolve } from 'node:path';
import { Command } from 'commander';
import { VERSION } from '../shared/version.js';

/** Adds a subcommand; `whole` is the command line with all of them. */
type Add = (program: Command, whole: () => Promise<Command>) => void;

/** The subcommands, in the order of the help. Only the one that is asked for is loaded: most of a start is loading. */
const SUBCOMMANDS: Readonly<Record<string, () => Promise<Add>>> = {
  up: async () => (await import('./up.js')).addUp,
  down: async () => (await import('./up.js')).addDown,
  mcp: async () => (await import('./mcp.js')).addMcp,
  serve: async () => (await import('./serve.js')).addServe,
  worker: async () => (await import('./worker.js')).addWorker,
  run: async () => (await import('./run.js')).addRun,
  runs: async () => (await import('./runs.js')).addRuns,
  status: async () => (await import('./status.js')).addStatus,
  logs: async () => (await import('./logs.js')).addLogs,
  rerun: async () => (await import('./rerun.js')).addRerun,
  resume: async () => (await import('./rerun.js')).addResume,
  open: async () => (await import('./open.js')).addOpen,
  workers: async () => (await import('./workers.js')).addWorkers,
  top: async () => (await import('./workers.js')).addTop,
  cordon: async () => (await import('./cordon.js')).addCordon,
  drain: async () => (await import('./cordon.js')).addDrain,
  uncordon: async () => (await import('./cordon.js')).addUncordon,
  'remove-host': async () => (await import('./remove-host.js')).addRemoveHost,
  wait: async () => (await import('./wait.js')).addWait,
  kill: async () => (await import('./kill.js')).addKill,
  connect: async () => (await import('./connect.js')).addConnect,
  agents: async () => (await import('./agents.js')).addAgents,
  import: async () => (await import('./import.js')).addImport,
  reload: async () => (await import('./reload.js')).addReload,
  doctor: async () => (await import('./doctor.js')).addDoctor,
  token: async () => (await import('./token.js')).addToken,
  trust: async () => (await import('./trust.js')).addTrust,
  allow: async () => (await import('./allow.js')).addAllow,
  completion: async () => (await import('./completion.js')).addCompletion,
  demo: async () => (await import('./demo.js')).addDemo,
};

/** Where the configuration is, for this command and all that it starts. */
function withConfigurationFiles(command: Command): Command {
  command.commands.forEach(withConfigurationFiles);
  return command
    .exitOverride()
    .configureOutput({ outputError: () => {} })
    .option('--config-file <path>', 'a configuration file, instead of those in the usual places')
    .option('--env-file <path>', 'a file with settings, which takes precedence over those in the usual places')
    .hook('preAction', (asked) => {
      const { configFile, envFile } = asked.opts<{ configFile?: string; envFile?: string }>();
      if (configFile !== undefined) process.env.AGENTPOOL_CONFIG = resolve(configFile);
      if (envFile !== undefined) process.env.AGENTPOOL_ENV_FILE = resolve(envFile);
    });
}

/** The command line with the subcommand that is asked for; with all of them when it is not one of these. */
export async function commandLine(asked = ''): Promise<Command> {
  const program = new Command('agentpool')
    .description('Runs AI-agent programs as durable jobs on a pool of machines.')
    .version(VERSION)
    .exitOverride()
    .configureOutput({ outputError: () => {} }); // main says it, in our words
  const one = Object.hasOwn(SUBCOMMANDS, asked) ? SUBCOMMANDS[asked] : undefined;
  const isVersion = asked === '--version' || asked === '-V';
  for (const load of one ? [one] : isVersion ? [] : Object.values(SUBCOMMANDS)) (await load())(program, commandLine);
  program.commands.forEach(withConfigurationFiles);
  return program;
}
