import type { AgentEvent } from '../../src/shared/transcript/event.js';
import type { Excerpt } from '../../src/shared/transcript/transcript.js';

const cut = (text: string) => JSON.stringify(text.length > 100 ? `${text.slice(0, 60)}…${text.slice(-30)}` : text);
const rest = (members: object) => Object.entries(members).map(([name, value]) => `${name}=${JSON.stringify(value)}`);

/** An event as one line, for people who compare it with what the program printed. */
function toldBy({ type, ...event }: AgentEvent): string {
  if ('text' in event) {
    const { text, ...more } = event;
    return [type, cut(text), ...rest(more)].join(' ');
  }
  if ('output' in event) {
    const { output, summary, ok, bytes, ...more } = event;
    return [type, ok ? 'ok' : 'not ok', `${bytes} bytes`, cut(summary), ...rest(more)].join(' ');
  }
  if ('input' in event) {
    const { name, kind, summary, input, ...more } = event;
    return [type, name, `(${kind})`, cut(summary), ...rest(more), `input=${cut(JSON.stringify(input ?? null))}`].join(
      ' ',
    );
  }
  if ('message' in event) {
    const { message, ...more } = event;
    return [type, cut(message), ...rest(more)].join(' ');
  }
  return [type, ...rest(event)].join(' ');
}

/** A transcript in a line for each event; a stretch of the output that tells nothing is a line with a dot. */
export const told = (excerpts: readonly Excerpt[]): string =>
  excerpts
    .flatMap(({ stream, offset, end, events }) => {
      const place = `${stream} ${offset}-${end}`;
      return events.length === 0 ? [`${place} ·`] : events.map((event) => `${place} ${toldBy(event)}`);
    })
    .join('\n')
    .concat('\n');
