import { delimiter, join } from 'node:path';
import { inject } from 'vitest';

const { directory, missing } = inject('clis');
const commands = join(directory, 'bin');

/** Why a real program is not here; the suite has printed it. */
export const whyMissing = (name: string): string | undefined => missing[name] ?? missing.node;

export const CLAUDE = join(commands, 'claude');
/** The Inspector, and some of the programs, want a newer Node than the project does. */
export const NODE_24 = join(commands, 'node');
export const INSPECTOR = join(commands, 'mcp-inspector');
export const CODEX = join(commands, 'codex');
export const MCPORTER = join(commands, 'mcporter');

/** The real programs in front of everything else, the newer Node among them. */
export const PATH = [commands, process.env.PATH].join(delimiter);
