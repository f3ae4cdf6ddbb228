import { realpathSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import colors from 'picocolors';
import { type Imported, importWorkspace } from '../mcp/overmind/import.js';
import { userHome } from '../shared/config/home.js';
import { UserError } from '../shared/errors.js';
import { openContext } from './context.js';
import { EXIT } from './exit.js';
import { note, print, printJson } from './print.js';
import { printTable } from './print-fitted.js';

export function addImport(program: Command): void {
  program
    .command('import')
    .description('import the agents and sessions of an overmind-mcp workspace; running it again changes nothing')
    .argument('<dir>', 'the workspace: the directory with .claude in it')
    .option('--host <name>', 'the host that has the workspace and its sessions; by default this one')
    .option('--replace', 'replace stored agents that differ from the workspace')
    .option('--json', 'print data as JSON')
    .addHelpText(
      'after',
      '\nSecrets stay where they are: agents get references, and what the workers need is listed.\nExits with 1 when a file could not be read or an agent could not be stored.\n\nExample:\n  agentpool import ~/overmind',
    )
    .action(async (directory: string, options: { host?: string; replace?: boolean; json?: boolean }) => {
      const context = openContext('cli');
      const root = workspaceAt(directory);
      const pool = await context.connect('asking');
      try {
        const host = options.host ?? context.config.hostName;
        const home = userHome(context.env);
        const imported = await importWorkspace(pool, root, { host, home, replace: options.replace ?? false });
        if (options.json) printJson(imported);
        else show(imported);
        process.exitCode = imported.problems.length === 0 ? EXIT.ok : EXIT.runFailed;
      } finally {
        await pool.stop();
      }
    });
}

/** The real directory of a workspace. Throws a UserError where there is no workspace. */
function workspaceAt(directory: string): string {
  try {
    const root = realpathSync(resolve(directory));
    realpathSync(join(root, '.claude'));
    return root;
  } catch {
    throw new UserError(
      'no_workspace',
      `${directory} is not a workspace of overmind`,
      'Name the directory with .claude in it.',
    );
  }
}

const PAINT: Readonly<Record<string, (text: string) => string>> = {
  created: colors.green,
  replaced: colors.green,
  remembered: colors.green,
  kept: colors.yellow,
  'in use': colors.yellow,
  'too old': colors.yellow,
};
const paint = (outcome: string) => (PAINT[outcome] ?? colors.dim)(outcome);

function show({ agents, sessions, needs, problems }: Imported): void {
  const lines = [
    ...agents.map(({ name, runner, outcome, notes }) => ['agent', name, runner, outcome, notes.join('; ')]),
    ...sessions.map(({ agentName, runner, sessionId, outcome }) => ['session', agentName, runner, outcome, sessionId]),
  ];
  if (lines.length > 0)
    printTable(['WHAT', 'AGENT', 'RUNNER', { head: 'OUTCOME', paint }, { head: '', least: 12 }], lines);
  else print('there is neither an agent nor a session in this workspace');
  if (agents.some(({ outcome }) => outcome === 'kept'))
    note('Agents that are kept differ from the workspace: --replace takes those of the workspace.');
  if (needs.length > 0) {
    print('\nfor the .env of the workers; the values are where the comments say');
    for (const { name, where } of needs) print(`${name}=   ${colors.dim(`# ${where}`)}`);
  }
  for (const { file, message } of problems) note(colors.red(`${file}: ${message}`));
}
