import { omitUndefined } from '../omit-undefined.js';
import { beginningOf } from '../plain-text.js';
import type { ToolCallEvent, ToolKind, ToolResultEvent } from './event.js';
import { oneLine } from './one-line.js';

/** The kind of a tool by its name: the first pattern that matches; the words come from the programs that we support. */
const KINDS: readonly (readonly [RegExp, ToolKind])[] = [
  [/todo|plan|think|thought/i, 'think'],
  [/^(delete|remove|rm)|delete_?file/i, 'delete'],
  [/^(move|rename|mv)|(move|rename)_?file/i, 'move'],
  [/edit|write|patch|create_?file|^create$|replace|notebook|file_change/i, 'edit'],
  [/web|fetch|http|browser|url/i, 'fetch'],
  [/grep|glob|search|find|list|^ls$|^rg$/i, 'search'],
  [/bash|shell|command|exec|terminal|powershell|kill/i, 'execute'],
  [/read|view|cat|open/i, 'read'],
];

/** What a tool of this name does. */
function toolKind(name: string): ToolKind {
  return KINDS.find(([pattern]) => pattern.test(name))?.[1] ?? 'other';
}

/** The members of an input that say the most, the first one first. */
const TELLING = [
  'command',
  'cmd',
  'commands',
  'file_path',
  'filePath',
  'path',
  'absolute_path',
  'notebook_path',
  'pattern',
  'query',
  'url',
  'description',
  'prompt',
  'name',
];

function summaryOf(input: unknown): string {
  if (typeof input !== 'object' || input === null) return input === undefined ? '' : oneLine(String(input));
  const told = TELLING.map((name) => (input as Record<string, unknown>)[name]).find(
    (value) => (typeof value === 'string' && value !== '') || Array.isArray(value),
  );
  if (typeof told === 'string') return oneLine(told);
  if (Array.isArray(told) && told.every((item) => typeof item === 'string')) return oneLine(told.join(' && '));
  const text = JSON.stringify(input, cutStrings);
  return text === '{}' ? '' : oneLine(text);
}

/** So that a summary of one line costs little, whatever is in the input. */
const cutStrings = (_name: string, value: unknown) => (typeof value === 'string' ? beginningOf(value, 200) : value);

/** A call of a tool, with its kind and one line on it. */
export function toolCall(
  name: string,
  input: unknown,
  more: { toolCallId?: string | undefined; parentToolCallId?: string | undefined; summary?: string | undefined } = {},
): ToolCallEvent {
  const { summary, ...ids } = more;
  return {
    type: 'tool_call',
    name,
    kind: toolKind(name),
    summary: summary === undefined ? summaryOf(input) : oneLine(summary),
    input: input ?? {},
    ...omitUndefined(ids),
  };
}

/** The path of the file that a call is about, where its input names one. */
export function pathIn(input: unknown): string | undefined {
  if (typeof input !== 'object' || input === null) return undefined;
  const { file_path, filePath, path, absolute_path, notebook_path } = input as Record<string, unknown>;
  return [file_path, filePath, path, absolute_path, notebook_path].find((value) => typeof value === 'string') as
    | string
    | undefined;
}

/** What a tool answered; an output that is not text is its JSON. */
export function toolResult(
  ok: boolean,
  answer: unknown,
  ids: { toolCallId?: string | undefined; parentToolCallId?: string | undefined } = {},
): ToolResultEvent {
  const output = typeof answer === 'string' ? answer : answer === undefined ? '' : JSON.stringify(answer);
  const first = /\S.*/.exec(output)?.[0] ?? '';
  return {
    type: 'tool_result',
    ok,
    summary: oneLine(first),
    output,
    bytes: Buffer.byteLength(output),
    ...omitUndefined(ids),
  };
}
