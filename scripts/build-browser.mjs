// Builds what runs in the browser: the script of the pages, and the view that clients of MCP show.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { build } from 'esbuild';

const root = new URL('..', import.meta.url).pathname;
const forBrowsers = {
  bundle: true,
  minify: true,
  format: 'esm',
  target: 'es2022',
  legalComments: 'inline',
  logLevel: 'warning',
};
await build({
  ...forBrowsers,
  entryPoints: [`${root}src/board/browser/page.ts`],
  outfile: `${root}dist/board/browser/page.js`,
});

// The view is one page with everything in it: whoever shows it may fetch nothing.
const app = `${root}src/mcp/app/browser`;
const { outputFiles } = await build({ ...forBrowsers, entryPoints: [`${app}/view.ts`], write: false });
const view = outputFiles[0].text.trim().replaceAll('</script', '<\\/script');
mkdirSync(`${root}dist/mcp/app`, { recursive: true });
writeFileSync(
  `${root}dist/mcp/app/run.html`,
  readFileSync(`${app}/run.html`, 'utf8').replace('/* view.ts */', () => view),
);
