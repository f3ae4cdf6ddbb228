import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** Where `npm run build` puts what runs in the browser: beside this file, or where a test finds it that runs the sources. */
const PLACES = ['./browser/page.js', '../../dist/board/browser/page.js'];

interface PageScript {
  readonly text: string;
  /** Its address changes with it, so a browser may keep it. */
  readonly path: string;
}

let found: PageScript | undefined;

/** The script for the browser, on every page of ours. Throws if it has not been built. */
export function pageScript(): PageScript {
  found ??= readScript();
  return found;
}

function readScript(): PageScript {
  for (const place of PLACES)
    try {
      const text = readFileSync(new URL(place, import.meta.url), 'utf8');
      return { text, path: `/assets/page-${createHash('sha256').update(text).digest('hex').slice(0, 16)}.js` };
    } catch {}
  throw new Error('the script of the pages is not built: npm run build');
}
