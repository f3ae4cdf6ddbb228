import { statfsSync } from 'node:fs';
import type { Command } from 'commander';
import { privateDirectory } from '../shared/config/home.js';
import { messageOf } from '../shared/errors.js';
import { findProgram } from '../shared/find-program.js';
import { counted, size } from '../shared/measures.js';
import { plainText } from '../shared/plain-text.js';
import { allRunners } from '../shared/runners/list.js';
import type { Runner } from '../shared/runners/runner.js';
import type { Concurrency } from '../worker/claim/slots.js';
import { defaultSlots, resourcesHere } from '../worker/host/default-slots.js';
import { descriptorLimit, descriptorProblem, descriptorsOf, raiseLine } from '../worker/host/descriptors.js';
import { type Context, openContext } from './context.js';
import { credentialFindings } from './doctor-credentials.js';
import { poolFindings } from './doctor-pool.js';
import { runnerFindings } from './doctor-runners.js';
import { EXIT } from './exit.js';
import { type Finding, printFindings } from './finding.js';
import { otherPools } from './other-pools.js';
import { printJson } from './print.js';

const LITTLE_SPACE = 1024 ** 3;

export function addDoctor(program: Command): void {
  program
    .command('doctor')
    .description('check what is here and what is missing; each problem with the command that fixes it')
    .option('--json', 'print data as JSON')
    .addHelpText(
      'after',
      '\nExits with 1 when there is a problem, and with 69 when Redis or a worker cannot be reached.\n\nExample:\n  agentpool doctor',
    )
    .action(async (options: { json?: boolean }) => {
      const context = openContext('doctor', { overrides: { AGENTPOOL_LOG_LEVEL: 'silent' }, quiet: true });
      const pool = await poolFindings(context);
      const findings = [
        nodeFinding(),
        ...configurationFindings(context),
        ...otherPoolFindings(context),
        ...pool.findings,
        ...(await runnerFindings(context, pool.workers)),
        ...credentialFindings(context, pool.agents),
        spoolFinding(context),
        slotsFinding(context),
        ...descriptorFindings(context),
      ];
      if (options.json) printJson(findings);
      else printFindings(findings);
      const isWell = findings.every(({ ok }) => ok);
      process.exitCode = pool.workers.length === 0 ? EXIT.unreachable : isWell ? EXIT.ok : EXIT.runFailed;
    });
}

function configurationFindings({ readFrom, ignored }: Context): Finding[] {
  const read = readFrom.length === 0 ? 'the environment alone' : `the environment, ${readFrom.join(', ')}`;
  return [
    { what: 'Configuration', ok: true, found: read },
    ...ignored.map(({ path, why }) => ({ what: 'Ignored', ok: true, note: true, found: plainText(`${path}: ${why}`) })),
  ];
}

/** A client without AGENTPOOL_HOME in its environment starts a pool of its own, and it is hard to see why runs are missing. */
function otherPoolFindings({ config, env }: Context): Finding[] {
  return otherPools(config.home, env).map(({ home, url }) => ({
    what: 'Other pool',
    ok: true,
    note: true,
    found: `AGENTPOOL_HOME=${home} at ${url} has runs and workers of its own; this is the pool of ${config.home}`,
    fix: `AGENTPOOL_HOME=${home} agentpool down   (or set AGENTPOOL_HOME wherever that one is meant; agentpool connect does)`,
  }));
}

function nodeFinding(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const ok = major > 20 || (major === 20 && minor >= 19);
  return { what: 'Node', ok, found: process.versions.node, fix: 'install Node 20.19 or newer' };
}

/** How many runs a worker that is started from here has at once, and why. */
function slotsHere({ config, env }: Context): { readonly slots: Concurrency; readonly reason: string } {
  const { concurrency } = config;
  if (concurrency !== 'auto') return { slots: concurrency, reason: 'AGENTPOOL_CONCURRENCY says so' };
  const wanted = ({ name }: Runner) => config.runners?.includes(name) ?? true;
  const all = [...allRunners(config.customRunners).values()].filter(wanted);
  const here = all.filter(({ command }) => findProgram(command, env) !== undefined);
  const { slots, reason } = defaultSlots(resourcesHere(), here);
  return { slots, reason: `${reason}; AGENTPOOL_CONCURRENCY sets another number` };
}

function slotsFinding(context: Context): Finding {
  const { slots, reason } = slotsHere(context);
  const many = typeof slots === 'number' ? counted(slots, 'run') : `runs as ${JSON.stringify(slots)}`;
  return { what: 'Slots', ok: true, found: `${many} at once: ${reason}` };
}

/** Of a worker that is started from here; one that runs tells itself when it has none left. */
function descriptorFindings(context: Context): Finding[] {
  const limit = descriptorLimit();
  if (limit === undefined) return [];
  const descriptors = descriptorsOf(limit, slotsHere(context).slots, allRunners(context.config.customRunners));
  const problem = descriptorProblem(descriptors);
  const found = problem ?? `${limit} file descriptors, of which ${descriptors.good} are enough`;
  const fix = raiseLine(descriptors.good);
  return [{ what: 'Limits', ok: limit >= descriptors.least, note: problem !== undefined, found, fix }];
}

function spoolFinding({ config }: Context): Finding {
  const what = 'Spool space';
  try {
    privateDirectory(config.home);
    const { bavail, bsize } = statfsSync(config.home);
    const free = bavail * bsize;
    const quota = config.spoolQuotaBytes;
    return {
      what,
      ok: free > LITTLE_SPACE,
      note: free < quota,
      found: `${size(free)} free in ${config.home}, of which spools may take ${size(quota)}`,
      fix: 'make room, set AGENTPOOL_HOME to a larger disk, or lower AGENTPOOL_SPOOL_QUOTA_BYTES',
    };
  } catch (error) {
    return { what, ok: false, found: messageOf(error), fix: 'set AGENTPOOL_HOME to a directory of yours' };
  }
}
