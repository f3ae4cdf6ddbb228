// Bundles the command line with the packages that it uses into few scripts: most of what a start cost was looking for and
// reading a thousand modules, and then compiling them. The modules stay beside it, for the library and for scripts.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { build, transform } from 'esbuild';

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

/** What is the same at every start is made now; the schemas of the tools took as long as Node itself. */
const madeBefore = {
  name: 'made-before',
  setup({ onLoad }) {
    onLoad({ filter: /\/dist\/mcp\/described-tools\.js$/ }, async ({ path }) => {
      const { describedTools } = await import(path);
      const json = JSON.stringify(JSON.stringify(describedTools()));
      return { contents: `export const describedTools = () => JSON.parse(${json});` };
    });
  },
};

/** A class in place of one that packages can use and we do not. */
const refusing = (name, words) => `class ${name} { constructor() { throw new Error(${JSON.stringify(words)}); } }`;

/** What packages carry and we have no use for: what is left out need not be read, nor kept as compiled code. */
const LEFT_OUT = [
  { what: /^\.\/relay/, of: /\/bullmq\/dist\/esm\/scripts\/index\.js$/, contents: '' },
  {
    what: /\/ajv-provider\.js$/,
    of: /\/sdk\/dist\/esm\/server\/index\.js$/, // not used where a server gives its own (`SERVER_OPTIONS`)
    contents: `export ${refusing('AjvJsonSchemaValidator', 'the server has to be given a jsonSchemaValidator')}`,
  },
  { what: /\/locales\/index\.js$/, of: /\/zod\/v4\//, contents: "export { default as en } from './en.js';" },
  { what: /^msgpackr$/, of: /\/bullmq\//, contents: "export { Packr } from 'msgpackr/pack';" }, // looks for a native module to unpack
  {
    what: /^thread-stream$/,
    of: /\/pino\//,
    contents: `module.exports = ${refusing('ThreadStream', 'logs are written by no thread')}`,
  },
  {
    what: /^cron-parser$/,
    of: /\/bullmq\//,
    contents: `export const CronExpressionParser = { parse() { throw new Error('jobs by a schedule are left out'); } };`,
  },
];
const leftOut = {
  name: 'left-out',
  setup({ onLoad, onResolve }) {
    const namespace = 'left-out';
    for (const { what, of, contents } of LEFT_OUT)
      onResolve({ filter: what }, ({ importer, path, resolveDir }) => {
        const pluginData = { contents, resolveDir: join(resolveDir, dirname(path)) };
        return of.test(importer) ? { path, namespace, pluginData } : undefined;
      });
    onLoad({ filter: /./, namespace }, ({ pluginData }) => pluginData);
  },
};

/** BullMQ's modules do nothing when they are loaded, but its package does not say so: those that nobody asks for stay out. */
const parted = {
  name: 'parted',
  setup({ onResolve, resolve }) {
    onResolve({ filter: /^\./ }, async ({ path, importer, pluginData, ...asked }) => {
      if (pluginData === parted || !/\/bullmq\/dist\/esm\//.test(importer)) return undefined;
      const found = await resolve(path, { ...asked, importer, pluginData: parted });
      return { ...found, sideEffects: false };
    });
  },
};

const forNode = {
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  minifyWhitespace: true, // a fifth of the time to load; names stay, for traces
  logLevel: 'warning',
};

const { outputFiles } = await build({
  ...forNode,
  entryPoints: { program: `${dist}cli/program.js` },
  outdir: `${dist}bundle`,
  outExtension: { '.js': '.cjs' },
  entryNames: '[name]-[hash]',
  write: false,
  splitting: true,
  mainFields: ['module', 'main'], // one of them has its parts looked for by a function that cannot be followed
  external: [
    '@bull-board/*', // serves files of its own package
    // An operator installs them who wants traces sent.
    '@opentelemetry/sdk-trace-base',
    '@opentelemetry/resources',
    '@opentelemetry/exporter-trace-otlp-http',
  ],
  plugins: [madeBefore, leftOut, parted, besideItself],
  legalComments: 'linked',
});

/** Modules become scripts, whose compiled code can be kept from one start to the next (src/cli/code-cache.ts). */
const asScript = ({ text }) =>
  transform(text, {
    format: 'cjs',
    platform: 'node',
    target: 'node20',
    supported: { 'dynamic-import': false },
    define: { 'import.meta.url': 'bundleUrl' },
    minifyWhitespace: true,
    logLevel: 'warning',
  });

rmSync(`${dist}bundle`, { recursive: true, force: true });
mkdirSync(`${dist}bundle`);
await Promise.all(
  outputFiles.map(async (file) => {
    writeFileSync(file.path, file.path.endsWith('.cjs') ? (await asScript(file)).code : file.contents);
  }),
);
const program = outputFiles.map(({ path }) => basename(path)).find((name) => /^program-.*\.cjs$/.test(name));
await build({
  ...forNode,
  // From its source: what it was compiled to is replaced, and is not compiled anew where only the program has changed.
  entryPoints: { 'cli/main': new URL('../src/cli/main.ts', import.meta.url).pathname },
  outdir: dist,
  define: { PROGRAM: JSON.stringify(program) },
});
