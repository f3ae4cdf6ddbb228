import { readFileSync } from 'node:fs';

/** The commands under a heading of a page, to the letter, without the prompts of a terminal. `page`: from the root. */
export function commandsOf(page: string, heading: string): string {
  const text = readFileSync(new URL(`../../${page}`, import.meta.url), 'utf8');
  const [, section = ''] = text.split(`\n## ${heading}\n`);
  const [, commands] = /```(?:sh)?\n(.*?)```/s.exec(section.split('\n## ')[0] ?? '') ?? [];
  if (commands === undefined) throw new Error(`${page} has no commands under ${heading}`);
  return commands.replaceAll(/^\$ /gm, '');
}
