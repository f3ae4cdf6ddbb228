import { type Asker, ask, RefusedError } from './ask.js';
import { runOfResource } from './resources.js';

/** A subscriber is told of each resource at most once in this time (ms). */
const AT_MOST_EVERY_MS = 1_000;
/** More resources at once than anybody looks at. */
const MOST_WATCHED = 100;

/**
 * What one subscriber wants to be told of. Runs ring in Redis whichever process changes them, so it does not matter
 * which replica a subscriber is connected to.
 */
export function openSubscriptions(asker: Asker, onUpdated: (uri: string) => void) {
  const watched = new Map<string, { wanted: number; readonly stop: Promise<() => void> }>();

  return {
    /** Watches a resource from now on. Throws a RefusedError for what is not there, and for too many. */
    async add(uri: string): Promise<void> {
      const there = watched.get(uri);
      if (there) there.wanted += 1;
      else if (watched.size >= MOST_WATCHED) throw tooMany();
      else watched.set(uri, { wanted: 1, stop: watch(asker, uri, () => onUpdated(uri)) });
      await watched.get(uri)?.stop.catch((error: unknown) => {
        watched.delete(uri);
        throw error;
      });
    },
    /** Each `add` needs one. */
    remove(uri: string): void {
      const there = watched.get(uri);
      if (!there) return;
      there.wanted -= 1;
      if (there.wanted > 0) return;
      watched.delete(uri);
      end(there.stop);
    },
    stop(): void {
      for (const { stop } of watched.values()) end(stop);
      watched.clear();
    },
  };
}
export type Subscriptions = ReturnType<typeof openSubscriptions>;

const end = (stop: Promise<() => void>) => void stop.then((now) => now()).catch(() => {});

/** Tells of the first change at once, and of all that come within the next second together at its end. */
async function watch(asker: Asker, uri: string, tell: () => void): Promise<() => void> {
  let resting: NodeJS.Timeout | undefined;
  let again = false;
  const onNotification = () => {
    if (resting) {
      again = true;
      return;
    }
    tell();
    resting = setTimeout(() => {
      resting = undefined;
      if (!again) return;
      again = false;
      onNotification();
    }, AT_MOST_EVERY_MS);
  };
  const runId = await runOfResource(asker, uri);
  const stopListening = await ask(asker, 'read', 'resources', ({ pool }) =>
    pool.runs.onNotification(runId, onNotification),
  );
  return () => {
    clearTimeout(resting);
    stopListening();
  };
}

const tooMany = () =>
  new RefusedError({
    code: 'too_many_subscriptions',
    message: `more than ${MOST_WATCHED} resources at once`,
    hint: 'Unsubscribe from some; wait_agent waits for many runs.',
  });
