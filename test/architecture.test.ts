import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { TOOLS } from '../src/mcp/tools/list.js';
import { RUNNERS } from '../src/shared/runners/list.js';

const root = fileURLToPath(new URL('..', import.meta.url));

interface SourceFile {
  /** From the root of the project, with slashes. */
  readonly path: string;
  readonly text: string;
  /** What it imports: names of packages, and of our own files as paths from the root. */
  readonly imports: readonly string[];
}

function filesUnder(directory: string): SourceFile[] {
  return readdirSync(join(root, directory), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => {
      const path = join(directory, name);
      const text = readFileSync(join(root, path), 'utf8');
      return { path, text, imports: importsOf(path, text) };
    });
}

function importsOf(path: string, text: string): string[] {
  const named = [...text.matchAll(/\b(?:from|import)\s*\(?\s*['"]([^'"]+)['"]/g)].map((match) => match[1] ?? '');
  return named.map((name) => (name.startsWith('.') ? relative(root, join(root, dirname(path), name)) : name));
}

const source = filesUnder('src');
const within = (path: string, ...folders: string[]) => folders.some((folder) => path.startsWith(`src/${folder}`));

/** `who imports what` for each import that a rule forbids. */
const broken = (forbidden: (path: string, imported: string) => boolean) =>
  source.flatMap(({ path, imports }) =>
    imports.filter((imported) => forbidden(path, imported)).map((imported) => `${path} imports ${imported}`),
  );

/** Only these folders or files may import a package, or a part of one. */
const onlyIn = (pattern: RegExp, ...places: string[]) =>
  broken((path, imported) => pattern.test(imported) && !within(path, ...places));

const GATEWAYS = ['agents/', 'control.ts', 'pool.ts', 'queues/', 'redis/', 'run-store/', 'workers.ts'].map(
  (name) => `shared/${name}`,
);

describe('imports', () => {
  it('are found by this test at all', () => {
    const files = new Set(source.map(({ path }) => path.replace(/\.ts$/, '.js')));
    const own = source.flatMap(({ imports }) => imports.filter((name) => name.startsWith('src/')));
    expect(own.length).toBeGreaterThan(source.length);
    expect(own.filter((name) => !files.has(name))).toEqual([]);
  });

  it.each(['mcp', 'worker', 'board', 'http'])('of %s reach neither another process nor the command line', (room) => {
    const others = ['mcp/', 'worker/', 'board/', 'http/', 'cli/', 'library/'].filter((other) => other !== `${room}/`);
    expect(broken((path, imported) => within(path, `${room}/`) && within(imported, ...others))).toEqual([]);
  });

  it('of shared stay in shared', () => {
    expect(
      broken((path, imported) => within(path, 'shared/') && /^src\//.test(imported) && !within(imported, 'shared/')),
    ).toEqual([]);
  });

  it('of client, which is what every door asks, reach the gateways and nothing else', () => {
    expect(
      broken(
        (path, imported) =>
          within(path, 'client/') && /^src\//.test(imported) && !within(imported, 'shared/', 'client/'),
      ),
    ).toEqual([]);
    expect(broken((path, imported) => within(path, 'client/') && imported === 'zod')).toEqual([]);
  });

  it('of the library, which programs import, reach client and the shapes of submissions', () => {
    const doors = ['client/', 'shared/', 'library/', 'mcp/shapes/'];
    expect(
      broken((path, imported) => within(path, 'library/') && /^src\//.test(imported) && !within(imported, ...doors)),
    ).toEqual([]);
  });

  it('of worker and http do not reach client: they neither submit nor ask', () => {
    expect(broken((path, imported) => within(path, 'worker/', 'http/') && within(imported, 'client/'))).toEqual([]);
  });

  it('of the command line reach no tool: it asks client itself', () => {
    const doors = ['mcp/http.js', 'mcp/stdio.js', 'mcp/overmind/'];
    expect(
      broken((path, imported) => within(path, 'cli/') && within(imported, 'mcp/') && !within(imported, ...doors)),
    ).toEqual([]);
  });

  it('of tools reach client, and not overmind, which is asked before them', () => {
    expect(broken((path, imported) => within(path, 'mcp/tools/') && within(imported, 'mcp/overmind/'))).toEqual([]);
    expect(onlyIn(/^src\/mcp\/overmind\/(?!import)/, 'mcp/overmind/', 'mcp/call.ts', 'cli/run.ts')).toEqual([]);
  });

  it('of ioredis and bullmq are those of the gateways', () => {
    expect(onlyIn(/^(ioredis|bullmq)(\/|$)/, ...GATEWAYS)).toEqual([]);
  });

  it('of Bull Board are those of the board, and of what answers HTTP those of the server and the board', () => {
    expect(onlyIn(/^@bull-board(\/|$)/, 'board/')).toEqual([]);
    expect(onlyIn(/^(@hono|hono)(\/|$)/, 'board/', 'http/')).toEqual([]);
  });

  it('of the MCP SDKs are those of their bindings, of the transports, and of the client in the demo', () => {
    expect(
      onlyIn(
        /^@modelcontextprotocol\//,
        'mcp/bindings/',
        'mcp/stdio.ts',
        'mcp/http.ts',
        'mcp/http-until-2025.ts',
        'cli/demo.ts',
      ),
    ).toEqual([]);
  });

  it('of OpenTelemetry are those of what tells of traces, which is loaded where somebody wants them', () => {
    expect(onlyIn(/^@opentelemetry\//, 'shared/traces/')).toEqual([]);
    const loaded = source.filter(({ text }) => /^import (?!type\b).*from '[^']*traces\/(open|otlp)\.js'/m.test(text));
    expect(loaded.map(({ path }) => path)).toEqual([]);
  });

  it('of what draws in a terminal are those of the command line', () => {
    expect(onlyIn(/^(commander|string-width|picocolors)$/, 'cli/')).toEqual([]);
  });
});

describe('the house', () => {
  it('has exactly these names directly under shared', () => {
    const contract = ['run.ts', 'run-state.ts', 'runners', 'transcript'];
    const gateways = ['run-store', 'queues', 'control.ts', 'workers', 'agents', 'redis'];
    const start = ['config', 'errors.ts', 'logger.ts'];
    const decision0008 = [
      'pool.ts',
      'version.ts',
      'allowed-path.ts',
      'allowed-directories.ts',
      'principal.ts',
      'nesting.ts',
      'omit-undefined.ts',
      'stored-form.ts',
      'plain-text.ts',
      'measures.ts',
      'nearest.ts',
      'read-time.ts',
      'find-program.ts',
      'traces',
      'by-turn.ts',
      'instruments.ts',
    ];
    const closed = [...contract, ...gateways, ...start, ...decision0008];
    expect(readdirSync(join(root, 'src/shared')).filter((name) => !closed.includes(name))).toEqual([]);
  });

  it('has no place for things without an owner', () => {
    const names = [...source, ...filesUnder('test')].flatMap(({ path }) => path.replace(/\.ts$/, '').split('/'));
    expect(names.filter((name) => /^(utils?|helpers?|common|types?|constants?|misc)$/.test(name))).toEqual([]);
  });

  it('names its files in kebab-case and exports by name only', () => {
    expect(source.filter(({ path }) => !/^[a-z0-9]+(-[a-z0-9]+)*\.ts$/.test(basename(path)))).toEqual([]);
    expect(source.filter(({ text }) => /^export default\b|\bas default\b/m.test(text)).map(({ path }) => path)).toEqual(
      [],
    );
  });

  it('reads the environment in the command line only', () => {
    // The demo runner's program is a process of its own, not a part of ours.
    const allowed = ({ path }: SourceFile) => within(path, 'cli/', 'shared/runners/demo-program.ts');
    const reads = source.filter((file) => /\bprocess\s*(\.\s*env\b|\[)/.test(file.text) && !allowed(file));
    expect(reads.map(({ path }) => path)).toEqual([]);
  });

  it('has no file over 300 lines', () => {
    const sizes = source.map(({ path, text }) => ({ path, lines: text.split('\n').length - 1 }));
    const sorted = sizes.map(({ lines }) => lines).sort((a, b) => a - b);
    console.info(`src has ${sizes.length} files, the median has ${sorted[Math.floor(sorted.length / 2)]} lines`);
    expect(sizes.filter(({ lines }) => lines > 300)).toEqual([]);
  });
});

/** What the files of a folder export, by file name without its ending. */
async function exportsOf(folder: string, without: readonly string[]): Promise<Map<string, unknown[]>> {
  const names = readdirSync(join(root, folder)).map((name) => basename(name, '.ts'));
  const modules = names
    .filter((name) => !without.includes(name))
    .map(async (name) => [name, Object.values(await import(join(root, folder, `${name}.ts`)))] as const);
  return new Map(await Promise.all(modules));
}

const hasMembers = (value: unknown, ...members: string[]): value is { name: string } =>
  typeof value === 'object' && value !== null && members.every((member) => member in value);

describe('the page of the architecture', () => {
  const page = readFileSync(join(root, 'docs/architecture.md'), 'utf8');
  const sizes = page.slice(page.indexOf('## The size of the house'));

  it('counts the files of each room of the worker', () => {
    const files = source.filter(({ path }) => within(path, 'worker/')).map(({ path }) => path.split('/').slice(2));
    const rooms = new Map<string, number>();
    for (const [room = '', file] of files) if (file !== undefined) rooms.set(room, (rooms.get(room) ?? 0) + 1);
    const beside = files.filter(({ length }) => length === 1).length;
    expect(sizes).toContain(`${files.length} in eight rooms: `);
    expect(sizes).toContain(`and ${beside} beside them`);
    for (const [room, count] of rooms) expect(sizes).toContain(`${room} ${count}`);
  });

  it('leads what it walks through files that are there', () => {
    const walks = sizes.slice(sizes.indexOf('| Walk |'));
    const named = [...walks.matchAll(/`([a-z][\w-]*\/[\w/.-]+)`/g)].map(([, name = '']) => name.replace(/\.lua$/, ''));
    expect(named.length).toBeGreaterThan(25);
    const there = new Set([
      ...source.map(({ path }) => path.replace(/^src\/(worker\/)?|\.ts$/g, '')),
      ...source.map(({ path }) => path.replace(/^src\/|\.ts$/g, '')),
    ]);
    const scripts = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' });
    for (const name of scripts) if (name.endsWith('.lua')) there.add(name.replace(/\.lua$/, ''));
    expect(named.filter((name) => !there.has(name))).toEqual([]);
  });
});

describe('the two lists', () => {
  it('have nothing but tools in src/mcp/tools', async () => {
    const files = await exportsOf('src/mcp/tools', ['list']);
    expect([...files].filter(([, values]) => values.length !== 1).map(([file]) => file)).toEqual([]);
  });

  it('have every tool that a file of src/mcp/tools defines, named like its file', async () => {
    const files = await exportsOf('src/mcp/tools', ['list']);
    const defined = [...files].flatMap(([file, values]) =>
      values.filter((value) => hasMembers(value, 'name', 'input', 'handle')).map((tool) => ({ file, tool })),
    );
    expect(defined.map(({ tool }) => tool.name).sort()).toEqual(TOOLS.map(({ name }) => name).sort());
    for (const { file, tool } of defined) {
      expect(TOOLS).toContain(tool);
      expect(tool.name.replaceAll('_', '-')).toBe(file);
    }
  });

  it('have every runner that a file of src/shared/runners defines, named like its file', async () => {
    const files = await exportsOf('src/shared/runners', ['list', 'demo-program']);
    const defined = [...files].flatMap(([file, values]) =>
      values.filter((value) => hasMembers(value, 'name', 'command', 'args')).map((runner) => ({ file, runner })),
    );
    expect(defined.map(({ runner }) => runner.name).sort()).toEqual(RUNNERS.map(({ name }) => name).sort());
    for (const { file, runner } of defined) {
      expect(RUNNERS).toContain(runner);
      expect(runner.name).toBe(file);
    }
  });
});
