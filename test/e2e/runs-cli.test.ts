import { execFileSync, spawn, spawnSync } from 'node:child_process';
import stringWidth from 'string-width';
import stripAnsi from 'strip-ansi';
import { beforeAll, describe, expect, it } from 'vitest';
import { onePlace, oneWorker } from '../support/beginnings.js';
import { steps } from '../support/pool.js';
import { agentpool, eventually, MAIN } from '../support/processes.js';

const place = onePlace({ AGENTPOOL_CONCURRENCY: '2' });
oneWorker(place);

const ask = async (...args: string[]) => {
  const { code, stdout, stderr } = await agentpool(place, args);
  return { code, lines: stdout.trimEnd().split('\n'), stdout, stderr };
};
const submit = async (...args: string[]) => (await ask('run', ...args, '--no-follow')).lines[0] ?? '';
const json = async (...args: string[]) => JSON.parse((await ask(...args, '--json')).stdout);

/** What a person sees at a terminal that is so wide: `script` makes one. */
function atTerminal(columns: number, ...args: string[]): string[] {
  const command = [process.execPath, MAIN, ...args].map((word) => `'${word}'`).join(' ');
  const shown = execFileSync('script', ['-qec', `stty cols ${columns}; ${command}`, '/dev/null'], {
    cwd: place.work,
    env: place.env,
    encoding: 'utf8',
  });
  return stripAnsi(shown).replaceAll('\r', '').trimEnd().split('\n');
}

describe('lists', () => {
  let first: string;
  let second: string;
  beforeAll(async () => {
    const labels = ['-l', 'ticket=4711', '-l', 'team=search'];
    first = await submit(
      'demo',
      '  fix the 日本語のとても長い文字列 tests\nand more',
      '--mode',
      'quick',
      '--agent',
      'one',
      ...labels,
    );
    second = await submit('demo', 'say hello', '--mode', 'quick', '--agent', 'two', '-l', 'ticket=12');
    await ask('wait', first, second);
  });

  it('tell what a run was asked, and are filtered by labels', async () => {
    const { runs } = await json('runs', '-l', 'ticket=4711');
    expect(runs).toMatchObject([{ runId: first, labels: { ticket: '4711', team: 'search' } }]);
    expect(runs[0].promptLine).toBe('fix the 日本語のとても長い文字列 tests');
    expect((await ask('runs', '-q', '-l', 'ticket=4711', '-l', 'team=ads')).stdout).toBe('');
    expect((await ask('runs', '-o', 'wide')).stdout).toContain('ticket=4711 team=search');
    expect((await ask('runs', '-l', 'ticket')).stderr).toContain('--label must be key=value');
  });

  it('are only ids with -q and -o name, and go on at a cursor', async () => {
    expect((await ask('runs', '-q')).lines).toEqual([second, first]);
    const { lines, stderr } = await ask('runs', '-o', 'name', '--limit', '1');
    expect(lines).toEqual([second]);
    const page = await json('runs', '--limit', '1');
    expect((await ask('runs', '-q', '--cursor', page.nextCursor)).lines).toEqual([first]);
    expect((await ask('runs', '-q', '--all', '--limit', '1')).lines).toEqual([second, first]);
    expect(stderr).toBe('');
    expect((await ask('runs', '--limit', '1')).stderr).toContain(`--cursor ${page.nextCursor}`);
  });

  it.each([40, 80, 200])('fit a terminal of %i columns', (columns) => {
    const lines = atTerminal(columns, 'runs');
    expect(lines.length).toBe(3);
    for (const line of lines) expect(stringWidth(line)).toBeLessThanOrEqual(columns);
    expect(lines[1]).toContain(second.slice(0, 10));
  });

  it('watch until they are interrupted', async () => {
    const child = spawn(process.execPath, [MAIN, 'runs', '-w', '-q'], { cwd: place.work, env: place.env });
    let seen = '';
    child.stdout.on('data', (bytes) => {
      seen += bytes;
    });
    await eventually(
      () => seen,
      (text) => text.includes(first),
    );
    const third = await submit('demo', 'say hello', '--mode', 'quick');
    await eventually(
      () => seen,
      (text) => text.includes(third),
    );
    child.kill('SIGINT');
    await new Promise((resolve) => child.once('close', resolve));
    expect(child.exitCode).toBe(0);
  });
});

