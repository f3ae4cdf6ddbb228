import { Writable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { openLogger } from '../../../../src/shared/logger.js';
import type { Findings, Output } from '../../../../src/shared/runners/runner.js';
import { createReader } from '../../../../src/worker/output/findings.js';
import { seeded } from '../../../support/random.js';

const silent = openLogger('test', 'silent');

/** A reader that takes what a message has under our own names. */
const read = (message: unknown): Findings | undefined =>
  typeof message === 'object' && message !== null ? (message as Findings) : undefined;
const jsonLines: Output = { format: 'json-lines', read };
const wholeJson: Output = { format: 'json', read };
const text: Output = { format: 'text' };

function found(output: Output, chunks: readonly (string | Buffer)[]): Findings {
  const reader = createReader(output, () => {}, silent);
  for (const chunk of chunks) reader.take(Buffer.from(chunk));
  return reader.finish();
}

describe('JSON lines', () => {
  const output = '{"sessionId":"s1"}\nno JSON\n\n{"result":"größe 😀 漢字"}\r\n   \n{"ended":true}';
  const findings = { sessionId: 's1', result: 'größe 😀 漢字', ended: true };

  test('tell what they tell, whatever lies between them', () => {
    expect(found(jsonLines, [output])).toEqual(findings);
  });

  test('tell the same however their bytes are divided', () => {
    const random = seeded(1);
    expect(
      found(
        jsonLines,
        [...Buffer.from(output)].map((byte) => Buffer.of(byte)),
      ),
    ).toEqual(findings);
    for (let round = 0; round < 200; round += 1)
      expect(found(jsonLines, random.pieces(Buffer.from(output), 7))).toEqual(findings);
  });

  test('may be anything at all without a failure', () => {
    const random = seeded(2);
    for (let round = 0; round < 200; round += 1)
      expect(found(jsonLines, random.pieces(random.bytes(500), 50))).toEqual({});
    expect(found(jsonLines, ['\0', '\n\n\n', '{"a":', '}\n', '[[[[', 'null\n1\n"s"\ntrue'])).toEqual({});
  });

  test('replace what earlier ones told, and leave what they do not tell', () => {
    const chunks = ['{"result":"first","error":"e"}\n', '{"result":"second"}\n'];
    expect(found(jsonLines, chunks)).toEqual({ result: 'second', error: 'e' });
  });

  test('tell that the provider does not answer, and that it is over as soon as the model works', () => {
    const learned: Findings[] = [];
    const readLimit = (message: unknown) => (JSON.stringify(message).includes('limit') ? read(message) : undefined);
    const worked = (message: unknown) => JSON.stringify(message).includes('words');
    const reader = createReader({ ...jsonLines, read: readLimit, worked }, (one) => learned.push(one), silent);
    const said = [
      '{"words":1}',
      '{"limit":{"message":"busy"}}',
      '{"limit":{"message":"still"}}',
      '7',
      '{"words":1}',
      '{"words":1}',
    ];
    reader.take(Buffer.from(`${said.join('\n')}\n`));
    expect(learned).toEqual([{ limit: { message: 'busy' } }, { limit: { message: 'still' } }, { limit: 'over' }]);
    expect(reader.finish()).toEqual({});
  });

  test('are told of at once, each only when it told something', () => {
    const learned: Findings[] = [];
    const reader = createReader(jsonLines, (one) => learned.push(one), silent);
    reader.take(Buffer.from('{"sessionId":"s'));
    expect(learned).toEqual([]);
    reader.take(Buffer.from('1"}\n{}\n7\n{"result"'));
    expect(learned).toEqual([{ sessionId: 's1' }]);
    reader.take(Buffer.from(':"r"}'));
    expect(learned).toHaveLength(1);
    reader.finish();
    expect(learned).toEqual([{ sessionId: 's1' }, { result: 'r' }]);
  });

  test('of more than 16 MiB are passed over, and the next one is read', () => {
    const long = Buffer.alloc(20 * 1024 * 1024, 'x');
    const chunks = ['{"result":"before"}\n{"result":"', ...seeded(3).pieces(long, 256 * 1024), '"}\n{"ended":true}\n'];
    expect(found(jsonLines, chunks)).toEqual({ result: 'before', ended: true });
  });

  test('of a little less than 16 MiB are read', () => {
    const result = 'x'.repeat(16 * 1024 * 1024 - 100);
    expect(found(jsonLines, [JSON.stringify({ result }).slice(0, 9), JSON.stringify({ result }).slice(9)])).toEqual({
      result,
    });
  });

  test('over which the runner stumbles cost a word in the log, once, and nothing else', () => {
    const lines: string[] = [];
    const log = new Writable({
      write(line, _encoding, done) {
        lines.push(String(line));
        done();
      },
    });
    const stumbling: Output = {
      format: 'json-lines',
      read: (message) => {
        if (JSON.stringify(message) === '[1]') throw new Error('one');
        return read(message);
      },
    };
    const reader = createReader(stumbling, () => {}, openLogger('test', 'warn', log));
    reader.take(Buffer.from('[1]\n{"result":"r"}\n[1]\n[1]\n'));
    expect(reader.finish()).toEqual({ result: 'r' });
    expect(lines.map((line) => JSON.parse(line).msg)).toEqual(['the runner could not read a line of output']);
  });
});

describe('messages of programs that print more than they should', () => {
  const message = '{"sessionId":"s1","result":"r \\u001b[1m {"}';
  const expected = { sessionId: 's1', result: 'r \u001b[1m {' };
  test.each([
    ['behind an escape sequence', `\u001b]9;4;0;\u0007${message}\n`],
    ['behind a title and before a reset', `\u001b]0;title\u0007${message}\u001b[0m\n`],
    ['behind words of a log', `[12:03] INFO {x} [1/2] connected: ${message}\n`],
    ['before more words', `${message} (took 3 s)\n`],
    ['behind one another', `{"sessionId":"s1"} {"result":"r \\u001b[1m {"}\n`],
    [
      'over several lines',
      `log\n${JSON.stringify({ sessionId: 's1', x: [1, { y: 2 }], result: 'r \u001b[1m {' }, null, 2)}\nlog\n`,
    ],
    ['over several lines, behind words', `got: ${JSON.stringify({ a: { sessionId: 'x' }, ...expected }, null, 1)}\n`],
    ['after one that was cut off', `{"sessionId":"s0","text":"cut o\n${message}\n`],
    ['after one that is never closed', `{"open": {\n${message}\n`],
    ['after a byte order mark', `\ufeff${message}\n`],
  ])('are read %s, however the bytes are divided', (_, output) => {
    expect(found(jsonLines, [output])).toMatchObject(expected);
    expect(
      found(
        jsonLines,
        [...Buffer.from(output)].map((byte) => Buffer.of(byte)),
      ),
    ).toMatchObject(expected);
  });

  test('that cannot be read are counted, words are not', () => {
    const reader = createReader(jsonLines, () => {}, silent);
    reader.take(Buffer.from('{"cut": "o\n{\n"a" 1\n}\n[info] {} {x} words {\n}\n{"open":\n'));
    reader.finish();
    expect(reader.unreadable()).toBe(3);
  });

  test('are found in a gigabyte of lines without any at the speed of reading', () => {
    const flood = Buffer.alloc(1024 * 1024, 'y\n');
    const reader = createReader(jsonLines, () => {}, silent);
    for (let round = 0; round < 1_024; round += 1) reader.take(flood);
    reader.take(Buffer.from(`${message}\n`));
    expect(reader.finish()).toMatchObject(expected);
  });
});

describe('one JSON value', () => {
  test('is read at the end, over as many lines as it has', () => {
    const random = seeded(4);
    const bytes = Buffer.from(`\n${JSON.stringify({ result: 'ä\n😀' }, null, 2)}\n`);
    for (let round = 0; round < 50; round += 1)
      expect(found(wholeJson, random.pieces(bytes, 5))).toEqual({ result: 'ä\n😀' });
  });

  test.each(['', ' \n', 'words', '[1', '{}'])('that is something else, %j, tells nothing', (output) => {
    expect(found(wholeJson, [output])).toEqual({});
  });

  test('is read among words of a log, and its inner lines are no messages', () => {
    const inner = '{"result":"inner"}';
    expect(found(wholeJson, ['[info] {} starting\n', `{"list":[\n${inner}\n],\n"result":"outer"}\n`, 'bye\n'])).toEqual(
      {
        list: [{ result: 'inner' }],
        result: 'outer',
      },
    );
  });

  test('of more than 16 MiB tells nothing', () => {
    const pieces = Array.from({ length: 20 }, () => Buffer.alloc(1024 * 1024, ' '));
    expect(found(wholeJson, ['{"result":"a"', ...pieces, '}'])).toEqual({});
  });
});

describe('text', () => {
  test('is the result, without the space around it', () => {
    expect(found(text, ['\n  one\n', 'two \n\n'])).toEqual({ result: 'one\ntwo' });
    expect(found(text, ['one'])).toEqual({ result: 'one' });
    expect(found(text, [' \n\n '])).toEqual({});
    expect(found(text, [])).toEqual({});
  });

  test('has lines that end as on Windows read like any other', () => {
    const seen: string[] = [];
    const output: Output = {
      format: 'text',
      read: (line) => {
        seen.push(line);
        return undefined;
      },
    };
    expect(found(output, ['one\r', '\ntwo\r\n\r\nthr\ree'])).toEqual({ result: 'one\ntwo\n\neer' });
    expect(seen).toEqual(['one', 'two', '', 'thr\ree']);
  });

  test('gives way to a result that the runner found in it', () => {
    const output: Output = { format: 'text', read: (line) => (line === 'b' ? { result: 'found' } : undefined) };
    expect(found(output, ['a\nb\nc'])).toEqual({ result: 'found' });
  });

  test('that is long is its last 64 Ki characters', () => {
    const lines = Array.from({ length: 300_000 }, (_, at) => `${at}\n`).join('');
    expect(found(text, seeded(5).pieces(Buffer.from(lines), 200_000)).result).toBe(lines.slice(-64 * 1024).trim());
  });

  test('is what a terminal shows at the end of progress bars, colours and rubbish', () => {
    const bar = Array.from({ length: 101 }, (_, at) => `\r\u001b[32m${'#'.repeat(at)}\u001b[0m ${at} %`).join('');
    const { result } = found(text, seeded(6).pieces(Buffer.from(`begin\0\n${bar}\r\u001b[Kdone\u0007\n`), 10));
    expect(result).toBe('begin\ndone');
  });

  test('that is cut never begins with half a character', () => {
    const { result = '' } = found(text, ['😀'.repeat(40_000), 'xy']);
    expect(result.length).toBeGreaterThan(65_000);
    expect(Buffer.from(result).toString()).toBe(result);
  });
});
