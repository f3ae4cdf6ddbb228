/** Aborted by the first Ctrl-C or SIGTERM; a second one ends the process at once. */
export function onInterrupt(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => {
      if (controller.signal.aborted) process.exit(130);
      controller.abort();
    });
  return controller.signal;
}

/** Aborts, too, when stdin ends: a parent that holds its other end has died, however that happened. */
export function onInterruptOrOrphaned(withParent: boolean | undefined): AbortSignal {
  const interrupted = onInterrupt();
  if (!withParent) return interrupted;
  const orphaned = new AbortController();
  process.stdin.on('close', () => orphaned.abort()).resume();
  return AbortSignal.any([interrupted, orphaned.signal]);
}

/** Resolves when the signal is aborted. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
