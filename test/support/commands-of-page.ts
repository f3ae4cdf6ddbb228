import { readFileSync } from 'node:fs';

/**
 * The commands under a heading of a page, to the letter, without the prompts of a terminal; where several blocks are there, `at` is the
 * number of one, from 0. `page`: from the root.
 */
export function commandsOf(page: string, heading: string, at = 0): string {
  const text = readFileSync(new URL(`../../${page}`, import.meta.url), 'utf8');
  const [, section = ''] = text.split(`\n## ${heading}\n`);
  const blocks = [...(section.split('\n## ')[0] ?? '').matchAll(/```(?:sh)?\n(.*?)```/gs)];
  const [, commands] = blocks[at] ?? [];
  if (commands === undefined) throw new Error(`${page} has no commands under ${heading}`);
  return commands.replaceAll(/^\$ /gm, '');
}
