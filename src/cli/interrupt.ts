/**
 * Aborted by the first Ctrl-C, SIGTERM or SIGHUP. The same signal again ends the process at once; a different one does not,
 * because a process whose terminal closes gets two: one from the terminal, one from its parent.
 */
export function onInterrupt(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    let came = false;
    process.on(signal, () => {
      if (came) process.exit(130);
      came = true;
      controller.abort();
    });
  }
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
