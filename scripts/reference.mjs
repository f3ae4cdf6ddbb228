#!/usr/bin/env node
// Writes docs/reference from the code: commands, tools, settings, runners. With --check it changes nothing and ends with 1
// when a page says something else. Needs dist/, so build first.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { commandLine } from '../dist/cli/command-line.js';
import { EXIT } from '../dist/cli/exit.js';
import { STATUSES } from '../dist/http/refuse.js';
import { TOOLS } from '../dist/mcp/tools/list.js';
import { SETTINGS } from '../dist/shared/config/settings.js';
import { ERRORS } from '../dist/shared/errors.js';
import { RUNNERS } from '../dist/shared/runners/list.js';
import { GIVEN_TO_EVERY_PROGRAM } from '../dist/worker/prepare/inherited.js';

const DIRECTORY = new URL('../docs/reference/', import.meta.url);

const UNITS = {
  ms: [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['min', 60_000],
    ['s', 1_000],
  ],
  bytes: [
    ['GiB', 2 ** 30],
    ['MiB', 2 ** 20],
    ['KiB', 2 ** 10],
  ],
};

const code = (text) => `\`${text}\``;
const cell = (text) => String(text).replaceAll('|', '\\|').replaceAll('\n', ' ');

function table(head, rows) {
  const line = (cells) => `| ${cells.map(cell).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

/** What a setting is measured in, by the end of its name. */
const unitOf = (name) => (name.endsWith('_MS') ? 'ms' : name.endsWith('_BYTES') ? 'bytes' : undefined);

/** A number in the largest unit that divides it: 86400000 ms is 1 d. */
function amount(number, unit) {
  const [largest, size] = (UNITS[unit] ?? []).find(([, size]) => number >= size && number % size === 0) ?? [];
  if (largest) return `${number / size} ${largest}`;
  if (number === 0 || !unit) return String(number);
  return `${number} ${number === 1 ? unit.replace('bytes', 'byte') : unit}`;
}

/** A zod schema without what only says that it may be absent. */
function bare(schema) {
  return schema.def.innerType ? bare(schema.def.innerType) : schema;
}

/** The last step of a chain of checks: what the setting is in the end. */
function result(schema) {
  return schema.def.type === 'pipe' && schema.def.out.def.type !== 'transform' ? result(bare(schema.def.out)) : schema;
}

function valuesOf(name, schema) {
  const inner = bare(schema);
  const source = inner.def.type === 'pipe' ? inner.def.in : inner;
  if (source.def.type === 'enum') {
    const names = Object.values(source.def.entries).filter((value) => !/^[01]$/.test(value));
    return names.map(code).join(', ');
  }
  const end = result(inner);
  const unit = unitOf(name);
  if (end.def.type === 'number') return `${amount(end.minValue, unit)} to ${amount(end.maxValue, unit)}`;
  return Array.isArray(inner.safeParse('a').data) || end.def.type === 'array' ? 'list' : 'text';
}

function defaultOf(name, schema) {
  const value = schema.def.defaultValue;
  if (value === undefined || value === '') return '';
  const readable = amount(Number(value), unitOf(name));
  return unitOf(name) && !readable.startsWith(`${value} `) ? `${code(value)} (${readable})` : code(value);
}

function settingsTable() {
  const rows = Object.entries(SETTINGS).map(([name, schema]) => [
    code(name),
    schema.description ?? '',
    valuesOf(name, schema),
    defaultOf(name, schema),
  ]);
  return table(['Variable', 'Meaning', 'Value', 'Default'], rows);
}

/** One argument: `name?` may be left out, `name=value` has a default. */
function argument([name, schema]) {
  const { type, defaultValue } = schema.def;
  if (type === 'default') return code(`${name}=${defaultValue}`);
  return code(type === 'optional' ? `${name}?` : name);
}

/** The arguments by which a tool takes a run. */
const NAMES_A_RUN = ['runId', 'agentName', 'runner', 'config'];

function toolsTable() {
  const rows = TOOLS.map(({ name, description, input }) => {
    const takesRun = 'runId' in input.shape;
    const own = Object.entries(input.shape).filter(([key]) => !(takesRun && NAMES_A_RUN.includes(key)));
    return [code(name), description, [...(takesRun ? ['*run*'] : []), ...own.map(argument)].join(', ')];
  });
  return table(['Tool', 'What it does', 'Arguments'], rows);
}

/** The words of an argument: those that were given to the schema from outside win over those within. */
const described = (schema) => schema.description ?? (schema.def.innerType ? described(schema.def.innerType) : '');

function argumentTables() {
  return TOOLS.filter(({ input }) => Object.keys(input.shape).length > 0)
    .map(({ name, input }) => {
      const rows = Object.entries(input.shape).map((entry) => [argument(entry), described(entry[1])]);
      return `## ${name}\n\n${table(['Argument', 'Meaning'], rows)}`;
    })
    .join('\n\n');
}

