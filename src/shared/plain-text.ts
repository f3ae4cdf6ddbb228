import stripAnsi from 'strip-ansi';

/** Foreign words as plain text: what would steer a terminal is left out, line ends and tabs stay. */
export function plainText(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is left out
  return stripAnsi(text).replaceAll(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/g, '');
}
