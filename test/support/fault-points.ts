import { AsyncLocalStorage } from 'node:async_hooks';
import { syncBuiltinESMExports } from 'node:module';
import { relative } from 'node:path';
import type { Pool } from '../../src/shared/pool.js';

/**
 * What happens at a point: nothing, a throw before it, a throw after it has happened, as if its answer were lost, or the same
 * once more, as when the answer was lost and the client has sent it again.
 */
export type Verdict = 'pass' | 'throw' | 'lose' | 'twice';

/** Is told of every point that a worker comes by; a point is named by what is called and from where. */
export type Judge = (point: string, kind: 'file' | 'redis') => Verdict;

const judges = new AsyncLocalStorage<Judge>();
const source = new URL('../../src/', import.meta.url).pathname;

/** Everything that is begun in `action`, however much later it happens, comes by this judge. */
export const judgedBy = <Value>(judge: Judge, action: () => Value): Value => judges.run(judge, action);

/** What a worker does besides, in its own time: no part of what happens to a run. */
const BESIDES =
  /worker\/(heartbeat|host\/(disk|health|probes|machine|one-machine)|recover\/(tidy|sweep|contact)|prepare\/(installed|known-runners))/;

/** Where in our source we were called from; undefined for what is no part of the path of a run. */
function caller(): string | undefined {
  const lines = (new Error().stack ?? '').split('\n').filter((line) => line.includes(source));
  if (lines.some((line) => BESIDES.test(line))) return undefined;
  const [, name = '', file = ''] = /at (?:async )?(?:(\S+) \(?)?(\/\S+?):\d+:\d+/.exec(lines[0] ?? '') ?? [];
  const path = relative(source, file.replace(/\?.*$/, ''));
  if (['worker/start.ts', 'worker/identity.ts'].includes(path) || name === 'startClaiming') return undefined; // a worker that cannot start at all ends
  return path.startsWith('worker/') ? `${path} ${name}`.trim() : undefined;
}

function verdict(what: string, kind: 'file' | 'redis'): Verdict {
  const judge = judges.getStore();
  const from = judge && caller();
  return judge && from ? judge(`${what} in ${from}`, kind) : 'pass';
}

const injected = (what: string, code: string) => Object.assign(new Error(`injected: ${what}`), { code, syscall: what });

type Call = (...args: unknown[]) => unknown;

/**
 * From now on functions of a module of Node throw where the judge says so, whoever has imported them; else they do what
 * they always do. The answer puts them back.
 */
export function breakAtPoints(module: object, code: string, names: RegExp): () => void {
  const functions = module as Record<string, unknown>;
  const real = Object.entries(functions).filter(([name, value]) => typeof value === 'function' && names.test(name));
  let isWithin = false; // a function of Node that calls others of its module is one point
  for (const [name, value] of real)
    functions[name] = function broken(this: unknown, ...args: unknown[]) {
      if (isWithin) return (value as Call).apply(this, args);
      if (verdict(name, 'file') !== 'pass') throw injected(name, code);
      isWithin = true;
      try {
        return (value as Call).apply(this, args);
      } finally {
        isWithin = false;
      }
    };
  syncBuiltinESMExports();
  return () => {
    Object.assign(functions, Object.fromEntries(real));
    syncBuiltinESMExports();
  };
}

/** A gateway whose methods fail where the judge says so, before or after they were carried out. */
function faultyGateway<Gateway extends object>(gateway: Gateway, name: string, special: Record<string, Call>): Gateway {
  return new Proxy(gateway, {
    get(target, key) {
      const value = Reflect.get(target, key);
      if (typeof key === 'symbol') return value;
      if (special[key]) return special[key];
      if (typeof value !== 'function') return value;
      return (...args: unknown[]) => {
        const what = `${name}.${key}`;
        const sentence = verdict(what, 'redis');
        const lost = () => Promise.reject(injected(what, 'ECONNRESET'));
        if (sentence === 'throw') return lost();
        const call = () => (value as Call).apply(target, args);
        const answer = call();
        if (sentence === 'twice') return Promise.resolve(answer).then(call);
        return sentence === 'lose' ? Promise.resolve(answer).then(lost) : answer;
      };
    },
  });
}

/** A pool whose gateways fail where the judge says so. */
export function faultyPool(pool: Pool): Pool {
  const lease = (held: object | undefined) => held && faultyGateway(held, 'lease', {});
  const { queues, runs } = pool;
  const claimer = (name: string, owner: string) => {
    const real = queues.claimer(name, owner);
    const take = async () => {
      if (verdict('queue.take', 'redis') === 'throw') throw injected('queue.take', 'ECONNRESET');
      const taken = await real.take();
      return { ...taken, lease: lease(taken.lease) };
    };
    return faultyGateway(real, 'queue', { take });
  };
  const resumeLease = async (runId: string, name: string, token: string) => {
    if (['throw', 'lose'].includes(verdict('queue.resumeLease', 'redis')))
      throw injected('queue.resumeLease', 'ECONNRESET');
    return lease(await queues.resumeLease(runId, name, token));
  };
  const sessions = faultyGateway(runs.sessions, 'sessions', {});
  return {
    ...pool,
    queues: faultyGateway(queues, 'queue', { claimer: claimer as Call, resumeLease: resumeLease as Call }),
    // A number of this process; nobody is asked for it.
    runs: new Proxy(faultyGateway(runs, 'runs', { interruptions: () => runs.interruptions() }), {
      get: (target, key) => (key === 'sessions' ? sessions : Reflect.get(target, key)),
    }),
    workers: faultyGateway(pool.workers, 'workers', {}),
  };
}
