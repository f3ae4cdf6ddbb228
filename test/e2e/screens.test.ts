import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { oneMcp, onePlace, oneWorker } from '../support/beginnings.js';
import { steps } from '../support/pool.js';
import { agentpool, type Facts, MAIN } from '../support/processes.js';

const place = onePlace();
oneWorker(place);
const mcp = oneMcp(place);

const ESCAPES =
  'a\u001b[31mred\u001b[0m\u001b]52;c;QUFB\u0007\u001b]0;title\u0007\u001b[?1049h\u001b[c\u001b\u001b[0m]52;c;QUFB\u0007\u009b31m\u0000\n';
// biome-ignore lint/suspicious/noControlCharactersInRegex: what may reach a terminal
const STYLES = /\u001b\[[0-9;:]*m/g;
const CONTROL = /(?![\n\t])\p{Cc}/u;

const submit = async (...list: Facts[]) => {
  const { runId } = await mcp.call<{ runId: string }>('run_agent', { runner: 'scripted', prompt: steps(...list) });
  await mcp.call('wait_agent', { runId });
  return runId;
};

/** What a person sees at a terminal: `script` makes one. */
function atTerminal(...args: string[]): string {
  const command = [process.execPath, MAIN, ...args].map((word) => `'${word}'`).join(' ');
  return execFileSync('script', ['-qec', command, '/dev/null'], { cwd: place.work, env: place.env, encoding: 'utf8' });
}

const canMakeTerminals = process.platform === 'linux' && spawnSync('script', ['--version']).status === 0;
if (!canMakeTerminals)
  console.info('without the program "script" of Linux no terminal can be made; those tests are left out');

describe('a terminal', () => {
  it.runIf(canMakeTerminals)('gets colours and styles of output, results and failures, and nothing else', async () => {
    const done = await submit({ print: `${ESCAPES}${JSON.stringify({ result: ESCAPES })}\n` });
    const failed = await submit({ printError: ESCAPES }, { exit: 3 });
    const shown = [
      atTerminal('logs', done),
      atTerminal('status', done),
      atTerminal('wait', done),
      atTerminal('logs', failed),
      atTerminal('status', failed, '--json'),
      atTerminal('logs', done, '--json'),
    ];
    expect(shown[0]).toContain('\u001b[31mred\u001b[0m');
    for (const text of shown)
      expect(text.replaceAll('\r\n', '\n').replaceAll('\r\u001b[K', '').replaceAll(STYLES, '')).not.toMatch(CONTROL);
    expect(atTerminal('logs', done, '--raw')).toContain('\u001b]52;c;QUFB\u0007');
  });

  it.runIf(canMakeTerminals)('gets no more of what a workspace holds that is imported', () => {
    const claude = join(place.work, 'foreign', '.claude');
    mkdirSync(join(claude, 'agents'), { recursive: true });
    const described = JSON.stringify(ESCAPES);
    writeFileSync(
      join(claude, 'settings_evil.json'),
      `{"runner":"demo","agent":"evil","model":${described},"x":${described}}`,
    );
    writeFileSync(join(claude, `settings_${ESCAPES.trim().replaceAll(/[\0/]/g, '')}.json`), `{"runner":${described}}`);
    writeFileSync(join(claude, 'agents', 'evil.md'), `---\nname: evil\ndescription: ${ESCAPES}---\n${ESCAPES}`);
    let shown = '';
    try {
      shown = atTerminal('import', join(place.work, 'foreign'));
    } catch (error) {
      shown = String((error as { stdout?: string }).stdout); // it tells problems with its exit status, too
    }
    expect(shown).toContain('evil');
    expect(shown.replaceAll('\r\n', '\n').replaceAll('\r\u001b[K', '').replaceAll(STYLES, '')).not.toMatch(CONTROL);
  });
});

describe('whoever is no terminal', () => {
  it('gets the bytes of output as they are by a pipe, valid text or not', async () => {
    const bytes = Buffer.concat([Buffer.from(ESCAPES), Buffer.from([0xff, 0xfe, 0x0a])]);
    const runId = await submit({ printBase64: bytes.toString('base64') });
    const piped = execFileSync(process.execPath, [MAIN, 'logs', runId], { cwd: place.work, env: place.env });
    expect(piped.equals(bytes)).toBe(true);
  });

  it('gets a result, its output and a failure over MCP without any control character', async () => {
    const runId = await submit({ print: `${JSON.stringify({ result: `${ESCAPES}\ud83d` })}\n${ESCAPES}` });
    const status = await mcp.call<Facts & { outputTail: string; result: string }>('get_agent_status', { runId });
    for (const text of [status.outputTail, status.result]) expect(text).not.toMatch(CONTROL);
    expect(status.result).toContain('ared');
    expect(status.result.isWellFormed()).toBe(true);
    const { code } = await agentpool(place, ['status', runId]);
    expect([code, existsSync(place.home)]).toEqual([0, true]);
  });
});
