import type { CustomRunner } from '../config/custom-runner.js';
import { ConfigError } from '../errors.js';
import { claude } from './claude.js';
import { cline } from './cline.js';
import { codex } from './codex.js';
import { copilot } from './copilot.js';
import { customRunner } from './custom.js';
import { demo } from './demo.js';
import { gemini } from './gemini.js';
import { hermes } from './hermes.js';
import { kilo } from './kilo.js';
import { openclaw } from './openclaw.js';
import { opencode } from './opencode.js';
import { qwencli } from './qwencli.js';
import type { Runner } from './runner.js';

/** Every built-in runner: queues, tool arguments, doctor and docs/reference derive from this list. */
export const RUNNERS: readonly Runner[] = [
  claude,
  gemini,
  kilo,
  qwencli,
  openclaw,
  cline,
  opencode,
  hermes,
  codex,
  copilot,
  demo,
];

export type Runners = ReadonlyMap<string, Runner>;

/** The built-in runners and the operator's own, by name. */
export function allRunners(custom: Readonly<Record<string, CustomRunner>>): Runners {
  const taken = Object.keys(custom).filter((name) => RUNNERS.some((runner) => runner.name === name));
  if (taken.length > 0)
    throw new ConfigError(taken.map((name) => `runners.${name}: is a built-in runner; choose another name`));
  const own = Object.entries(custom).map(([name, given]) => customRunner(name, given));
  return new Map([...RUNNERS, ...own].map((runner) => [runner.name, runner]));
}
