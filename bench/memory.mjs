// Memory (PSS, so that shared pages are counted once): the stdio server of one client, and all processes of `up` with 20 runs.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { MAIN } from '../test/chaos/world.mjs';
import { row } from './report.mjs';
import { startUp } from './up.mjs';

const RUNS = 20;
const pssMiB = (pid) => {
  try {
    return Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0) / 1_024;
  } catch {
    return 0; // it has ended meanwhile
  }
};
/** Our own processes by what their command line names; the runs' programs and wrappers are not ours. */
const ownProcesses = (home) =>
  readdirSync('/proc').filter((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      const line = readFileSync(`/proc/${name}/cmdline`, 'utf8');
      const environment = readFileSync(`/proc/${name}/environ`, 'utf8');
      if (environment.includes('AGENTPOOL_RUN=')) return false;
      return (line.includes(MAIN) && environment.includes(home)) || line.includes(join(home, 'redis'));
    } catch {
      return false;
    }
  });

const { root, home, env, stop } = await startUp({ AGENTPOOL_CONCURRENCY: String(RUNS) });
const transport = new StdioClientTransport({ command: process.execPath, args: [MAIN, 'mcp'], cwd: root, env });
const client = new Client({ name: 'bench', version: '1' });
await client.connect(transport);
const call = async (name, args) => (await client.callTool({ name, arguments: args })).structuredContent;
await call('pool_status', {});
await new Promise((resolve) => setTimeout(resolve, 2_000));
const stdio = pssMiB(transport.pid);
const ids = [];
for (let run = 0; run < RUNS; run += 1)
  ids.push((await call('run_agent', { runner: 'demo', prompt: 'say something for a long while' })).runId);
await new Promise((resolve) => setTimeout(resolve, 1_000));
const all = ownProcesses(home).filter((pid) => Number(pid) !== transport.pid);
const sum = all.reduce((total, pid) => total + pssMiB(pid), 0);
for (const runId of ids) if (runId) await call('kill_agent', { runId, signal: 'KILL' });
await client.close();
await stop();
row({
  figure: 'memory of the stdio server of one client (MiB, PSS)',
  ours: `${stdio.toFixed(0)} MiB`,
  value: stdio,
  goal: '<= 45',
  notes:
    'Node itself takes about 40 MiB before it has loaded anything; the rest is the MCP SDK and the clients of Redis. With --semi-space-growth-factor=1 (src/cli/main.ts) it is 7 to 9 MiB less than without.',
});
row({
  figure: `memory of all processes of agentpool up with ${RUNS} runs (MiB, PSS, ${all.length} processes)`,
  ours: `${sum.toFixed(0)} MiB`,
  value: sum,
  goal: '<= 150',
  notes:
    'Server, worker and what brings them up are processes of their own (docs/decisions/0007), so that one that fails takes no other with it; each is a Node.',
});
