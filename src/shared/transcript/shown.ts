import { beginningOf, plainText } from '../plain-text.js';
import type { TranscriptEvent } from './transcript.js';

/** An input of a call is shown up to here (characters of JSON), and left out where it is longer. */
const INPUT_CHARS = 2_000;
const PATCH_CHARS = 4_000;
const MESSAGE_CHARS = 2_000;

/** An event as it is shown to a model, which pays for every word: without the whole output of a tool, which stays in the raw output. */
export type ShownEvent = Small<TranscriptEvent>;
type Small<Event> = Event extends { readonly output: string }
  ? Omit<Event, 'output'>
  : Event extends { readonly input: unknown }
    ? Omit<Event, 'input'> & { readonly input?: unknown }
    : Event;

const cut = (text: string, most: number) =>
  text.length <= most ? plainText(text) : `${plainText(beginningOf(text, most))}… [${text.length} characters in all]`;

/** Shortens every text of an event to this many characters, and removes control sequences from them. */
export function shownEvent(event: TranscriptEvent, most: number): ShownEvent {
  switch (event.type) {
    case 'text':
    case 'thinking':
    case 'raw':
      return { ...event, text: cut(event.text, most) };
    case 'tool_result': {
      const { output: _output, ...rest } = event;
      return rest;
    }
    case 'tool_call': {
      const { input, ...rest } = event;
      const json = JSON.stringify(input);
      return {
        ...rest,
        name: plainText(event.name),
        ...(json.length <= INPUT_CHARS && { input: asObject(cleaned(json)) }),
      };
    }
    case 'file_change':
      return {
        ...event,
        path: plainText(event.path),
        ...(event.patch !== undefined && { patch: cut(event.patch, PATCH_CHARS) }),
      };
    case 'usage':
      return event;
    default:
      return { ...event, message: cut(event.message, MESSAGE_CHARS) };
  }
}

const cleaned = (json: string): unknown =>
  JSON.parse(json, (_name, value: unknown) => (typeof value === 'string' ? plainText(value) : value));

/** The schema promises an object to clients: anything else becomes the `value` of one. */
function asObject(value: unknown): object {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : { value };
}
