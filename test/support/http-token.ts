import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const tokens = new Map<string, string>();

/** The header that the servers of an AGENTPOOL_HOME want where no tokens are set; empty before one has been started. */
export function bearerOf({ home }: { home: string }): Record<string, string> {
  const file = join(home, 'http-token');
  return existsSync(file) ? { authorization: `Bearer ${readFileSync(file, 'utf8').trim()}` } : {};
}

/** Remembers the home of a server by its address, so that requests of this test process bring its token. */
export function rememberToken(url: string, place: { home: string }): void {
  const { authorization } = bearerOf(place);
  if (authorization !== undefined) tokens.set(new URL(url).host, authorization);
}

/** The header for the server at an address, if it is one that wants the token of its home. */
export function bearerFor(url: string | URL): Record<string, string> {
  const authorization = tokens.get(new URL(url).host);
  return authorization === undefined ? {} : { authorization };
}
