#!/usr/bin/env node
// Writes the tables of README.md that follow from the code: settings, tools, runners. With --check it changes nothing
// and ends with 1 when the README says something else. Needs dist/, so build first.
import { readFileSync, writeFileSync } from 'node:fs';
import { whichRun } from '../dist/mcp/shapes/which-run.js';
import { TOOLS } from '../dist/mcp/tools/list.js';
import { SETTINGS } from '../dist/shared/config/settings.js';
import { RUNNERS } from '../dist/shared/runners/list.js';

const README = new URL('../README.md', import.meta.url);

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

function toolsTable() {
  const rows = TOOLS.map(({ name, description, input }) => {
    const takesRun = Object.keys(whichRun).every((key) => input.shape[key] === whichRun[key]);
    const own = Object.entries(input.shape).filter(([key]) => !(takesRun && key in whichRun));
    return [code(name), description, [...(takesRun ? ['*run*'] : []), ...own.map(argument)].join(', ')];
  });
  return table(['Tool', 'What it does', 'Arguments'], rows);
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

const TABLES = { tools: toolsTable, runners: runnersTable, settings: settingsTable };

/** The README with every generated part as it should be. Throws when a part has no place in it. */
function withTables(text) {
  return Object.entries(TABLES).reduce((before, [name, make]) => {
    const open = `<!-- generated: ${name} -->`;
    const close = '<!-- /generated -->';
    const from = before.indexOf(open);
    const to = before.indexOf(close, from);
    if (from < 0 || to < 0) throw new Error(`README.md has no part between ${open} and ${close}`);
    return `${before.slice(0, from)}${open}\n${make()}\n${before.slice(to)}`;
  }, text);
}

const is = readFileSync(README, 'utf8');
const shouldBe = withTables(is);
if (is === shouldBe) console.log('README.md: the generated tables are up to date');
else if (process.argv.includes('--check')) {
  const differs = shouldBe.split('\n').find((line, at) => line !== is.split('\n')[at]);
  console.error('README.md differs from the code; run: npm run build && node scripts/readme-tables.mjs');
  console.error(`the first line that should be there: ${differs}`);
  process.exit(1);
} else {
  writeFileSync(README, shouldBe);
  console.log('README.md: the generated tables are written');
}
