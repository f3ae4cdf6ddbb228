/**
 * The program behind the `demo` runner. Streams some text over a few seconds, names its session, remembers the turns
 * of a session in the state directory, and does what a few words in the prompt ask for:
 * `fail` ends with an error, `lines N` prints N lines, `every MS` sets the pause between two lines.
 */
import { randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

const STEPS = [
  'reading the prompt',
  'looking around',
  'making a plan',
  'trying the obvious thing',
  'finding out why it does not work',
  'trying the right thing',
  'checking the result',
  'writing it down',
];

const argument = (name: string) => {
  const at = process.argv.indexOf(name);
  return at < 0 ? undefined : process.argv[at + 1];
};
const number = (prompt: string, word: string) => {
  const found = new RegExp(`\\b${word} (\\d+)`).exec(prompt)?.[1];
  return found === undefined ? undefined : Number(found);
};

const stateHome = process.env.XDG_STATE_HOME || join(homedir(), '.local', 'state');
const sessionFile = (id: string) => join(stateHome, 'agentpool-demo', `${id}.json`);

function turnsOf(session: string): string[] {
  if (!/^[\w-]+$/.test(session)) return fail(`there is no session ${session}`);
  try {
    return JSON.parse(readFileSync(sessionFile(session), 'utf8')) as string[];
  } catch {
    return fail(`there is no session ${session} on this host`);
  }
}

function fail(words: string): never {
  process.stdout.write(`error: ${words}\n`);
  process.exit(1);
}

const prompt = readFileSync(0, 'utf8');
const resumed = argument('--resume');
const session = resumed ?? randomUUID();
const turns = resumed === undefined ? [] : turnsOf(resumed);

process.stdout.write(`session: ${session}\n`);
const earlier = turns.at(-1);
if (earlier !== undefined) process.stdout.write(`turn ${turns.length + 1}; before, you said: ${earlier}\n`);

const lines = number(prompt, 'lines') ?? STEPS.length;
const everyMs = number(prompt, 'every') ?? (argument('--mode') === 'quick' ? 50 : 400);
for (let line = 1; line <= lines; line += 1) {
  await pause(everyMs);
  process.stdout.write(`step ${line} of ${lines}: ${STEPS[(line - 1) % STEPS.length]}\n`);
}
if (/\bfail\b/.test(prompt)) fail('the demo was asked to fail');

const firstLine = Array.from(prompt.trim().split('\n', 1)[0] ?? '')
  .slice(0, 200)
  .join('');
mkdirSync(join(stateHome, 'agentpool-demo'), { recursive: true, mode: 0o700 });
writeFileSync(sessionFile(session), JSON.stringify([...turns, firstLine]), { mode: 0o600 });
process.stdout.write(`result: done with "${firstLine}" in ${lines} steps\n`);
