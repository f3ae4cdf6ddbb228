import { join } from 'node:path';
import { type ProfileSummary, referencesIn } from '../shared/agents/profile.js';
import { findProgram } from '../shared/find-program.js';
import { allRunners } from '../shared/runners/list.js';
import type { Context } from './context.js';
import type { Finding } from './finding.js';

/** What runners of the operator and stored agents name as variables, and this environment lacks. Never a value. */
export function credentialFindings(context: Context, agents?: readonly ProfileSummary[]): Finding[] {
  const { config } = context;
  const env = context.variables();
  const runners = allRunners(config.customRunners);
  const lacking = (names: readonly string[]) => [...new Set(names)].filter((name) => env[name] === undefined);
  /** Where the program is not, no worker of this host will need them. */
  const isHere = (runner: string) => findProgram(runners.get(runner)?.command ?? '', env) !== undefined;
  const finding = (what: string, runner: string, names: readonly string[]): Finding[] => {
    const missing = lacking(names);
    if (missing.length === 0) return [];
    const here = isHere(runner);
    return [
      {
        what,
        ok: !here,
        note: true,
        found: `${runner} is to get ${missing.join(', ')}, which this environment lacks${here ? '' : '; a worker that has the program needs it'}`,
        fix: `put ${missing.map((name) => `${name}=...`).join(' ')} into ${join(config.home, 'secrets.env')} on its host, and start the worker again`,
      },
    ];
  };
  const ofRunners = Object.entries(config.customRunners).flatMap(([name, { env: named }]) =>
    finding(`Variables of ${name}`, name, Object.values(named).flatMap(referencesIn)),
  );
  if (!agents) return ofRunners;
  const ofAgents = agents.flatMap(({ name, runner, variables }) => finding(`Agent ${name}`, runner, variables));
  const whole = agents.length - ofAgents.length;
  const found = agents.length === 0 ? 'none stored' : `${agents.length} stored, ${whole} of them with all they name`;
  return [...ofRunners, { what: 'Agents', ok: true, found }, ...ofAgents];
}
