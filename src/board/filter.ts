import type { RunSearch } from '../client/search-runs.js';
import { omitUndefined } from '../shared/omit-undefined.js';
import { beginningOf } from '../shared/plain-text.js';
import { readDuration } from '../shared/read-time.js';
import { LABEL_KEY, LABEL_VALUE, type Labels } from '../shared/run.js';
import { RUN_STATES } from '../shared/run-state.js';

/** What the address of the overview says, as it stands in it. */
export interface ShownFilter {
  /** The values by parameter, without empty ones. */
  readonly parameters: Readonly<Record<string, string>>;
  readonly query: {
    readonly search: Omit<RunSearch, 'limit'>;
    /** Queued within this time before now (ms). */
    readonly sinceMs?: number;
  };
  /** It filters nothing, and is the first page. */
  readonly isEmpty: boolean;
  /** All that it says is understood, and it says something: what matches may be changed as a whole. */
  readonly isDefinite: boolean;
}

/** What a person can filter by; `cursor` is the page. */
const FILTERS = ['q', 'agent', 'runner', 'state', 'host', 'label', 'since'] as const;
const MOST_CHARS = 200;

/** Reads the parameters of an address; what makes no sense is left out. */
export function readFilter(given: Readonly<Record<string, string>>): ShownFilter {
  const said = [...FILTERS, 'cursor'].flatMap((name): [string, string][] => {
    const value = beginningOf(given[name]?.trim() ?? '', MOST_CHARS);
    return value ? [[name, value]] : [];
  });
  const parameters = Object.fromEntries(said);
  const { q: text, agent: agentName, runner, host, cursor } = parameters;
  const status = RUN_STATES.find((state) => state === parameters.state);
  const labels = labelIn(parameters.label ?? '');
  const sinceMs = readDuration(parameters.since ?? '');
  const search = omitUndefined({ text, agentName, runner, host, cursor, status, labels });
  const { state, label, since, cursor: _, ...others } = parameters;
  const understood = [
    [state, status],
    [label, labels],
    [since, sinceMs],
  ].every(([words, meaning]) => words === undefined || meaning !== undefined);
  const saysSomething = Object.keys(others).length > 0 || status !== undefined || (labels ?? sinceMs) !== undefined;
  return {
    parameters,
    query: { search, ...omitUndefined({ sinceMs }) },
    isEmpty: said.length === 0,
    isDefinite: understood && saysSomething,
  };
}

function labelIn(text: string): Labels | undefined {
  const at = text.indexOf('=');
  const [key, value] = [text.slice(0, at), text.slice(at + 1)];
  return at > 0 && LABEL_KEY.test(key) && LABEL_VALUE.test(value) ? { [key]: value } : undefined;
}

/** The address of the overview with some parameters changed; empty ones are left out. The page is the first again. */
export function addressWith({ parameters }: ShownFilter, changes: Readonly<Record<string, string>>): string {
  const { cursor: _, ...rest } = parameters;
  const all = Object.entries({ ...rest, ...changes }).filter(([, value]) => value !== '');
  return all.length === 0 ? '/' : `/?${new URLSearchParams(all)}`;
}
