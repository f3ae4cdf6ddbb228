/** The keys of one run. Each has its id as hash tag, so that on a cluster they stay together for its scripts. */
export function runKeys(prefix: string, id: string) {
  const run = `${prefix}:run:{${id}}`;
  return {
    run,
    events: `${run}:events`,
    request: `${run}:request`,
    result: `${run}:result`,
    /** Notified with `output` of new output, with `claimed` when a worker has it, else with the new state of the record. */
    channel: `${run}:bell`,
  };
}

/** The indexes: sorted sets of run ids by the time they were queued. They may lag; the record is the truth. */
export function indexKeys(prefix: string) {
  const index = `${prefix}:runs`;
  return {
    all: `${index}:all`,
    /** Ids in lexical order, for unique prefixes. */
    ids: `${index}:ids`,
    /** The names of the indexes below that there are, but for those of the states. */
    named: `${index}:named`,
    /** The names of the runners that runs have. */
    runners: `${index}:runners`,
    /** How the ended runs of a runner came out, see `outcomes.ts`. */
    outcomes: (runner: string) => `${index}:outcomes:${runner}`,
    agent: (name: string) => `${index}:agent:${name}`,
    principal: (name: string) => `${index}:principal:${name}`,
    runner: (name: string) => `${index}:runner:${name}`,
    state: (state: string) => `${index}:state:${state}`,
    label: (key: string, value: string) => `${index}:label:${key}=${value}`,
    host: (host: string) => `${index}:host:${host}`,
  };
}
