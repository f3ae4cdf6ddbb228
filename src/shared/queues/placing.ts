import type { CommandLine } from '../redis/in-order.js';

/** The commands that place a run, for whoever sends them behind others that have to come first. */
export interface Placing {
  /** Makes its queue known, unless that is known to be so. */
  readonly known?: CommandLine;
  readonly job: CommandLine;
  /** Tells the workers, once for all that can start at the same time. */
  readonly notification: CommandLine;
  /** To be called when all of them have been executed. */
  readonly placed: () => Promise<void>;
}

/** The commands of several, in steps that have to be kept; nobody is told twice of the same. */
export function stepsOf(
  placings: readonly Placing[],
): [known: CommandLine[], jobs: CommandLine[], told: CommandLine[]] {
  const once = (lines: readonly CommandLine[]) => [...new Map(lines.map((line) => [line.join(' '), line])).values()];
  return [
    once(placings.flatMap(({ known }) => (known ? [known] : []))),
    placings.map(({ job }) => job),
    once(placings.map(({ notification }) => notification)),
  ];
}
