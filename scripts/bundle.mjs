// Bundles the command line with the packages that it uses into few files: most of what a start cost was looking for and
// reading a thousand modules. The modules stay beside it, for the library and for scripts.
import { readFileSync, rmSync } from 'node:fs';
import { relative } from 'node:path';
import { build } from 'esbuild';

const dist = new URL('../dist/', import.meta.url).pathname;

/** What a module looks for beside itself (scripts of Redis, its package) stays where it is; every output is one folder deep. */
const besideItself = {
  name: 'beside-itself',
  setup({ onLoad }) {
    onLoad({ filter: /\.js$/ }, ({ path }) => {
      if (!path.startsWith(dist)) return undefined;
      const code = readFileSync(path, 'utf8');
      const place = JSON.stringify(`../${relative(dist, path)}`);
      return { contents: code.replaceAll('import.meta.url', `new URL(${place}, import.meta.url).href`) };
    });
  },
};

rmSync(`${dist}bundle`, { recursive: true, force: true });
await build({
  entryPoints: { 'cli/main': `${dist}cli/main.js` },
  outdir: dist,
  chunkNames: 'bundle/[name]-[hash]',
  allowOverwrite: true,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  mainFields: ['module', 'main'], // one of them has its parts looked for by a function that cannot be followed
  external: [
    '@bull-board/*', // serves files of its own package
    // An operator installs them who wants traces sent.
    '@opentelemetry/sdk-trace-base',
    '@opentelemetry/resources',
    '@opentelemetry/exporter-trace-otlp-http',
  ],
  banner: {
    js: "import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);",
  },
  plugins: [besideItself],
  minifyWhitespace: true, // a fifth of the time to load; names stay, for traces
  legalComments: 'linked',
  logLevel: 'warning',
});
