import { describe, expect, it } from 'vitest';
import { lineAtTime, readLines, searchLines } from '../../../src/client/output-lines.js';
import { newRunId } from '../../../src/client/submit.js';
import { LOCAL } from '../../../src/shared/principal.js';
import { onePlace, onePool } from '../../support/beginnings.js';
import { seeded } from '../../support/random.js';

const place = onePlace();
const pool = onePool(place);
const caller = { pool, principal: LOCAL };

/** A run that prints what we say. */
async function printing() {
  const id = newRunId();
  await pool.runs.create(id, 'runs.demo', { runner: 'demo', agentName: 'demo', prompt: 'p' });
  const { epoch } = await pool.runs.claim(id, 'worker', 'host');
  const at = { out: 0, err: 0 };
  return {
    id,
    async print(kind: 'out' | 'err', text: string) {
      const bytes = Buffer.from(text);
      await pool.runs.append({ id, epoch }, [{ kind, offset: at[kind], bytes }]);
      at[kind] += bytes.length;
    },
    end: () => pool.runs.end(id, epoch, { state: 'done', exitCode: 0 }),
  };
}

/** A run whose lines come in pieces of both streams, and those lines in the order in which they ended. */
async function printed(seed: number, { count, isEnded = true }: { count: number; isEnded?: boolean }) {
  const random = seeded(seed);
  const run = await printing();
  const expected: { stream: string; text: string }[] = [];
  const open = { out: '', err: '' };
  for (let piece = 0; piece < count; piece += 1) {
    const kind = random.pick(['out', 'out', 'err'] as const);
    const words = Array.from({ length: random.whole(1, 60) }, () => 'x'.repeat(random.whole(0, 90)));
    const text = words.join('\n');
    await run.print(kind, text);
    const lines = `${open[kind]}${text}`.split('\n');
    open[kind] = lines.pop() ?? '';
    for (const line of lines) expected.push({ stream: kind === 'out' ? 'stdout' : 'stderr', text: line });
  }
  for (const kind of ['out', 'err'] as const)
    if (open[kind] !== '') expected.push({ stream: kind === 'out' ? 'stdout' : 'stderr', text: open[kind] });
  if (isEnded) await run.end();
  return { ...run, expected };
}

const shown = (lines: readonly { stream: string; text: string }[]) =>
  lines.map(({ stream, text }) => ({ stream, text }));

describe('the lines of the output of a run', () => {
  it.each([
    ['from the first to the last', true],
    ['while it still runs', false],
  ])('are those that it has printed, %s', async (_, isEnded) => {
    const { id, expected } = await printed(1, { count: 400, isEnded });
    const got: { stream: string; text: string }[] = [];
    for (let from = 1; from <= expected.length; from += 137) {
      const { lines, total } = await readLines(caller, { runId: id }, { from, count: 137 });
      expect(lines.map(({ number }) => number)).toEqual(lines.map((_, at) => from + at));
      expect(total).toBeGreaterThanOrEqual(expected.length - 2);
      got.push(...lines);
    }
    expect(shown(got)).toEqual(expected);
    expect((await readLines(caller, { runId: id }, { from: 1, count: 1 })).total).toBe(expected.length);
  });

  it('are found in any order, the last ones first', async () => {
    const { id, expected } = await printed(2, { count: 400 });
    const last = await readLines(caller, { runId: id }, { from: expected.length - 9, count: 10 });
    expect([last.total, shown(last.lines)]).toEqual([expected.length, expected.slice(-10)]);
    const beyond = await readLines(caller, { runId: id }, { from: expected.length + 1, count: 10 });
    expect([beyond.total, beyond.lines]).toEqual([expected.length, []]);
    const middle = Math.floor(expected.length / 2);
    const { lines } = await readLines(caller, { runId: id }, { from: middle + 1, count: 5 });
    expect(shown(lines)).toEqual(expected.slice(middle, middle + 5));
  });

  it('are counted by the record before somebody has looked at all of them', async () => {
    const run = await printing();
    for (let piece = 0; piece < 40; piece += 1) await run.print('out', `${'y'.repeat(49)}\n`.repeat(800));
    await run.print('err', 'unfinished');
    await run.end();
    const ask = (from: number) => readLines(caller, { runId: run.id }, { from, count: 10 });
    expect(await ask(1)).toMatchObject({ total: 32_000, firstKept: 1 });
    const { total, lines } = await ask(31_995);
    expect([total, lines.at(-1)?.text]).toEqual([32_001, 'unfinished']);
    expect((await ask(1)).total).toBe(32_001);
  });

  it('are found by their text, with a search that goes on, and by their time', async () => {
    const run = await printing();
    await run.print('out', 'first Needle\n');
    for (let piece = 0; piece < 20; piece += 1) await run.print('out', `${'z'.repeat(1_023)}\n`.repeat(1_024));
    await run.print('err', 'split nee');
    await run.print('out', 'between\n');
    await run.print('err', '\u001b[31mdle\u001b[0m\n');
    await run.end();
    const found: number[] = [];
    let calls = 0;
    for (let after: number | undefined = 0; after !== undefined; calls += 1) {
      const part: Awaited<ReturnType<typeof searchLines>> = await searchLines(
        caller,
        { runId: run.id },
        { text: 'NEEDLE', after },
      );
      found.push(...part.matches.map(({ number }) => number));
      after = part.next;
    }
    expect(found).toEqual([1, 20_483]);
    expect(calls).toBeGreaterThan(1);
    const { lines } = await readLines(caller, { runId: run.id }, { from: 20_482, count: 1 });
    expect(await lineAtTime(caller, { runId: run.id }, lines[0]?.at ?? 0)).toBeLessThanOrEqual(20_482);
    expect(await lineAtTime(caller, { runId: run.id }, Date.now() + 60_000)).toBe(20_483);
  });
});
