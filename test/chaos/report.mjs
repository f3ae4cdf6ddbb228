import Table from 'cli-table3';

export const say = (text) => process.stderr.write(`${text}\n`);

/** Prints rows of what and how many. */
export function printTable(rows) {
  const table = new Table({ head: ['what', 'count'], style: { head: [], border: [] }, colAligns: ['left', 'right'] });
  table.push(...rows);
  process.stdout.write(`${table.toString()}\n`);
}

/** Rows of what the checks have found: each but the bytes has to be zero. */
export const foundRows = ({ bytes, lost, doubled, startedTwice, wrongEnd, jobDisagrees, leftOver }) => [
  ['bytes', bytes],
  ['lost', lost],
  ['doubled', doubled],
  ['started twice', startedTwice],
  ['wrong end', wrongEnd],
  ['job disagrees', jobDisagrees],
  ['left over', leftOver],
];

/** How many of each. */
export function tally(list) {
  const counts = new Map();
  for (const item of list) counts.set(item, (counts.get(item) ?? 0) + 1);
  return [...counts].sort();
}

/** Tells the problems, ends the world, and answers the exit code. */
export async function conclude(world, problems, keep) {
  for (const problem of problems.slice(0, 40)) say(problem);
  const bad = problems.length > 0;
  await world.end({ keep: bad || keep });
  if (bad) say(`chaos: ${problems.length} problems; the logs are kept in ${world.root}`);
  return bad ? 1 : 0;
}
