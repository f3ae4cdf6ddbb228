import { describe, expect, test } from 'vitest';
import { promptLineIn, requestText } from '../../../../src/shared/run-store/request.js';

const lineOf = (prompt: string, bytes = 1_024) =>
  promptLineIn(
    Buffer.from(requestText({ runner: 'demo', agentName: 'a', prompt }))
      .subarray(0, bytes)
      .toString(),
  );

describe('the first line of a prompt', () => {
  test.each([
    ['say hello', 'say hello'],
    ['\n\n  fix the tests  \nand more', 'fix the tests'],
    ['say "hello"\\ and "prompt":"no"', 'say "hello"\\ and "prompt":"no"'],
    ['größe 😀', 'größe 😀'],
    ['', ''],
    [' \n ', ''],
  ])('of %j is %j', (prompt, line) => {
    expect(lineOf(prompt)).toBe(line);
  });

  test('is found in a beginning that breaks off anywhere', () => {
    const prompt = 'a"\\\u0001ß😀'.repeat(8);
    const whole = Buffer.byteLength(requestText({ runner: 'demo', agentName: 'a', prompt }));
    for (let bytes = 24; bytes <= whole; bytes += 1) expect(prompt.startsWith(lineOf(prompt, bytes) ?? '?')).toBe(true);
  });

  test('is found where an older release has put it, and nowhere else', () => {
    expect(promptLineIn('{"form":1,"runner":"demo","mode":"quick","prompt":"old')).toBe('old');
    expect(promptLineIn('{"form":1,"setup":{"systemPrompt":"say \\"prompt\\":\\"no\\""},"prompt":"yes"}')).toBe('yes');
    expect(promptLineIn('')).toBeUndefined();
  });

  test('is cut', () => {
    expect(lineOf('x'.repeat(900))?.length).toBe(200);
  });
});