describe('one run', () => {
  it('has a status with its prompt, the reason of a kill, and local times', async () => {
    const run = await submit('scripted', steps({ pause: 60_000 }), '--agent', 'victim', '-l', 'ticket=1');
    await ask('kill', run, '--reason', 'wrong branch', '--grace', '1s');
    const { stdout } = await ask('status', run);
    expect(stdout).toMatch(/kill +asked for \d{4}-\d\d-\d\d \d\d:\d\d:\d\d \(.* ago\): wrong branch/);
    expect(stdout).toContain('labels       ticket=1');
    expect(stdout).toContain(`prompt\n${steps({ pause: 60_000 })}`);
    expect(await json('status', run)).toMatchObject({
      prompt: steps({ pause: 60_000 }),
      kill: { reason: 'wrong branch', signal: 'TERM', graceMs: 1000 },
    });
  });

  it('is submitted again by rerun, with its labels and the rest', async () => {
    const run = await submit('demo', 'say again', '--mode', 'quick', '--agent', 'again', '-l', 'ticket=9');
    await ask('wait', run);
    const { lines, code } = await ask('rerun', 'again');
    expect(code).toBe(0);
    expect(lines[0]).not.toBe(run);
    expect((await ask('wait', lines[0] ?? '')).code).toBe(0);
    expect(await json('status', lines[0] ?? '')).toMatchObject({
      agentName: 'again',
      prompt: 'say again',
      labels: { ticket: '9' },
      status: 'done',
    });
    const followed = await ask('rerun', run, '-f');
    expect(followed).toMatchObject({ code: 0 });
    expect(followed.stdout).toContain('say again');
  });

  it('goes on in its session by resume; one without a session cannot', async () => {
    const said = { print: '{"session_id":"s-1","result":"first"}\n' };
    const run = await submit('scripted', steps(said), '--agent', 'talker');
    await ask('wait', run);
    const resumed = await ask(
      'resume',
      'talker',
      steps({ print: '{"session_id":"s-1","result":"second"}\n' }),
      '--no-follow',
    );
    expect(resumed.code).toBe(0);
    expect((await ask('wait', resumed.lines[0] ?? '')).stdout.trim()).toBe('second');
    expect(await json('status', resumed.lines[0] ?? '')).toMatchObject({ sessionId: 's-1', agentName: 'talker' });
    const mute = await submit('by-argument', steps());
    await ask('wait', mute);
    expect(await ask('resume', mute, 'more')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('has no session'),
    });
  });
});

describe('several runs', () => {
  it('are waited for and killed together', async () => {
    const long = steps({ pause: 60_000 });
    const ids = [await submit('scripted', long), await submit('scripted', long), await submit('scripted', long)];
    const killed = await ask('kill', ...ids, '--grace', '1s');
    expect(killed.code).toBe(0);
    expect(killed.lines.sort()).toEqual(ids.map((id) => `${id}  killed`).sort());
    const waited = await ask('wait', ...ids);
    expect(waited).toMatchObject({ code: 1 });
    expect(waited.lines.map((line) => line.split(/ +/)[0])).toEqual(ids);
    const good = [await submit('demo', 'a', '--mode', 'quick'), await submit('demo', 'b', '--mode', 'quick')];
    expect((await ask('wait', ...good)).code).toBe(0);
  });
});

describe('the pool', () => {
  it('shows its workers', async () => {
    const { stdout, code } = await ask('workers');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^HOST +STATE +RUNS +HEARTBEAT/);
    expect(stdout).toMatch(/ready +0 of 2/);
    expect((await json('workers')).workers).toHaveLength(1);
  });

  it('is completed by shells', async () => {
    const script = (await ask('completion', 'bash')).stdout;
    const complete = (...words: string[]) => {
      const said = `${script}\nCOMP_WORDS=(agentpool ${words.join(' ')}); COMP_CWORD=${words.length}; _agentpool; echo "\${COMPREPLY[*]}"`;
      return spawnSync('bash', ['-c', said], { encoding: 'utf8', env: { PATH: place.env.PATH } }).stdout.trim();
    };
    expect(complete('rer')).toBe('rerun');
    expect(complete('runs', '--la')).toBe('--label');
    expect(complete('agents', 'cre')).toBe('create');
    expect((await ask('completion', 'tcsh')).code).toBe(2);
    for (const shell of ['zsh', 'fish']) expect((await ask('completion', shell)).stdout).toContain('rerun');
  });

  it('says at a terminal what a run waits for', async () => {
    const busy = [
      await submit('scripted', steps({ pause: 60_000 })),
      await submit('scripted', steps({ pause: 60_000 })),
    ];
    const shown: string[] = [];
    const child = spawn(
      'script',
      ['-qec', `'${process.execPath}' '${MAIN}' run demo hello --mode quick`, '/dev/null'],
      {
        cwd: place.work,
        env: place.env,
      },
    );
    child.stdout.on('data', (bytes) => shown.push(String(bytes)));
    await eventually(
      () => shown.join(''),
      (text) => /waits: 2 of the 2 slots that can take it are in use/.test(text),
    );
    await ask('kill', ...busy, '--grace', '1s');
    await new Promise((resolve) => child.once('close', resolve));
    expect(child.exitCode).toBe(0);
  });
});
