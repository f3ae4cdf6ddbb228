import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { RUNNERS } from '../../../src/shared/runners/list.js';
import type { Output } from '../../../src/shared/runners/runner.js';
import { createTranscript, type Excerpt, type Piece } from '../../../src/shared/transcript/transcript.js';
import { seeded } from '../../support/random.js';
import { told } from '../../support/told.js';
import { asLine, deeply, mutated, RUBBISH } from './rubbish.js';

const TYPES = [
  'text',
  'thinking',
  'tool_call',
  'tool_result',
  'file_change',
  'usage',
  'limit',
  'error',
  'status',
  'raw',
];

function read(output: Output, pieces: readonly Piece[]): Excerpt[] {
  const transcript = createTranscript(output);
  return [...pieces.flatMap((piece) => transcript.take(piece)), ...transcript.finish()];
}

/** The bytes of a stream as so many pieces; a byte is printed at the time of its offset. */
function piecesOf(stream: Piece['stream'], chunks: readonly Buffer[]): Piece[] {
  let offset = 0;
  return chunks.map((bytes) => {
    const piece = { stream, offset, bytes, at: offset };
    offset += bytes.length;
    return piece;
  });
}

/** What is wrong with events; empty for good ones. */
const wrongIn = (events: unknown) =>
  events === undefined
    ? []
    : (Array.isArray(events) ? events : [events]).filter(
        (event) =>
          !TYPES.includes(event?.type) ||
          Object.values(event).some((value) => value === undefined) ||
          ('text' in event && typeof event.text !== 'string') ||
          ('message' in event && typeof event.message !== 'string') ||
          ('summary' in event && (typeof event.summary !== 'string' || /\n/.test(event.summary))),
      );

describe.each(RUNNERS.map((runner) => [runner.name, runner] as const))('what %s once printed', (name, { output }) => {
  const folder = new URL(`../../fixtures/transcripts/${name}/`, import.meta.url);
  const recorded = readdirSync(folder)
    .filter((file) => file.endsWith('.meta.json'))
    .map((file) => file.replace('.meta.json', ''));
  const bytesOf = (run: string, stream: string) => {
    const file = new URL(`${run}.${stream}`, folder);
    return existsSync(file) ? readFileSync(file) : Buffer.alloc(0);
  };

  test.each(recorded)('in %s is told as these events', (run) => {
    const excerpts = (['stdout', 'stderr'] as const).flatMap((stream) =>
      read(output, piecesOf(stream, [bytesOf(run, stream)])),
    );
    const file = new URL(`${run}.events.txt`, folder);
    // Whoever writes them anew reads them before anybody else believes them.
    if (process.env.WRITE_EVENTS) writeFileSync(file, told(excerpts));
    expect(told(excerpts)).toBe(readFileSync(file, 'utf8'));
  });

  test.each(recorded)('in %s is told with every byte once, and the same however the bytes are divided', (run) => {
    const random = seeded(17);
    for (const stream of ['stdout', 'stderr'] as const) {
      const bytes = bytesOf(run, stream);
      const whole = read(output, piecesOf(stream, [bytes]));
      let at = 0;
      for (const { offset, end } of whole) {
        expect(offset).toBe(at);
        at = end;
      }
      expect(at).toBe(bytes.length);
      for (const most of [7, 300, 9_000]) {
        const divided = read(output, piecesOf(stream, random.pieces(bytes, most)));
        expect(divided.map(({ at: _at, ...same }) => same)).toEqual(whole.map(({ at: _at, ...same }) => same));
        for (const { offset, at: printed } of divided) {
          expect(printed).toBeLessThanOrEqual(offset);
          expect(printed).toBeGreaterThan(offset - most);
        }
      }
    }
  });

  test.each(recorded)('in %s is told the same from any message on', (run) => {
    const bytes = bytesOf(run, 'stdout');
    const whole = read(output, piecesOf('stdout', [bytes]));
    for (const [at, { offset }] of whole.entries()) {
      const rest = read(output, [{ stream: 'stdout', offset, bytes: bytes.subarray(offset), at: 0 }]);
      expect(rest).toEqual(whole.slice(at));
    }
  });

  test('with any part of it replaced by rubbish is told in events of a right shape', () => {
    const random = seeded(19);
    const texts = recorded.map((run) => bytesOf(run, 'stdout').toString());
    const lines = output.format === 'json' ? texts : texts.flatMap((text) => text.split('\n'));
    for (let round = 0; round < 500; round += 1) {
      const line = random.pick(lines);
      const events =
        output.format === 'text'
          ? output.events?.(line.slice(0, random.whole(0, line.length)) + asLine(random.pick(RUBBISH)))
          : output.events?.(line === '' ? '' : mutated(JSON.parse(line), random));
      expect(wrongIn(events), line.slice(0, 200)).toEqual([]);
    }
    for (const value of [...RUBBISH, deeply(1_000)])
      expect(wrongIn(output.format === 'text' ? output.events?.(asLine(value)) : output.events?.(value))).toEqual([]);
  });
});
