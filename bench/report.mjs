import { appendFileSync } from 'node:fs';

/** Sorts a copy. */
const sorted = (values) => [...values].sort((a, b) => a - b);

/** The value below which a share (0 to 1) of the values lies. */
export function quantile(values, share) {
  const list = sorted(values);
  return list[Math.min(list.length - 1, Math.floor(share * list.length))];
}

export const median = (values) => quantile(values, 0.5);

/**
 * Prints one row of the table of figures, and adds it to the report that `npm run bench` makes.
 *
 * `figure` says what is measured, `ours` and `limit` are texts with their units (`limit` is the raw limit of this machine
 * or a peer, measured in the same run), `ratio` is ours divided by the limit, and `goal` is what the ratio or the figure
 * should be, such as `<= 2`. `notes`: what was tried and why it stops there, for the case that the goal is not met.
 */
export function row({ figure, ours, limit, ratio, goal, value = ratio, notes }) {
  const met = goal === undefined || value === undefined ? undefined : compare(value, goal);
  const shown = ratio === undefined ? '' : `, ratio ${ratio.toFixed(2)}`;
  const verdict = met === undefined ? '' : ` (goal ${goal}: ${met ? 'met' : 'not met'})`;
  process.stdout.write(`${figure}: ${ours}${limit ? `, limit ${limit}` : ''}${shown}${verdict}\n`);
  const { BENCH_REPORT: report } = process.env;
  if (report) appendFileSync(report, `${JSON.stringify({ figure, ours, limit, ratio, goal, met, notes })}\n`);
}

function compare(value, goal) {
  const [, sign, bound] = /^([<>]=) ([\d.]+)/.exec(goal) ?? [];
  if (sign === undefined) throw new Error(`a goal is "<= 2" or ">= 0.5", not ${goal}`);
  return sign === '<=' ? value <= Number(bound) : value >= Number(bound);
}
