import { fileURLToPath } from 'node:url';
import type { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { RootsListChangedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';

/** A client that says that it has roots and does not tell them is not waited for any longer (ms). */
const ROOTS_WITHIN_MS = 2_000;

/** Asks a client for the directories that are open in it, once and again after it says that they have changed; none where it tells none. */
export function rootsOf(server: Server): () => Promise<readonly string[]> {
  let asked: Promise<readonly string[]> | undefined;
  const ask = async () => {
    if (!server.getClientCapabilities()?.roots) return [];
    const { roots } = await server.listRoots(undefined, { timeout: ROOTS_WITHIN_MS });
    return roots.flatMap(({ uri }) => pathOf(uri) ?? []);
  };
  server.setNotificationHandler(RootsListChangedNotificationSchema, () => {
    asked = undefined;
  });
  return () => {
    asked ??= ask().catch(() => []);
    return asked;
  };
}

function pathOf(uri: string): string | undefined {
  try {
    return fileURLToPath(uri);
  } catch {
    return undefined; // it is not a file of this machine
  }
}
