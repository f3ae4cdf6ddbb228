import stripAnsi from 'strip-ansi';

/** Output as text: invalid UTF-8 is shown as U+FFFD; escape sequences of terminals go unless they are wanted. */
export function textOf(bytes: Buffer, ansi: boolean): string {
  const text = bytes.toString('utf8');
  return ansi ? text : stripAnsi(text);
}
