import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Place } from './pool.js';

const SCRIPTED = new URL('../fixtures/agents/scripted.mjs', import.meta.url).pathname;

/** Puts a program on the PATH of a place that does the steps of its prompt. */
export function installStandIn(place: Place, command: string, version: string): void {
  const bin = join(place.home, 'bin');
  mkdirSync(bin, { recursive: true });
  const script = `#!/bin/sh\n[ "$1" = --version ] && echo ${version} && exit\nexec node ${SCRIPTED} "$@"\n`;
  writeFileSync(join(bin, command), script, { mode: 0o755 });
  place.env.PATH = `${bin}:${place.env.PATH}`;
}

/** Puts a `claude` there; the steps of its prompts print what Claude Code would. */
export const installClaudeStandIn = (place: Place) => installStandIn(place, 'claude', '2.1.330');

const line = (message: object) => ({ print: `${JSON.stringify(message)}\n` });

/** Steps that print the lines of Claude Code. */
export const claude = {
  /** The model says something. */
  says: (text: string) =>
    line({ type: 'assistant', message: { model: 'some-model', content: [{ type: 'text', text }] } }),
  /** The model calls a tool. */
  uses: (id: string, name: string, input: object) =>
    line({ type: 'assistant', message: { model: 'some-model', content: [{ type: 'tool_use', id, name, input }] } }),
  /** The provider has refused. */
  refusal: (status: 401 | 429) =>
    line({ type: 'result', is_error: true, api_error_status: status, result: `API Error: ${status}` }),
  /** It says so, and ends. */
  refused: (status: 401 | 429) => [claude.refusal(status), { exit: 1 }],
  result: (result: string, more: object = {}) => line({ type: 'result', is_error: false, result, ...more }),
};
