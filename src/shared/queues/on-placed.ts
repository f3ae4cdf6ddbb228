import type { QueueParts } from './parts.js';
import { NEW_QUEUE, ROOM, type Told } from './told.js';

/** The longest that a timer of Node can wait (ms). */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** See `Queues.onPlaced`. The answer stops it. */
export async function onPlaced(
  { notifications, channelOf }: QueueParts,
  name: string,
  onPlaced: () => void,
  onTold?: (what: Told) => void,
): Promise<() => void> {
  const timers = new Set<NodeJS.Timeout>();
  const stopListening = await notifications.listen(channelOf(name), (message) => {
    if (message === NEW_QUEUE || message === ROOM) return onTold?.(message);
    const delayMs = Number(message);
    if (!delayMs) return onPlaced();
    const onDue = () => {
      timers.delete(timer);
      onPlaced();
    };
    const timer = setTimeout(onDue, Math.min(delayMs + 1, LONGEST_TIMER_MS));
    timers.add(timer);
  });
  return () => {
    stopListening();
    for (const timer of timers) clearTimeout(timer);
  };
}
