import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { constants, Script } from 'node:vm';
import { openCodeCache } from './code-cache.js';

/** What a script of the bundle is given; `bundleUrl` stands for `import.meta.url`. */
const HEAD = '(function(exports,require,module,__filename,__dirname,bundleUrl){';
const TAIL = '\n})';

type Body = (
  exports: object,
  require: (name: string) => unknown,
  module: { exports: object },
  filename: string,
  dirname: string,
  bundleUrl: string,
) => void;

/** So long after its start (ms) a process that stays keeps what it has compiled. */
const KEEP_AFTER_MS = 5_000;

/**
 * Loads scripts of dist/bundle as Node loads CommonJS modules, but with the code that an earlier start of the same
 * command has compiled; see `openCodeCache`. `command` undefined: nothing is kept.
 */
export function openBundle(folder: URL, command: string | undefined) {
  const directory = fileURLToPath(folder);
  const bundleUrl = new URL('bundle.cjs', folder).href;
  const requireOther = createRequire(bundleUrl);
  const cache = openCodeCache(directory, command);
  const modules = new Map<string, { exports: object }>();

  const load = (name: string): unknown => {
    if (!name.startsWith('./')) return requireOther(name);
    const known = modules.get(name);
    if (known) return known.exports;
    const filename = directory + name.slice(2);
    const module = { exports: {} };
    modules.set(name, module);
    const script = cache.compiled(
      name,
      (cachedData) =>
        new Script(HEAD + readFileSync(filename, 'utf8') + TAIL, {
          filename,
          columnOffset: -HEAD.length, // traces name places of the file
          importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
          ...(cachedData && { cachedData }),
        }),
    );
    const body = script.runInThisContext() as Body;
    body(module.exports, require, module, filename, directory, bundleUrl);
    return module.exports;
  };
  const require = Object.assign(load, { resolve: requireOther.resolve });

  process.once('exit', (code) => code === 0 && cache.keep());
  setTimeout(() => cache.keep(), KEEP_AFTER_MS).unref();
  return { load: <Exports>(name: string) => load(`./${name}`) as Exports };
}
