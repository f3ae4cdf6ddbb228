import { AsyncLocalStorage } from 'node:async_hooks';
import type { ServerEventBus } from '@modelcontextprotocol/server';
import { type Asker, RefusedError } from '../ask.js';
import type { WireMessage } from '../stdio-wire.js';
import { openSubscriptions, type Subscriptions } from '../subscriptions.js';

interface Listening {
  readonly asker: Asker;
  readonly uris: readonly string[];
}

/** The resources that a message of protocol 2026-07-28 asks to be told of; undefined when it does not ask to listen. */
export function listenedTo(message: unknown): readonly string[] | undefined {
  if (typeof message !== 'object' || message === null || !('method' in message)) return undefined;
  if (message.method !== 'subscriptions/listen' || !('params' in message)) return undefined;
  const { notifications } = (message.params ?? {}) as { notifications?: { resourceSubscriptions?: unknown } };
  const uris = notifications?.resourceSubscriptions;
  return Array.isArray(uris) ? [...new Set(uris.filter((uri) => typeof uri === 'string'))] : [];
}

/** What only says that somebody may not be told of a resource; the SDK agrees to the list all the same. */
const NOT_WATCHED = ['unknown_run', 'invalid_argument', 'too_many_subscriptions', 'forbidden'];

/**
 * Watches resources; resolves when all of them are watched. What is not there, or not for this principal, is never told of.
 * Throws a RefusedError where nothing can be watched, such as without Redis: nobody must think that he is told.
 */
async function addAll(subscriptions: Subscriptions, uris: readonly string[]): Promise<void> {
  const add = (uri: string) =>
    subscriptions.add(uri).catch((error: unknown) => {
      if (!(error instanceof RefusedError) || !NOT_WATCHED.includes(error.body.code)) throw error;
    });
  await Promise.all(uris.map(add));
}

/**
 * The source of news for the streams of the SDK over HTTP, which agrees to a list at once. So its resources are watched
 * before, and what changes in between is told to the stream when it is there.
 */
export function openEventBus() {
  const opening = new AsyncLocalStorage<{ taken?: ServerEventBus['subscribe'] }>();
  const bus: ServerEventBus = {
    publish: () => {},
    subscribe: (listener) => opening.getStore()?.taken?.(listener) ?? (() => {}),
  };
  return {
    bus,
    /** Watches what is asked for and lets the SDK open its stream. Throws a RefusedError where nothing can be watched. */
    async during<Value>({ asker, uris }: Listening, open: () => Promise<Value>): Promise<Value> {
      const changed = new Set<string>();
      let tell: ((uri: string) => void) | undefined;
      const subscriptions = openSubscriptions(asker, (uri) => (tell ? tell(uri) : changed.add(uri)));
      try {
        await addAll(subscriptions, uris);
        const taken: ServerEventBus['subscribe'] = (listener) => {
          tell = (uri) => listener({ kind: 'resource_updated', uri });
          for (const uri of changed) tell(uri);
          return subscriptions.stop;
        };
        return await opening.run({ taken }, open);
      } finally {
        if (!tell) subscriptions.stop(); // the SDK has opened no stream
      }
    },
  };
}

/** What one client on stdio listens to, by the ids of its requests; `hear` is given every message that comes in. */
export function openListening(asker: Asker, tell: (uri: string) => void) {
  /** What has changed while the SDK has not agreed yet, and tells nobody. */
  const changed = new Set<string>();
  let asked = 0;
  const subscriptions = openSubscriptions(asker, (uri) => {
    if (asked > 0) changed.add(uri);
    tell(uri);
  });
  const byRequest = new Map<unknown, { readonly uris: readonly string[]; readonly watched: Promise<void> }>();
  const watch = async (id: unknown, uris: readonly string[]): Promise<void> => {
    asked += 1;
    try {
      await addAll(subscriptions, uris);
    } catch (error) {
      asked -= 1;
      byRequest.delete(id);
      throw error;
    }
  };
  return {
    /**
     * When a message may go on to the SDK, which agrees to a list at once: when its resources are watched. Rejects with a
     * RefusedError where nothing can be watched. Undefined for what need not wait.
     */
    hear({ method, id, params }: WireMessage): Promise<void> | undefined {
      const uris = listenedTo({ method, params });
      if (uris) {
        const watched = watch(id, uris);
        byRequest.set(id, { uris, watched });
        return watched;
      }
      if (method !== 'notifications/cancelled') return undefined;
      const { requestId } = (params ?? {}) as { requestId?: unknown };
      const listened = byRequest.get(requestId);
      byRequest.delete(requestId);
      const remove = () => listened?.uris.forEach(subscriptions.remove);
      return listened?.watched.then(remove, () => {}); // what was refused is not watched
    },
    /** The same for what goes out, when it has gone. */
    heardAnswer({ method }: WireMessage): void {
      if (method !== 'notifications/subscriptions/acknowledged') return;
      asked -= 1;
      changed.forEach(tell);
      if (asked === 0) changed.clear();
    },
    stop: subscriptions.stop,
  };
}