function runnersTable() {
  const command = /^(npm|npx|pip|pipx|uv|brew|curl|go|cargo|sudo)\b/;
  const rows = RUNNERS.map(({ name, title, install, testedVersion = '', resumeArgs, modes = [], note = '' }) => [
    code(name),
    title,
    command.test(install) ? code(install.replace(/ {2,}/, ' ')) : install,
    testedVersion,
    resumeArgs ? 'yes' : 'no',
    modes.map(code).join(', '),
    note,
  ]);
  return table(['Runner', 'Program', 'Install', 'Tested with', 'Resumes sessions', 'Modes', 'Note'], rows);
}

/** What each runner is given of the worker's environment. */
function variablesTable() {
  const named = (one) =>
    typeof one === 'string' ? code(one) : `where ${code(one.where)} is set ${one.names.map(code).join(', ')}`;
  const rows = RUNNERS.filter(({ inherits }) => inherits).map(({ name, inherits }) => [
    code(name),
    inherits.map(named).join(', '),
  ]);
  return table(['Runner', 'Variables'], [['every one', GIVEN_TO_EVERY_PROGRAM.map(code).join(', ')], ...rows]);
}

/** The name of a command with its arguments, as its own help shows it. */
const usage = (command, path) =>
  [path, ...command.registeredArguments.map((one) => (one.required ? `<${one.name()}>` : `[${one.name()}]`))].join(' ');

const leaves = (command, path) =>
  command.commands.length === 0
    ? [[command, path]]
    : command.commands.filter((one) => one.name() !== 'help').flatMap((one) => leaves(one, `${path} ${one.name()}`));

/** These take part in every command, so they are said once. */
const COMMON = ['--config-file', '--env-file', '--json'];

async function commandsPage() {
  const commands = leaves(await commandLine(), 'agentpool');
  const overview = table(
    ['Command', 'Does'],
    commands.map(([command, path]) => [code(usage(command, path)), command.description()]),
  );
  const details = commands.map(([command, path]) => {
    const options = command.options.filter((option) => !option.hidden && !COMMON.includes(option.long));
    const rows = options.map((option) => [
      code(option.flags),
      [option.description, option.defaultValue === undefined || option.negate ? '' : `(${option.defaultValue})`]
        .filter(Boolean)
        .join(' '),
    ]);
    return rows.length === 0 ? '' : `## ${path}\n\n${table(['Option', 'Meaning'], rows)}`;
  });
  return [
    '# Commands',
    'A *run* is named by its id, by a unique beginning of it, or by an agent name (its latest run). Data goes to stdout,\n' +
      'everything else to stderr; `--json` prints data as JSON. `--config-file` and `--env-file` name configuration files for any\n' +
      'command. Ctrl-C on `run`, `logs` or `wait` stops looking; the run goes on.',
    overview,
    'Exit codes: 0 ok, 1 the run did not end as `done` (or an import was not complete), 2 wrong use, 69 Redis or a worker cannot\n' +
      'be reached, 70 a defect of agentpool, 74 what it prints cannot be written, 78 configuration, 130 interrupted.',
    ...details.filter(Boolean),
  ].join('\n\n');
}

