import { AsyncLocalStorage } from 'node:async_hooks';
import type { ServerEventBus } from '@modelcontextprotocol/server';
import type { Asker } from '../ask.js';
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

/** What is not there, or not for this principal, is never told of; the SDK has agreed to the list already. */
function addAll(subscriptions: Subscriptions, uris: readonly string[]): void {
  for (const uri of uris) void subscriptions.add(uri).catch(() => {});
}

/**
 * The source of news for the streams of the SDK over HTTP. It subscribes for a stream without saying what that one
 * wants to know, and for whom; so `during` keeps it for as long as the request is being taken.
 */
export function openEventBus() {
  const current = new AsyncLocalStorage<Listening>();
  const bus: ServerEventBus = {
    publish: () => {},
    subscribe(listener) {
      const listening = current.getStore();
      if (!listening) return () => {};
      const subscriptions = openSubscriptions(listening.asker, (uri) => listener({ kind: 'resource_updated', uri }));
      addAll(subscriptions, listening.uris);
      return subscriptions.stop;
    },
  };
  return {
    bus,
    during: <Value>(listening: Listening, action: () => Value): Value => current.run(listening, action),
  };
}

/** What one client on stdio listens to, by the ids of its requests; `hear` is given every message that comes in. */
export function openListening(asker: Asker, onUpdated: (uri: string) => void) {
  const subscriptions = openSubscriptions(asker, onUpdated);
  const byRequest = new Map<unknown, readonly string[]>();
  return {
    hear(message: { method?: string; id?: unknown; params?: unknown }): void {
      const uris = listenedTo(message);
      if (uris) {
        byRequest.set(message.id, uris);
        addAll(subscriptions, uris);
      }
      if (message.method !== 'notifications/cancelled') return;
      const { requestId } = (message.params ?? {}) as { requestId?: unknown };
      for (const uri of byRequest.get(requestId) ?? []) subscriptions.remove(uri);
      byRequest.delete(requestId);
    },
    stop: subscriptions.stop,
  };
}
