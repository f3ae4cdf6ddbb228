import { readFileSync } from 'node:fs';

/** MCP Apps: views that a client shows beside the answer of a tool. */
const EXTENSION = 'io.modelcontextprotocol/ui';
const MIME_TYPE = 'text/html;profile=mcp-app';

/** The view of a run: live, and with a button that kills it. */
export const APP_URI = 'ui://agentpool/run';

/** How a tool says that its answers have that view. */
export const APP_META = { ui: { resourceUri: APP_URI } };

/** Where `npm run build` puts the view: beside this file, or where a test finds it that runs the sources. */
const PLACES = ['./run.html', '../../../dist/mcp/app/run.html'];

/** Whether a client shows apps, by its capabilities; where each request stands alone nobody knows, and it may. */
export function showsApps(capabilities: object | undefined): boolean {
  if (capabilities === undefined) return true;
  const { extensions } = capabilities as { extensions?: Readonly<Record<string, { mimeTypes?: unknown }>> };
  const { mimeTypes } = extensions?.[EXTENSION] ?? {};
  return Array.isArray(mimeTypes) && mimeTypes.includes(MIME_TYPE);
}

let found: string | undefined;

/** The view as a resource: one page that asks nobody but its host. Throws when nobody has built it. */
export function readApp() {
  found ??= readView();
  return { contents: [{ uri: APP_URI, mimeType: MIME_TYPE, text: found, _meta: { ui: { prefersBorder: true } } }] };
}

function readView(): string {
  for (const place of PLACES)
    try {
      return readFileSync(new URL(place, import.meta.url), 'utf8');
    } catch {}
  throw new Error('the view of a run is not built: npm run build');
}
