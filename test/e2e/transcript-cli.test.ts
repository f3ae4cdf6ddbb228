import { execFileSync, spawnSync } from 'node:child_process';
import { beforeAll, describe, expect, it } from 'vitest';
import { onePlace, oneWorker } from '../support/beginnings.js';
import { installClaudeStandIn } from '../support/claude-stand-in.js';
import { steps } from '../support/pool.js';
import { agentpool, MAIN } from '../support/processes.js';

const place = onePlace();
installClaudeStandIn(place);
oneWorker(place);

const line = (message: object) => ({ print: `${JSON.stringify(message)}\n` });
const assistant = (...content: object[]) => line({ type: 'assistant', message: { model: 'm', content } });
const hunk = { oldStart: 1, oldLines: 1, newStart: 1, newLines: 2, lines: ['-# Old', '+# New', '+more'] };
const EDIT = [
  line({ type: 'system', subtype: 'init', session_id: 's1', model: 'm', claude_code_version: '2.1' }),
  assistant(
    { type: 'text', text: 'I **edit** it.' },
    { type: 'tool_use', id: 't1', name: 'Edit', input: { file_path: 'a.md' } },
  ),
  line({
    type: 'user',
    message: { content: [{ type: 'tool_result', tool_use_id: 't1', content: 'updated' }] },
    tool_use_result: { filePath: 'a.md', structuredPatch: [hunk] },
  }),
  { printError: 'a warning\n' },
  assistant({ type: 'text', text: 'It is done.' }),
  line({
    type: 'result',
    is_error: false,
    result: 'It is done.',
    usage: { input_tokens: 200, output_tokens: 20 },
    model_usage_since_last_result: { m: { costUSD: 0.0009 } },
  }),
];
const SHOWN = [
  '[status] session started, m, 2.1',
  'I **edit** it.',
  '[tool] Edit: a.md',
  '[ok] updated',
  '[file] a.md +2 -1',
  '  @@ -1,1 +1,2 @@',
  '  -# Old',
  '  +# New',
  '  +more',
  'It is done.',
  '[usage] 200 tokens in, 20 out, $0.0009',
];

/** What a person sees at a terminal: `script` makes one. */
function atTerminal(...args: string[]): string {
  const command = [process.execPath, MAIN, ...args].map((word) => `'${word}'`).join(' ');
  return execFileSync('script', ['-qec', command, '/dev/null'], { cwd: place.work, env: place.env, encoding: 'utf8' });
}

describe('run', () => {
  it('prints what an agent says and does, and ends with what it took and changed', async () => {
    const { stdout, stderr, code } = await agentpool(place, ['run', 'claude', steps(...EDIT)]);
    expect(stdout.split('\n')).toEqual([...SHOWN, '']);
    expect(stderr).toMatch(
      /^run \S+\ndone \(\S+ m?s, 200 tokens in, 20 out, \$0\.0009, 1 file changed\)\n {2}a\.md \+2 -1\n$/,
    );
    expect(code).toBe(0);
  });

  it('prints the answer where the agent has not said it last', async () => {
    const { stdout } = await agentpool(place, [
      'run',
      'claude',
      steps(line({ type: 'result', is_error: false, result: 'the answer' })),
    ]);
    expect(stdout).toMatch(/the answer\n$/);
  });
});

describe('logs', () => {
  let runId = '';
  let startedAt = 0;
  const logs = async (...args: string[]) => (await agentpool(place, ['logs', runId, ...args])).stdout.split('\n');
  beforeAll(async () => {
    startedAt = Date.now();
    runId = (await agentpool(place, ['run', 'claude', steps(...EDIT), '--no-follow'])).stdout.trim();
    await agentpool(place, ['wait', runId]);
  });

  it('prints the same, now or live, and only its last lines where they are wanted', async () => {
    expect(await logs()).toEqual([...SHOWN, '']);
    expect(await logs('-f')).toEqual([...SHOWN, '']);
    expect(await logs('-n', '2')).toEqual([...SHOWN.slice(-2), '']);
  });

  it('has stderr, times, and a part of the time where they are wanted', async () => {
    expect(await logs('--stderr')).toContain('[stderr] a warning');
    for (const one of (await logs('-t')).slice(0, -1)) expect(one).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \S| {3}/);
    expect(await logs('--until', String(startedAt - 60_000))).toEqual(['']);
    expect(await logs('--since', String(startedAt - 60_000))).toEqual([...SHOWN, '']);
  });

  it('prints events as JSON and bytes as they are', async () => {
    const events = (await logs('--json')).filter(Boolean).map((one) => JSON.parse(one));
    expect(events.map(({ type }) => type)).toEqual(
      expect.arrayContaining(['status', 'text', 'tool_call', 'tool_result', 'file_change', 'usage', 'raw']),
    );
    const printed = EDIT.flatMap((step) => ('print' in step ? [step.print] : [])).join('');
    expect((await agentpool(place, ['logs', runId, '--raw', '--stream', 'stdout'])).stdout).toBe(printed);
  });

  const canMakeTerminals = process.platform === 'linux' && spawnSync('script', ['--version']).status === 0;
  if (!canMakeTerminals)
    console.info('without the program "script" of Linux no terminal can be made; that test is left out');

  it.runIf(canMakeTerminals)('at a terminal has colours for patches and strong words', () => {
    const shown = atTerminal('logs', runId);
    expect(shown).toContain('\u001b[32m  +# New\u001b[39m');
    expect(shown).toContain('\u001b[31m  -# Old\u001b[39m');
    expect(shown).toContain('I \u001b[1medit\u001b[22m it.');
  });

  it.runIf(canMakeTerminals)('at a terminal that follows says how long it has waited', async () => {
    const shown = atTerminal(
      'run',
      'claude',
      steps(EDIT[0] as object as Record<string, unknown>, { pause: 1_500 }, ...EDIT.slice(1)),
    );
    expect(shown).toMatch(/[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏] \d+ m?s/);
    expect(shown).toContain('It is done.');
  });
});
