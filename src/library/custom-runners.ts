import type { z } from 'zod';
import type { configFile, customRunner } from '../shared/config/custom-runner.js';

/** A runner of an operator's own, as it is written in agentpool.config.json. */
export type CustomRunner = z.input<typeof customRunner>;
/** What agentpool.config.json holds. */
export type CustomRunners = z.input<typeof configFile>;
