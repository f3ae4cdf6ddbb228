import { describe, expect, test } from 'vitest';
import { createFraming, type Frame, type FramingOptions } from '../../../../src/shared/transcript/framing.js';
import { seeded } from '../../../support/random.js';

const MANY = 1024 * 1024;

function framed(chunks: readonly (string | Buffer)[], options: Partial<FramingOptions> = {}): Frame[] {
  const framing = createFraming({ format: 'json-lines', longest: MANY, ...options });
  return [...chunks.flatMap((chunk) => framing.take(Buffer.from(chunk))), ...framing.finish()];
}
/** The values and the text beside them, in order. */
const told = (output: string, options?: Partial<FramingOptions>) =>
  framed([output], options).flatMap(({ values, text }) => [...values, ...(text.trim() === '' ? [] : [text])]);

/** Every byte is in exactly one frame. */
function expectWhole(frames: readonly Frame[], length: number, from = 0): void {
  const wrong = frames.filter(({ offset, end }, at) => offset !== (frames[at - 1]?.end ?? from) || end <= offset);
  expect(wrong).toEqual([]);
  expect(frames.at(-1)?.end ?? from).toBe(from + length);
}

describe('JSON output', () => {
  test('has a value a line, and text between them', () => {
    expect(told('{"a":1}\nwords\n\n[1]\r\n{"b":"ü"}')).toEqual([{ a: 1 }, 'words', [1], { b: 'ü' }]);
  });

  test.each([
    ['colours around', '\x1b[32m{"a":1}\x1b[0m\n'],
    ['colours within', '{"a":\x1b[1m1\x1b[0m}\n'],
    ['a title of the window before', '\x1b]0;working\x07{"a":1}\n'],
    ['a byte order mark', '\ufeff{"a":1}\n'],
    ['a bell and a NUL', '\x07\0{"a":1}\n'],
    ['a line that was erased', '\r\x1b[K\r\x1b[2K{"a":1}\r\n'],
  ])('is understood with %s', (_what, output) => {
    expect(told(output).filter((one) => one !== '\ufeff')).toEqual([{ a: 1 }]);
  });

  test.each([
    ['progress before it', 'loading 50%\r⠋ loading 99%\r{"a":1}\n', [{ a: 1 }, 'loading 50%']],
    ['another one on its line', '{"a":1}{"b":2} {"c":3}\n', [{ a: 1 }, { b: 2 }, { c: 3 }]],
    ['words with braces before it', 'if (x) { y } {"a":1}\n', [{ a: 1 }, 'if (x) { y }']],
  ])('is understood with %s', (_what, output, expected) => {
    expect(told(output)).toEqual(expected.map((one) => (typeof one === 'string' ? expect.stringContaining(one) : one)));
  });

  test('may have a value over several lines, coloured or not', () => {
    const value = { payloads: [{ text: 'a "b" \\ {\n' }, [], {}], meta: { n: -1.5e3, ok: true, no: null } };
    const pretty = JSON.stringify(value, null, 2);
    expect(told(`starting\n${pretty}\nended\n`)).toEqual(['starting', value, 'ended']);
    expect(told(pretty.replaceAll('"text"', '\x1b[34m"text"\x1b[0m').replaceAll('\n', '\r\n'))).toEqual([value]);
    expect(told(`[\n  ${JSON.stringify(value)},\n  ${JSON.stringify(value)}\n]\n`)).toEqual([[value, value]]);
    expect(told(`{"a":1,\n"b":\n  [2,\n3]}\nmore\n`)).toEqual([{ a: 1, b: [2, 3] }, 'more']);
  });

  test('that breaks off holds up nothing after it', () => {
    expect(told('{"a":\n{"b":1},\n{"c":2}\n')).toEqual(['{"a":', { b: 1 }, ',', { c: 2 }]);
    expect(told('{"a":\n{"b":1}\n{"c":2}\n')).toEqual(['{"a":', { b: 1 }, { c: 2 }]);
    expect(told('{"a":"he\n{"b":1}\n')).toEqual(['{"a":"he', { b: 1 }]);
    expect(told('function f() {\n  return 1;\n}\n{"b":1}\n')).toEqual(['function f() {', '  return 1;', '}', { b: 1 }]);
    const framing = createFraming({ format: 'json-lines', longest: MANY });
    expect(framing.take(Buffer.from('{"a":\n{"b":1}\n{"c":2}\n')).map(({ values }) => values)).toEqual([
      [],
      [{ b: 1 }],
      [{ c: 2 }],
    ]);
  });

  test('that never closes is lines at its end', () => {
    expect(told('{\n"a": 1,\n"b":')).toEqual(['{', '"a": 1,', '"b":']);
    expect(told('{"a":1')).toEqual(['{"a":1']);
  });

  test('has no message in a bare number, word or string', () => {
    expect(told('1\ntrue\nnull\n"words"\n')).toEqual(['1', 'true', 'null', '"words"']);
  });
});

