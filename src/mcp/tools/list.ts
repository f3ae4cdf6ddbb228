import type { Tool } from '../tool.js';
import { configExample } from './config-example.js';
import { createAgent } from './create-agent.js';
import { deleteAgent } from './delete-agent.js';
import { getAgentConfigs } from './get-agent-configs.js';
import { getAgentStatus } from './get-agent-status.js';
import { killAgent } from './kill-agent.js';
import { listAgents } from './list-agents.js';
import { listRuns } from './list-runs.js';
import { poolStatus } from './pool-status.js';
import { runAgent } from './run-agent.js';
import { runAgentsParallel } from './run-agents-parallel.js';
import { streamAgentOutput } from './stream-agent-output.js';
import { updateAgentConfig } from './update-agent-config.js';
import { waitAgent } from './wait-agent.js';

/** Every tool, in the order in which clients are shown them. */
export const TOOLS = [
  runAgent,
  runAgentsParallel,
  getAgentStatus,
  streamAgentOutput,
  waitAgent,
  killAgent,
  listRuns,
  poolStatus,
  createAgent,
  listAgents,
  getAgentConfigs,
  updateAgentConfig,
  deleteAgent,
  configExample,
] as unknown as readonly Tool[];
