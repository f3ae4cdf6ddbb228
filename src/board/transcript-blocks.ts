import { html, raw } from 'hono/html';
import { size } from '../shared/measures.js';
import { beginningOf, plainText } from '../shared/plain-text.js';
import type { FileChangeEvent, ToolCallEvent, ToolResultEvent } from '../shared/transcript/event.js';
import { fileInWords, lineOf } from '../shared/transcript/readable.js';
import type { TranscriptEvent } from '../shared/transcript/transcript.js';
import type { Html } from './layout.js';
import { markdownInTurn } from './markdown.js';

/** A piece of a transcript on a page. One with the key of an earlier one takes its place. */
export interface Block {
  /** The id of its element: where in the output it begins. */
  readonly key: string;
  readonly html: Html;
}

/** Longer ones are cut (characters); the raw output has all of them. */
const INPUT_CHARS = 20_000;
const OUTPUT_CHARS = 40_000;
const PATCH_LINES = 400;
/** Pieces of a text, or lines that were not understood, are joined into one block up to this size (characters). */
const MERGED_CHARS = 64_000;

/** What can grow: pieces of one text or thought, or lines that were not understood. */
interface Growing {
  readonly key: string;
  readonly kind: string;
  readonly first: TranscriptEvent;
  text: string;
}

const kindOf = (event: TranscriptEvent): string | undefined => {
  if (event.type === 'raw') return `raw ${event.stream}`;
  if ((event.type === 'text' || event.type === 'thinking') && event.delta) return `${event.type} ${event.stream}`;
  return undefined;
};
const keyOf = ({ stream, offset }: TranscriptEvent, at: number) => `${stream}-${offset}${at === 0 ? '' : `-${at}`}`;

/** Makes blocks of events; a block that grows is answered again with its key. `startedAt`: times count from there (ms). */
export function createBlocks(startedAt: number | undefined) {
  let growing: Growing | undefined;
  let lastKey = '';
  let sameKey = 0;
  return {
    take(events: readonly TranscriptEvent[]): Block[] {
      // Rendered at the end: a text of thousands of pieces would otherwise be rendered again with each of them.
      const blocks = new Map<string, () => Html>();
      for (const event of events) {
        const base = keyOf(event, 0);
        sameKey = base === lastKey ? sameKey + 1 : 0;
        lastKey = base;
        const kind = kindOf(event);
        if (kind !== undefined && 'text' in event) {
          const goesOn = growing?.kind === kind && growing.text.length + event.text.length < MERGED_CHARS;
          if (growing && goesOn) growing.text += event.type === 'raw' ? `\n${event.text}` : event.text;
          else growing = { key: keyOf(event, sameKey), kind, first: event, text: event.text };
          const block = growing;
          blocks.set(block.key, () => framed(block.first, startedAt, block.key, grown(block)));
          continue;
        }
        growing = undefined;
        const inner = htmlOf(event);
        const key = keyOf(event, sameKey);
        if (inner) blocks.set(key, () => framed(event, startedAt, key, inner));
      }
      return [...blocks].map(([key, block]) => ({ key, html: block() }));
    },
    /** Its last block may still grow. */
    isGrowing: () => growing !== undefined,
  };
}

/** Minutes and seconds since the start of the run. */
function clock(at: number, startedAt: number): string {
  const seconds = Math.max(0, Math.floor((at - startedAt) / 1_000));
  const two = (value: number) => String(value).padStart(2, '0');
  const [hours, minutes] = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60];
  return `${hours > 0 ? `${hours}:${two(minutes)}` : minutes}:${two(seconds % 60)}`;
}

function framed(event: TranscriptEvent, startedAt: number | undefined, key: string, inner: Html): Html {
  const iso = new Date(event.at).toISOString();
  const since = clock(event.at, startedAt ?? event.at);
  const under = 'parentToolCallId' in event && event.parentToolCallId !== undefined ? ' under' : '';
  return html`<div class="block${under}" id="${key}"><a class="at" href="#${key}"><time datetime="${iso}" title="${iso}">${since}</time></a><div class="what">${inner}</div></div>`;
}

function grown({ first, text }: Growing): Html {
  if (first.type === 'text') return said(text);
  if (first.type === 'thinking') return thought(text);
  return html`<pre class="raw ${first.stream}" tabindex="0">${plainText(text)}</pre>`;
}

const said = (text: string) => html`<div class="say">${markdownInTurn(text).then(raw)}</div>`;

function thought(text: string): Html {
  const plain = plainText(text).trim();
  const line = beginningOf(plain.split('\n')[0] ?? '', 120);
  if (line.length === plain.length) return html`<p class="think">${plain}</p>`;
  return html`<details class="think"><summary>${line}…</summary><p>${plain}</p></details>`;
}

function htmlOf(event: TranscriptEvent): Html | undefined {
  switch (event.type) {
    case 'text':
      return event.text.trim() === '' ? undefined : said(event.text);
    case 'thinking':
      return thought(event.text);
    case 'tool_call':
      return toolCall(event);
    case 'tool_result':
      return toolResult(event);
    case 'file_change':
      return diff(event);
    case 'error':
      return html`<p class="${event.transient ? 'warning' : 'error'}">${plainText(event.message)}</p>`;
    case 'usage':
      return event.of === 'step' ? undefined : quietly(event);
    default:
      return quietly(event);
  }
}

const quietly = (event: Exclude<TranscriptEvent, { type: 'text' }>) =>
  html`<p class="${event.type === 'limit' ? 'warning' : 'quiet'}">${(lineOf(event) ?? '').replace(/^\[\w+\] /, '')}</p>`;

const cut = (text: string, most: number) =>
  text.length <= most
    ? text
    : `${beginningOf(text, most)}\n… ${size(Buffer.byteLength(text))} in all; the raw output has the rest`;

function toolCall({ name, summary, input, kind }: ToolCallEvent): Html {
  const json = plainText(JSON.stringify(input, null, 2) ?? '');
  const head = html`<span class="tool ${kind}">${plainText(name)}</span> <code>${plainText(summary)}</code>`;
  if (json === '{}') return html`<p class="call">${head}</p>`;
  return html`<details class="call"><summary>${head}</summary><pre tabindex="0">${cut(json, INPUT_CHARS)}</pre></details>`;
}

function toolResult({ ok, summary, output, bytes }: ToolResultEvent): Html {
  const text = plainText(output).trimEnd();
  const line = plainText(summary);
  const mark = ok ? 'ok' : 'failed';
  if (text.trim() === line) return html`<p class="result ${mark}"><span>${line || 'nothing to say'}</span></p>`;
  return html`<details class="result ${mark}"><summary><span>${line}</span> <small>${size(bytes)}</small></summary><pre tabindex="0">${cut(text, OUTPUT_CHARS)}</pre></details>`;
}

function diff(event: FileChangeEvent): Html {
  const words = fileInWords(event);
  const lines = event.patch === undefined ? [] : plainText(event.patch).split('\n');
  if (lines.length === 0) return html`<p class="file">${words}</p>`;
  const more = lines.length > PATCH_LINES ? html`<i class="hunk">… ${lines.length - PATCH_LINES} more lines\n</i>` : '';
  const kindOfLine = (line: string) =>
    line.startsWith('+') ? 'add' : line.startsWith('-') ? 'del' : line.startsWith('@@') ? 'hunk' : '';
  return html`<details class="file" open><summary>${words}</summary><pre class="patch" tabindex="0">${lines
    .slice(0, PATCH_LINES)
    .map((line) => html`<i class="${kindOfLine(line)}">${line}\n</i>`)}${more}</pre></details>`;
}
