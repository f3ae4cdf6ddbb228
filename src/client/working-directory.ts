import { isWithin } from '../shared/allowed-path.js';
import { UserError } from '../shared/errors.js';
import { omitUndefined } from '../shared/omit-undefined.js';
import type { LivingWorker } from '../shared/workers/workers.js';

/** What decides in which directory a run works, and so which workers may take it. */
export interface DirectoryFacts {
  readonly path: string | undefined;
  readonly host: string | undefined;
  /** Of a session that is resumed: its directory is the run's, whatever is asked for. */
  readonly sessionPath: string | undefined;
  /** The directory in which a person has started the client that asks; absent for clients elsewhere. */
  readonly directory: string | undefined;
  /** That of an earlier run of the same person, which is asked for once more. */
  readonly earlier: string | undefined;
  readonly workers: readonly LivingWorker[];
  /** Those of them that may take the run, wherever it is to work. */
  readonly suited: readonly LivingWorker[];
  /** Where the client is, see `placeOf`; the rest is known of workers there. */
  readonly here: string;
  /** What `agentpool allow` allows here now, whatever the last heartbeat has told. */
  readonly allowedHere: readonly string[];
  readonly realPath: (path: string) => string | undefined;
  /** By which a person allows a directory; without `home` for the AGENTPOOL_HOME of another machine. */
  readonly allowLine: (path: string, here: boolean) => string;
}

/** What the request gets. */
export interface WorkingDirectory {
  readonly path?: string;
  /** The host that the run is bound to, because others that have its program may not, or cannot, work there. */
  readonly host?: string;
  /** The directory of the client, where the run may work in it for no other reason. */
  readonly clientDirectory?: string;
  /** What the caller should know. */
  readonly remark?: string;
}

/**
 * Decides it: what the caller says, else the directory of the client where a worker sees that, else the worker's own.
 * Refuses at once what no worker will allow; the worker looks again, with symbolic links resolved. Throws a UserError.
 */
export function workingDirectoryFor(facts: DirectoryFacts): WorkingDirectory {
  const { path, host, sessionPath, directory, earlier, workers, suited, here } = facts;
  const candidates = suited.length > 0 ? suited : workers.filter((one) => host === undefined || one.host === host);
  const isHere = (worker: LivingWorker) => worker.place === here;
  const opened = candidates.some(isHere) ? [directory, earlier].filter((one) => one !== undefined) : [];
  const wanted = sessionPath ?? path;
  if (wanted === undefined) {
    if (directory === undefined || !opened.includes(directory)) return ownDirectory(facts);
    const elsewhere = candidates.filter((worker) => !isHere(worker));
    if (elsewhere.length === 0) return { path: directory, clientDirectory: directory };
    return { clientDirectory: directory, remark: mayBeElsewhere(elsewhere, directory) };
  }
  if (!wanted.startsWith('/')) throw notAllowed(wanted, 'is not absolute', 'Give the full path on the worker.');
  const real = facts.realPath(wanted) ?? wanted;
  const clientDirectory = opened.find((one) => isWithin(real, [one]));
  const byItself = (worker: LivingWorker) => isWithin(wanted, allowedBy(worker, facts));
  const allows = (worker: LivingWorker) => byItself(worker) || (clientDirectory !== undefined && isHere(worker));
  checkAllowed(facts, wanted, allows);
  return {
    ...omitUndefined({ clientDirectory }),
    ...(sessionPath === undefined && boundTo(facts, candidates, allows)),
  };
}

/** Where a worker chooses; refuses what would work nowhere, and says so where the client may expect something else. */
function ownDirectory(facts: DirectoryFacts): WorkingDirectory {
  const { suited, directory } = facts;
  if (suited.length > 0 && suited.every((worker) => allowedBy(worker, facts).length === 0))
    throw new UserError(
      'path_not_allowed',
      'it is missing, and the workers have no directory of their own',
      `Give the directory in which the agent shall work; on its host, a person allows it with: ${lineFor(facts, directory ?? 'DIR')}`,
      'path',
    );
  if (directory === undefined || suited.length === 0) return {};
  return {
    remark: `No worker of this machine can take it, so it works in its worker's own directory, not in ${directory}; path says another.`,
  };
}

/** Hosts share what names neither of them, each in a directory of its own; who means one has to say it. */
const mayBeElsewhere = (workers: readonly LivingWorker[], directory: string) =>
  `On ${hostsOf(workers)} it works in the worker's own directory, on this host in ${directory}; path or host says which.`;

function checkAllowed(facts: DirectoryFacts, wanted: string, allows: (worker: LivingWorker) => boolean): void {
  const { suited } = facts;
  if (suited.length === 0 || (suited.some(allows) && !wanted.split('/').includes('..'))) return;
  const allowed = [...new Set(suited.flatMap((worker) => allowedBy(worker, facts)))];
  const under = allowed.length === 0 ? '' : `Use a directory under: ${allowed.join(', ')}. `;
  throw notAllowed(
    wanted,
    'is outside of the directories that the workers allow',
    `${under}A person allows it on ${hostsOf(suited)} with: ${lineFor(facts, wanted)}`,
  );
}

const notAllowed = (path: string, what: string, hint: string) =>
  new UserError('path_not_allowed', `${JSON.stringify(path)} ${what}`, hint, 'path');

const lineFor = ({ suited, here, allowLine }: DirectoryFacts, path: string) =>
  allowLine(
    path,
    suited.some(({ place }) => place === here),
  );

const hostsOf = (workers: readonly LivingWorker[]) => [...new Set(workers.map(({ host }) => host))].join(' or ');

/** On this host it is known at once what was allowed and what was taken back; a heartbeat tells it later. */
const allowedBy = ({ place, allowedPaths, settingPaths }: LivingWorker, { here, allowedHere }: DirectoryFacts) =>
  place === here ? [...(settingPaths ?? allowedPaths), ...allowedHere] : allowedPaths;

/** Where only some of the hosts will do, the run is bound to one of them. */
function boundTo(
  { host }: DirectoryFacts,
  candidates: readonly LivingWorker[],
  allows: (worker: LivingWorker) => boolean,
): { host?: string } {
  const fitting = candidates.filter(allows);
  if (host !== undefined || fitting.length === candidates.length) return {};
  const free = fitting.find((worker) => !worker.problem && worker.running < worker.capacity);
  return omitUndefined({ host: (free ?? fitting[0])?.host });
}
