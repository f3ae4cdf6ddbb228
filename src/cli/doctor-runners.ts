import { findProgram } from '../shared/find-program.js';
import { allRunners } from '../shared/runners/list.js';
import type { Runner } from '../shared/runners/runner.js';
import type { LivingWorker } from '../shared/workers/workers.js';
import { inheritedEnvironment } from '../worker/prepare/inherited.js';
import { programVersion } from '../worker/prepare/installed.js';
import type { Context } from './context.js';
import type { Finding } from './finding.js';

/** Where each runner's program is, here or on a worker elsewhere, in which version, and whether that one was tested. */
export async function runnerFindings({ config, env }: Context, workers: readonly LivingWorker[]): Promise<Finding[]> {
  return Promise.all(
    [...allRunners(config.customRunners).values()].map(async (runner) => {
      const program = findProgram(runner.command, env);
      if (!program) return missing(runner, config.runners?.includes(runner.name) ?? false, workers);
      const { versionArgs, inherits } = runner;
      const inherited = inheritedEnvironment(env, inherits, config.passEnv);
      const version =
        versionArgs && (await programVersion(program, versionArgs, { env: inherited }).catch(() => undefined));
      return { what: `Runner ${runner.name}`, ok: true, ...versionVerdict(runner, version, program) };
    }),
  );
}

/** What a found version means. Only the version that the suite against the real program runs counts as tested. */
export function versionVerdict(
  { testedVersion, install, versionArgs }: Pick<Runner, 'testedVersion' | 'install' | 'versionArgs'>,
  version: string | undefined,
  program: string,
): Pick<Finding, 'found' | 'note' | 'fix'> {
  if (!versionArgs) return { found: program };
  if (!version) return { found: `${program} does not tell its version`, note: true, fix: install };
  if (!testedVersion) return { found: `${version}, ${program}` };
  if (version === testedVersion) return { found: `${version}, tested, ${program}` };
  return {
    found: `${version}, not tested (${testedVersion} is), ${program}`,
    note: true,
    fix: pinned(install, testedVersion),
  };
}

/** The install line for one version, where it is such that takes one. */
const pinned = (install: string, version: string) =>
  /^npm install -g @?[^\s@]+$/.test(install) ? `${install}@${version}` : install;

function missing({ name, command, install }: Runner, wanted: boolean, workers: readonly LivingWorker[]): Finding {
  const elsewhere = workers.flatMap(({ host, runners }) =>
    runners.filter((offered) => offered.name === name).map(({ version }) => `${host}${version ? ` (${version})` : ''}`),
  );
  const found = `${command} is not on PATH here`;
  if (elsewhere.length === 0) return { what: `Runner ${name}`, ok: !wanted, note: true, found, fix: install };
  return {
    what: `Runner ${name}`,
    ok: !wanted,
    found: `${found}; it is on ${elsewhere.join(', ')}`,
    ...(wanted && { fix: install }),
  };
}
