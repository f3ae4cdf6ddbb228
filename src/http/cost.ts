/** This many bytes of a body cost as much as one small request: they are parsed and checked in one go. */
const BYTES_PER_UNIT = 8 * 1024;

type Members = Readonly<Record<string, unknown>>;
const membersOf = (value: unknown): Members => (typeof value === 'object' && value !== null ? (value as Members) : {});
const lengthOf = (value: unknown) => (Array.isArray(value) ? value.length : 0);

/** What a call of a tool makes us do besides being a request; tools that are not here cost nothing more. */
const TOOLS: Readonly<Record<string, (args: Members) => number>> = {
  // Those of all runs are counted. With a filter the entries of all that match are looked at, of some ten thousand in 0.1 s.
  list_runs: ({ stats, limit }) => (stats === true || stats === 'true' ? 50 : 0) + (Number(limit) > 20 ? 10 : 2),
  run_agent: () => 2,
  run_agents_parallel: ({ agents }) => 3 * lengthOf(agents),
  wait_agent: ({ runIds }) => lengthOf(runIds),
  pool_status: () => 4,
  get_agent_configs: () => 4,
};

/** What other methods cost besides being a request. */
const METHODS: Readonly<Record<string, (params: Members) => number>> = {
  'tools/call': ({ name, arguments: args }) =>
    Object.hasOwn(TOOLS, String(name)) ? (TOOLS[String(name)]?.(membersOf(args)) ?? 0) : 0,
  'tools/list': () => 2,
  'resources/list': () => 10,
  'tasks/list': () => 10,
  'subscriptions/listen': ({ notifications }) => 2 * lengthOf(membersOf(notifications).resourceSubscriptions),
};

/** What a page costs besides being a request. */
const PAGES: readonly (readonly [RegExp, number])[] = [
  [/^\/runs\/[^/]+\/search$/, 40], // one search looks at up to 16 MiB
  [/^\/(agents|usage)$/, 200], // thousands of records
];

/** What a page of this path costs, besides being a request. */
export const costOfPage = (path: string): number => PAGES.find(([pattern]) => pattern.test(path))?.[1] ?? 0;

/** What a request costs, in requests that do next to nothing: at least 1, more for bytes, for each message and its work. */
export function costOf(body: unknown, bytes: number): number {
  const messages = Array.isArray(body) ? body : [body];
  const work = messages.map((message) => {
    const { method, params } = membersOf(message);
    const more = Object.hasOwn(METHODS, String(method)) ? METHODS[String(method)]?.(membersOf(params)) : 0;
    return 1 + (more ?? 0);
  });
  return (
    Math.max(
      1,
      work.reduce((sum, cost) => sum + cost, 0),
    ) + Math.floor(bytes / BYTES_PER_UNIT)
  );
}
