import { describe, expect, test } from 'vitest';
import { loadConfig } from '../../../../src/shared/config/load.js';
import { ConfigError } from '../../../../src/shared/errors.js';
import { allRunners, RUNNERS } from '../../../../src/shared/runners/list.js';

const FILE = '/home/ann/.config/agentpool/agentpool.config.json';

function load(text: string | undefined, env: Readonly<Record<string, string>> = {}) {
  const path = env.AGENTPOOL_CONFIG ? `/place/${env.AGENTPOOL_CONFIG}` : FILE;
  return loadConfig({
    env: { HOME: '/home/ann', ...env },
    cwd: '/place',
    readFile: (asked) => (asked === path ? text : undefined),
  });
}

const withRunner = (runner: unknown, name = 'counter') => JSON.stringify({ runners: { [name]: runner } });

describe('the configuration file', () => {
  test('may be missing', () => {
    expect(load(undefined).customRunners).toEqual({});
  });

  test('must be there when it is named', () => {
    expect(() => load(undefined, { AGENTPOOL_CONFIG: 'other.json' })).toThrow(
      'AGENTPOOL_CONFIG: /place/other.json cannot be read',
    );
  });

  test('is read from where AGENTPOOL_CONFIG says', () => {
    const { customRunners } = load(withRunner({ command: 'x' }), { AGENTPOOL_CONFIG: 'other.json' });
    expect(Object.keys(customRunners)).toEqual(['counter']);
  });

  test('describes a runner with defaults for all but its command', () => {
    expect(load(withRunner({ command: 'node' })).customRunners).toEqual({
      counter: { command: 'node', args: [], prompt: 'stdin', env: {}, inherits: [], output: { format: 'text' } },
    });
  });

  test.each([
    ['{', 'not JSON'],
    ['', 'not JSON'],
    ['[]', 'the file: must be an object with names and values'],
    ['null', 'the file: must be an object with names and values'],
    ['{"runers":{}}', 'the file: no such key: runers; did you mean runners?'],
    ['{"__proto__":{}}', 'the file: no such key: __proto__'],
    ['{"constructor":{}}', 'the file: no such key: constructor'],
    [withRunner({}), 'runners.counter.command: is missing'],
    [withRunner({ command: '' }), 'runners.counter.command: must not be empty'],
    [withRunner({ command: 'x', arg: [] }), 'runners.counter: no such key: arg; did you mean args?'],
    [withRunner({ command: 'x', shell: true }), 'runners.counter: no such key: shell'],
    [withRunner({ command: 'x', args: 'a b' }), 'runners.counter.args: must be a list'],
    [withRunner({ command: 'x', prompt: 'file' }), 'runners.counter.prompt: must be stdin or argument'],
    [withRunner({ command: 'x', env: { '1A': 'b' } }), 'runners.counter.env.1A: is not the name of a variable'],
    [withRunner({ command: 'x', env: { A: 1 } }), 'runners.counter.env.A: must be a text'],
    [
      withRunner({ command: 'x', output: { format: 'xml' } }),
      'runners.counter.output.format: must be json-lines, json or text',
    ],
    [
      withRunner({ command: 'x', output: { format: 'json', session: 'id' } }),
      'runners.counter.output: no such key: session',
    ],
    [withRunner({ command: 'x', output: { format: 'json', results: 'id' } }), 'results; did you mean result?'],
    [
      withRunner({ command: 'x', output: { format: 'json', error: 'a..b' } }),
      'runners.counter.output.error: must be names with dots, such as error.message',
    ],
    [withRunner({ command: 'x' }, 'Bad Name'), 'runners.Bad Name: a runner name is at most 32 lower case letters'],
    [withRunner('x'), 'runners.counter: must be an object with names and values'],
    ['{"runners":[]}', 'runners: must be an object with names and values'],
    [withRunner({ command: 'x', title: 7 }), 'runners.counter.title: must be a text'],
    [withRunner({ command: 'x', inherits: [null] }), 'runners.counter.inherits.0: must be a text'],
    [withRunner({ command: 'x' }, 'a:b'), 'runners.a:b: a runner name is'],
    [withRunner({ command: 'x' }, 'x'.repeat(33)), 'a runner name is'],
  ])('%s is refused with its path and the reason', (text, words) => {
    expect(() => load(text)).toThrow(ConfigError);
    expect(() => load(text)).toThrow(`${FILE}: `);
    expect(() => load(text)).toThrow(words);
  });

  test('is told of all its problems at once', () => {
    const text = JSON.stringify({ runners: { a: { comand: 'x' }, B: { command: 'x' }, c: { command: 1 } }, more: 1 });
    try {
      load(text);
      expect.unreachable();
    } catch (error) {
      const { problems } = error as ConfigError;
      expect(problems).toHaveLength(5);
      expect(problems).toContain(`${FILE}: runners.a: no such key: comand; did you mean command?`);
      expect(problems).toContain(`${FILE}: the file: no such key: more`);
    }
  });
});

describe('the list of runners', () => {
  test('has the built-in ones first, then those of the file', () => {
    const { customRunners } = load(withRunner({ command: 'x' }, 'constructor'));
    expect([...allRunners(customRunners).keys()]).toEqual([...RUNNERS.map(({ name }) => name), 'constructor']);
  });

  test('refuses every name that is taken, all at once', () => {
    const taken = Object.fromEntries(RUNNERS.map(({ name }) => [name, { command: 'x' }]));
    const { customRunners } = load(JSON.stringify({ runners: { ...taken, own: { command: 'x' } } }));
    expect(() => allRunners(customRunners)).toThrow(
      new ConfigError(RUNNERS.map(({ name }) => `runners.${name}: is a built-in runner; choose another name`)),
    );
  });
});
