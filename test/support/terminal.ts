import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import stringWidth from 'string-width';
import type { Place } from './pool.js';
import { eventually, MAIN } from './processes.js';

/** Whether terminals can be made; says on stderr how to get what makes them when not. */
export function haveTerminals(): boolean {
  const have = spawnSync('tmux', ['-V']).status === 0;
  if (!have) console.warn('skipped: there is no tmux; get it with: apt-get install -y tmux');
  return have;
}

/** A terminal of some size in which a person types commands; what it shows is what tmux has drawn. */
export interface Terminal {
  /** Clears the screen, types a command, and waits until it has ended; `agentpool` is ours. */
  run(command: string, withinMs?: number): Promise<void>;
  /** Clears the screen and types a command that goes on; the answer waits for its end. */
  type(command: string): () => Promise<unknown>;
  press(key: string): void;
  /** The lines on the screen, `styled` with colours as escape sequences; without what is empty at the end. */
  screen(how?: { readonly styled: boolean }): string[];
  /** The lines that are longer than the screen is wide, each whole: tmux had to wrap them. */
  wrapped(): string[];
  end(): void;
}

/** A shell in a terminal, in the working directory and the environment of a place. */
export async function openTerminal(place: Place, columns: number, rows: number): Promise<Terminal> {
  const own = mkdtempSync(join(place.home, 'terminal-'));
  const prompts = join(own, 'prompts');
  const rc = [
    `PS1='$ '`,
    `PROMPT_COMMAND='echo >> ${prompts}'`,
    'HISTFILE=',
    `agentpool() { '${process.execPath}' '${MAIN}' "$@"; }`,
  ];
  writeFileSync(join(own, 'rc'), rc.join('\n'));
  const tmux = (...args: string[]) =>
    execFileSync('tmux', ['-S', join(own, 'tmux'), '-f', '/dev/null', ...args], {
      cwd: place.work,
      env: { ...place.env, TERM: 'xterm-256color', LC_ALL: 'C.UTF-8' },
      encoding: 'utf8',
    });
  tmux('new-session', '-d', '-x', String(columns), '-y', String(rows), 'bash', '--rcfile', join(own, 'rc'), '-i');
  tmux('set', '-g', 'status', 'off');
  tmux('resize-window', '-x', String(columns), '-y', String(rows));
  const shown = () => (existsSync(prompts) ? readFileSync(prompts, 'utf8').length : 0);
  const type = (command: string, withinMs = 60_000) => {
    const before = shown();
    tmux('send-keys', 'C-l');
    tmux('send-keys', '-l', command);
    tmux('send-keys', 'Enter');
    return () => eventually(() => shown() > before, Boolean, withinMs);
  };
  await eventually(() => shown() > 0);
  return {
    run: async (command, withinMs) => void (await type(command, withinMs)()),
    type,
    press: (key) => void tmux('send-keys', key),
    screen({ styled } = { styled: false }) {
      const lines = tmux('capture-pane', '-p', ...(styled ? ['-e'] : [])).split('\n');
      return lines.slice(0, lines.findLastIndex((line) => line.trim() !== '') + 1);
    },
    wrapped: () =>
      tmux('capture-pane', '-p', '-J')
        .split('\n')
        .map((line) => line.trimEnd())
        .filter((line) => stringWidth(line) > columns),
    end: () => void tmux('kill-server'),
  };
}
