// Copies the Lua scripts of src to where the compiled code looks for them.
import { copyFileSync, mkdirSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';

const from = new URL('../src/', import.meta.url).pathname;
const to = new URL('../dist/', import.meta.url).pathname;
for (const file of readdirSync(from, { recursive: true }).filter((name) => name.endsWith('.lua'))) {
  mkdirSync(dirname(join(to, file)), { recursive: true });
  copyFileSync(join(from, file), join(to, file));
}
