import type { Command } from 'commander';
import colors from 'picocolors';
import { agentExample, agentInFull, changeAgent, listOfAgents, removeAgent, storeAgent } from '../client/agents.js';
import { PROVIDER_EXAMPLES } from '../client/provider-examples.js';
import { checkedChanges, checkedProfile } from '../shared/agents/check-profile.js';
import { beginningOf } from '../shared/plain-text.js';
import type { Labels } from '../shared/run.js';
import { type AgentOptions, profileFrom, withProfileOptions } from './agent-options.js';
import { LABEL_FLAGS, labelOption, labelsInWords } from './label-option.js';
import { several, wholeNumber } from './options.js';
import { note, print, printJson } from './print.js';
import { printTable } from './print-fitted.js';
import type { Column } from './table.js';
import { withPool } from './with-pool.js';

export function addAgents(program: Command): void {
  const agents = program
    .command('agents')
    .description('stored agents: profiles for runs with their name')
    .addHelpText(
      'after',
      '\nExample:\n  agentpool agents example glm | agentpool agents create coder --file -\n  agentpool run coder "fix the tests"',
    );
  addLooking(agents);
  addChanging(agents);
}

const AGENT_COLUMNS: readonly Column[] = [
  { head: 'AGENT' },
  { head: 'RUNNER' },
  { head: 'MODEL', least: 8, rank: 1 },
  { head: 'MODE', rank: 3 },
  { head: 'REVISION', rank: 4 },
  { head: 'WORKER VARIABLES', least: 12, rank: 2 },
  { head: 'LABELS', least: 8, rank: 2 },
  { head: 'DESCRIPTION', least: 12 },
];

function addLooking(agents: Command): void {
  agents
    .command('list')
    .description('the stored agents')
    .option('--runner <name>', 'only with this runner')
    .option(LABEL_FLAGS, 'only with this label (repeatable)', labelOption)
    .option('--json', 'print data as JSON')
    .action(({ json, runner, label }: { runner?: string; label?: Labels; json?: boolean }) =>
      withPool(async (caller) => {
        const found = await listOfAgents(caller, { runner, labels: label });
        if (json) return printJson(found);
        const { agents, unreadable = [] } = found;
        if (agents.length === 0) note('no agent is stored; agentpool agents create --help says how to store one');
        printTable(
          AGENT_COLUMNS,
          agents.map(({ name, runner, model = '', mode = '', revision, variables, labels = {}, description = '' }) => {
            const line = beginningOf(description.replaceAll(/\s+/g, ' '), 60);
            return [name, runner, model, mode, String(revision), variables.join(' '), labelsInWords(labels), line];
          }),
        );
        for (const { name, problem } of unreadable) note(colors.yellow(`agent ${name}: ${problem}`));
      }),
    );
  agents
    .command('show')
    .description('the profile of an agent')
    .argument('<agent>', 'its name')
    .option('--json', 'print data as JSON')
    .action((name: string, options: { json?: boolean }) =>
      withPool(async (caller) => {
        const agent = await agentInFull(caller, name);
        if (options.json) return printJson(agent);
        const { prompt, createdAt: _, updatedAt: __, ...facts } = agent;
        for (const [fact, value] of Object.entries(facts)) {
          const text = typeof value === 'object' ? JSON.stringify(value) : String(value);
          print(`${colors.dim(fact.replace(/Iso$/, '').padEnd(16))} ${text}`);
        }
        print(`\n${colors.dim('prompt')}\n${prompt}`);
      }),
    );
  agents
    .command('example')
    .description(
      'an example profile for a model provider, for create --file; what the workers need for it is printed on stderr',
    )
    .argument('<provider>', PROVIDER_EXAMPLES.map(({ provider }) => provider).join(', '))
    .option('--json', 'print all of it as JSON')
    .action((provider: string, options: { json?: boolean }) => {
      const example = agentExample(provider);
      if (options.json) return printJson(example);
      print(JSON.stringify(example.profile, null, 2));
      note(colors.dim(`\n# for the .env of the workers\n${example.dotEnv}\n# ${example.note}`));
    });
}

function addChanging(agents: Command): void {
  withProfileOptions(agents.command('create'))
    .description('store an agent')
    .argument('[agent]', 'its name; may be in the file')
    .action((name: string | undefined, options: AgentOptions) =>
      withPool(async (caller) => {
        const profile = checkedProfile({ ...profileFrom(options), ...(name !== undefined && { name }) });
        const created = await storeAgent(caller, profile);
        if (options.json) printJson(created);
        else print(`${created.name} is stored${needs(created.variables)}`);
      }),
    );
  withProfileOptions(agents.command('update'))
    .description('change parts of an agent; what is not given stays as it is')
    .argument('<agent>', 'its name')
    .option('--unset <member>', 'remove a member: model, env.NAME, ... (repeatable)', several)
    .option('--revision <n>', 'only if it still has this revision', wholeNumber({ least: 1 }))
    .action((name: string, options: AgentOptions) =>
      withPool(async (caller) => {
        const { name: _, ...changes } = profileFrom(options);
        const updated = await changeAgent(caller, name, checkedChanges(changes), options.revision);
        if (options.json) printJson(updated);
        else print(`${updated.name} has revision ${updated.revision}${needs(updated.variables)}`);
      }),
    );
  agents
    .command('delete')
    .description('remove an agent; its runs stay')
    .argument('<agent>', 'its name')
    .option('--json', 'print data as JSON')
    .action((name: string, options: { json?: boolean }) =>
      withPool(async (caller) => {
        await removeAgent(caller, name);
        if (options.json) printJson({ name, deleted: true });
        else print(`${name} is deleted`);
      }),
    );
}

const needs = (variables: readonly string[]) =>
  variables.length === 0 ? '' : `; workers need ${variables.join(', ')} in their environment`;