/** The exit code of a command that ends with an error. */
function exitCodeOf(name) {
  if (name === 'configuration') return EXIT.configuration;
  if (name.startsWith('redis_')) return EXIT.unreachable;
  return name === 'internal_error' ? EXIT.defect : EXIT.wrongUse;
}

function errorsTable() {
  const rows = Object.entries(ERRORS).map(([name, { means, hint }]) => [
    code(name),
    means,
    hint,
    exitCodeOf(name),
    STATUSES[name] ?? '',
  ]);
  return table(
    ['Code', 'Means', 'What to do, where the message does not say better', 'Exit code', 'HTTP status'],
    rows,
  );
}

const PAGES = {
  'errors.md': () =>
    [
      '# Error codes',
      'Tools, HTTP, pages and `--json` commands answer every error with `{ code, message, hint }`. There are no other codes, and a\n' +
        'code keeps its meaning. A code with an HTTP status may be the answer of the HTTP server itself; all others are errors of a tool,\n' +
        'within an answer of MCP with 200, or a page. Where `retry-after` is sent, it says when to ask again.',
      errorsTable(),
    ].join('\n\n'),
  'README.md': () =>
    [
      '# Reference',
      'Generated from the code by `node scripts/reference.mjs`; `npm run check` fails when a page is out of date.',
      '* [commands.md](commands.md): every subcommand of `agentpool`, its options, and the exit codes\n' +
        '* [tools.md](tools.md): the MCP tools and their arguments\n' +
        '* [settings.md](settings.md): every setting, with its default\n' +
        '* [runners.md](runners.md): the agent programs that are known, and how each is installed\n' +
        '* [errors.md](errors.md): every error code, what it means, what to do about it, its exit code and its HTTP status',
    ].join('\n\n'),
  'commands.md': commandsPage,
  'tools.md': () =>
    [
      '# MCP tools',
      '*run* stands for `runId`, or for `agentName` with an optional `runner`: the latest run of that name. `name?` may be left\n' +
        'out, `name=value` has a default. Errors of a call are `{ code, message, hint }`.',
      toolsTable(),
      argumentTables(),
    ].join('\n\n'),
  'settings.md': () =>
    [
      '# Settings',
      'Environment variables, or lines of the files that [configuration](../configuration.md) names. A length of time ends in\n' +
        '`_MS`, a size in `_BYTES`.',
      settingsTable(),
    ].join('\n\n'),
  'runners.md': () =>
    [
      '# Runners',
      'The agent programs that agentpool knows how to start. [Runners](../runners.md) says how a worker finds them and how to add\n' +
        'your own.',
      runnersTable(),
      '## Variables',
      'What a program is given of the environment of its worker; `*` stands for anything. [Runners](../runners.md) says how to give it\n' +
        'more.',
      variablesTable(),
    ].join('\n\n'),
};

const check = process.argv.includes('--check');
const stale = [];
for (const [name, make] of Object.entries(PAGES)) {
  const file = new URL(name, DIRECTORY);
  const page = `${await make()}\n`;
  if (existsSync(file) && readFileSync(file, 'utf8') === page) continue;
  stale.push(name);
  if (check) continue;
  mkdirSync(DIRECTORY, { recursive: true });
  writeFileSync(file, page);
}
if (check && stale.length > 0) {
  console.error(
    `docs/reference: ${stale.join(', ')} differ from the code; run: npm run build && node scripts/reference.mjs`,
  );
  process.exit(1);
}
console.log(`docs/reference: ${stale.length === 0 ? 'up to date' : `${stale.join(', ')} written`}`);
