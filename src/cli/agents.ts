import type { Command } from 'commander';
import colors from 'picocolors';
import { configExample } from '../mcp/tools/config-example.js';
import { createAgent } from '../mcp/tools/create-agent.js';
import { deleteAgent } from '../mcp/tools/delete-agent.js';
import { getAgentConfigs } from '../mcp/tools/get-agent-configs.js';
import { listAgents } from '../mcp/tools/list-agents.js';
import { PROVIDER_EXAMPLES } from '../mcp/tools/provider-examples.js';
import { updateAgentConfig } from '../mcp/tools/update-agent-config.js';
import { beginningOf } from '../shared/plain-text.js';
import type { Pool } from '../shared/pool.js';
import { type AgentOptions, profileFrom, several, withProfileOptions } from './agent-options.js';
import { ask } from './ask.js';
import { openContext } from './context.js';
import { note, print, printJson, printTable } from './print.js';

async function withPool(action: (pool: Pool) => Promise<void>): Promise<void> {
  const pool = await openContext('cli').connect('asking');
  try {
    await action(pool);
  } finally {
    await pool.stop();
  }
}

export function addAgents(program: Command): void {
  const agents = program
    .command('agents')
    .description('stored agents: profiles that runs with their name are given')
    .addHelpText(
      'after',
      '\nExample:\n  agentpool agents example glm | agentpool agents create coder --file -\n  agentpool run coder "fix the tests"',
    );
  addLooking(agents);
  addChanging(agents);
}

function addLooking(agents: Command): void {
  agents
    .command('list')
    .description('the stored agents')
    .option('--runner <name>', 'only with this runner')
    .option('--json', 'print data as JSON')
    .action((options: { runner?: string; json?: boolean }) =>
      withPool(async (pool) => {
        const found = await ask(pool, listAgents, { runner: options.runner });
        if (options.json) return printJson(found);
        printTable(
          ['AGENT', 'RUNNER', 'MODEL', 'MODE', 'REVISION', 'WORKER VARIABLES', 'DESCRIPTION'],
          found.agents.map(({ name, runner, model = '', mode = '', revision, variables, description = '' }) => {
            const line = beginningOf(description.replaceAll(/\s+/g, ' '), 60);
            return [name, runner, model, mode, String(revision), variables.join(' '), line];
          }),
        );
      }),
    );
  agents
    .command('show')
    .description('the profile of an agent')
    .argument('<agent>', 'its name')
    .option('--json', 'print data as JSON')
    .action((name: string, options: { json?: boolean }) =>
      withPool(async (pool) => {
        const [agent] = (await ask(pool, getAgentConfigs, { name })).agents;
        if (options.json) return printJson(agent);
        const { prompt = '', createdAt: _, updatedAt: __, ...facts } = agent ?? {};
        for (const [fact, value] of Object.entries(facts)) {
          const text = typeof value === 'object' ? JSON.stringify(value) : String(value);
          print(`${colors.dim(fact.replace(/Iso$/, '').padEnd(16))} ${text}`);
        }
        print(`\n${colors.dim('prompt')}\n${prompt}`);
      }),
    );
  agents
    .command('example')
    .description('a profile for a provider of models, for create --file; what the workers need for it goes to stderr')
    .argument('<provider>', PROVIDER_EXAMPLES.map(({ provider }) => provider).join(', '))
    .option('--json', 'print all of it as JSON')
    .action((provider: string, options: { json?: boolean }) =>
      withPool(async (pool) => {
        const example = await ask(pool, configExample, { provider });
        if (options.json) return printJson(example);
        print(JSON.stringify(example.profile, null, 2));
        note(colors.dim(`\n# for the .env of the workers\n${example.dotEnv}\n# ${example.note}`));
      }),
    );
}

function addChanging(agents: Command): void {
  withProfileOptions(agents.command('create'))
    .description('store an agent')
    .argument('[agent]', 'its name; may be in the file')
    .action((name: string | undefined, options: AgentOptions) =>
      withPool(async (pool) => {
        const profile = { ...profileFrom(options), ...(name !== undefined && { name }) };
        const created = await ask(pool, createAgent, profile as never);
        if (options.json) printJson(created);
        else print(`${created.name} is stored${needs(created.variables)}`);
      }),
    );
  withProfileOptions(agents.command('update'))
    .description('change what is given of an agent, and leave the rest')
    .argument('<agent>', 'its name')
    .option('--unset <member>', 'take away: model, env.NAME, ... (again for more)', several)
    .option('--revision <n>', 'only if it still has this revision')
    .action((name: string, options: AgentOptions) =>
      withPool(async (pool) => {
        const updated = await ask(pool, updateAgentConfig, { ...profileFrom(options), name } as never);
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
      withPool(async (pool) => {
        const deleted = await ask(pool, deleteAgent, { name });
        if (options.json) printJson(deleted);
        else print(`${name} is deleted`);
      }),
    );
}

const needs = (variables: readonly string[]) =>
  variables.length === 0 ? '' : `; workers need ${variables.join(', ')} in their environment`;