describe('messages alone', () => {
  const messages = (output: string, options: Partial<FramingOptions> = {}) =>
    framed([output], { onlyMessages: true, ...options }).map(({ offset, end, values }) => ({ offset, end, values }));

  test('have their place in the stream, with what is left out before, between and after them', () => {
    expect(messages('words\n\n{"a":1}\nmore [1]\nx {"b":2}\nend')).toEqual([
      { offset: 7, end: 15, values: [{ a: 1 }] },
      { offset: 24, end: 34, values: [{ b: 2 }] },
    ]);
  });

  test('may begin behind other words and go on over lines', () => {
    expect(messages('got: {"a": {\n  "b": 1}}\n').map(({ values }) => values)).toEqual([[{ a: { b: 1 } }]]);
    expect(messages('{"a":1} {"b":\n2}\n').map(({ values }) => values)).toEqual([[{ a: 1 }], [{ b: 2 }]]);
  });

  test('in an array that is not closed in its line count by themselves', () => {
    expect(messages('[{"a":1},\n{"b":2}]\n').map(({ values }) => values)).toEqual([[{ a: 1 }], [{ b: 2 }]]);
  });

  test('of a program that prints one value may have lines that look like messages', () => {
    const output = '{"list":[\n{"a":1}\n]}\n';
    expect(messages(output, { format: 'json' }).map(({ values }) => values)).toEqual([[{ list: [{ a: 1 }] }]]);
    expect(messages(output).map(({ values }) => values)).toEqual([[{ a: 1 }]]);
  });

  test('that are too long are left out with all of their line', () => {
    expect(messages(`{"a":"${'x'.repeat(50)}"} {"b":1}\n{"c":1}\n`, { longest: 40 })).toEqual([
      { offset: 67, end: 75, values: [{ c: 1 }] },
    ]);
  });
});

test('text is its lines, JSON or not', () => {
  expect(told('one\r\n{"a":1}\n\nthr\ree', { format: 'text' })).toEqual(['one', '{"a":1}', 'thr\ree']);
});

describe('frames', () => {
  const parts = [
    '{"a":1}\n',
    'words\n',
    '\n',
    '{\n',
    '}\n',
    '[\n',
    ']',
    '"x": ',
    '1,',
    '\x1b[0m',
    '\r',
    '{"ü":"😀"}',
    '\n',
  ];

  test('cover every byte once, and are the same however the bytes are divided', () => {
    const random = seeded(3);
    for (let round = 0; round < 400; round += 1) {
      const text = Array.from({ length: random.whole(0, 30) }, () => random.pick(parts)).join('');
      const bytes = Buffer.from(text);
      const options = { longest: random.pick([5, 17, 64, MANY]), offset: random.pick([0, 1_000]) };
      const whole = framed([bytes], options);
      expectWhole(whole, bytes.length, options.offset);
      for (const most of [1, 4, 40]) expect(framed(random.pieces(bytes, most), options)).toEqual(whole);
    }
  });

  test('are the same from the end of any of them on, as long as it is the end of a line', () => {
    const random = seeded(4);
    for (let round = 0; round < 200; round += 1) {
      const bytes = Buffer.from(Array.from({ length: 20 }, () => random.pick(parts)).join(''));
      const whole = framed([bytes]);
      for (const [at, { offset }] of whole.entries())
        expect(framed([bytes.subarray(offset)], { offset })).toEqual(whole.slice(at));
    }
  });

  test('cover bytes that are no text', () => {
    const random = seeded(5);
    for (let round = 0; round < 50; round += 1) {
      const bytes = random.bytes(3_000);
      expectWhole(framed(random.pieces(bytes, 500)), bytes.length);
    }
  });

  test('of a line without an end come at their longest', () => {
    const framing = createFraming({ format: 'json-lines', longest: 1_000 });
    expect(framing.take(Buffer.alloc(2_500, 'x')).map(({ offset, end }) => [offset, end])).toEqual([
      [0, 1_000],
      [1_000, 2_000],
    ]);
    expect(framing.offset).toBe(2_000);
  });

  test.each([
    ['opened again and again', '{"a":\n'],
    ['lists in lists', '[\n'],
    ['closed and opened', '[\n],\n'],
    ['braces on one line', '{"a":{'],
    ['quotation marks', '{"'],
    ['brackets on one line', '{"a":['],
  ])('of a hostile output cost little: %s', (_what, part) => {
    const bytes = Buffer.from(part.repeat(Math.floor(MANY / part.length)));
    const before = process.cpuUsage();
    const frames = framed([bytes]);
    const { user, system } = process.cpuUsage(before);
    console.info(`${JSON.stringify(part)}: ${Math.round((user + system) / 1_000)} ms for 1 MiB`);
    expectWhole(frames, bytes.length);
  });
});
