import { setImmediate as nextTurn } from 'node:timers/promises';

/**
 * One call for all who ask in the same turn of the event loop. It begins after the last of them has asked, so the answer
 * is as new as each of them needs, and knows of everything that they have sent to Redis before.
 */
export function sharedByTurn<Answer>(call: () => Promise<Answer>): () => Promise<Answer> {
  const batched = batchedByTurn<undefined, Answer>(async (items) => {
    const answer = await call();
    return items.map(() => ({ status: 'fulfilled', value: answer }));
  });
  return () => batched(undefined);
}

/**
 * One call for all items that come in the same turn of the event loop. It answers each by itself, in their order; when it
 * throws, all of them fail.
 */
export function batchedByTurn<Item, Answer>(
  call: (items: readonly Item[]) => Promise<readonly PromiseSettledResult<Answer>[]>,
): (item: Item) => Promise<Answer> {
  let items: Item[] = [];
  let answers: ReturnType<typeof call> | undefined;
  return async (item) => {
    const at = items.push(item) - 1;
    answers ??= nextTurn().then(() => {
      const batch = items;
      items = [];
      answers = undefined;
      return call(batch);
    });
    const answer = (await answers)[at];
    if (answer?.status !== 'fulfilled') throw answer?.reason;
    return answer.value;
  };
}

/**
 * A look at something outside of this process, such as a file: who asks for the same in one turn of the event loop is told the
 * same, so that what comes in at one moment does not look for each. What it throws is not kept.
 */
export function lookOnceATurn<Key extends string, Seen>(look: (at: Key) => Seen): (at: Key) => Seen {
  const seen = new Map<Key, Seen>();
  return (at) => {
    if (!seen.has(at)) {
      const found = look(at);
      if (seen.size === 0) setImmediate(() => seen.clear());
      seen.set(at, found);
    }
    return seen.get(at) as Seen;
  };
}
