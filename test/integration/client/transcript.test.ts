import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { newRunId } from '../../../src/client/submit.js';
import { callTool } from '../../../src/mcp/call.js';
import type { Tool } from '../../../src/mcp/tool.js';
import { getAgentStatus } from '../../../src/mcp/tools/get-agent-status.js';
import { streamAgentOutput } from '../../../src/mcp/tools/stream-agent-output.js';
import { waitAgent } from '../../../src/mcp/tools/wait-agent.js';
import { LOCAL } from '../../../src/shared/principal.js';
import { claude as claudeRunner } from '../../../src/shared/runners/claude.js';
import { createTranscript, eventsOf, type TranscriptEvent } from '../../../src/shared/transcript/transcript.js';
import { onePlace, onePool } from '../../support/beginnings.js';
import { eventually } from '../../support/processes.js';
import { seeded } from '../../support/random.js';

const place = onePlace();
const pool = onePool(place);

const RECORDED = new URL('../../fixtures/transcripts/claude/', import.meta.url);
const recorded = (file: string) => readFileSync(new URL(file, RECORDED));

interface Page {
  readonly view: string;
  readonly output: string;
  readonly events?: readonly (TranscriptEvent & { readonly text?: string })[];
  readonly nextCursor: string;
  readonly hasMore: boolean;
  readonly isComplete: boolean;
  readonly lastTimestamp?: number;
}

async function answerOf(tool: unknown, asked: object): Promise<unknown> {
  const context = { pool, principal: LOCAL, signal: new AbortController().signal, waitCapMs: 10_000 };
  const answer = await callTool(tool as Tool, asked, context);
  if (!answer.ok) throw new Error(answer.error.message);
  return answer.value;
}

/** A run of claude that prints what we say. */
async function printing(runner = 'claude') {
  const id = newRunId();
  await pool.runs.create(id, `runs.${runner}`, { runner, agentName: runner, prompt: 'p' });
  const { epoch } = await pool.runs.claim(id, 'worker', 'host');
  const at = { out: 0, err: 0 };
  return {
    id,
    async print(kind: 'out' | 'err', bytes: string | Buffer) {
      const whole = Buffer.from(bytes);
      await pool.runs.append({ id, epoch }, [{ kind, offset: at[kind], bytes: whole }]);
      at[kind] += whole.length;
    },
    end: (result?: string) =>
      pool.runs.end(id, epoch, { state: 'done', exitCode: 0, ...(result !== undefined && { result }) }),
    read: (args: object) => answerOf(streamAgentOutput, { runId: id, ...args }) as Promise<Page>,
    status: (args: object = {}) => answerOf(getAgentStatus, { runId: id, ...args }) as Promise<Record<string, unknown>>,
    wait: () => answerOf(waitAgent, { runId: id, timeoutMs: 0 }) as Promise<Record<string, unknown>>,
  };
}
type Printing = Awaited<ReturnType<typeof printing>>;

/** Everything from a cursor on, so much at once. */
async function readAll(run: Printing, args: object, cursor?: string): Promise<Page[]> {
  const pages: Page[] = [];
  for (let next = cursor; pages.at(-1)?.isComplete !== true; next = pages.at(-1)?.nextCursor) {
    pages.push(await run.read({ ...args, ...(next !== undefined && { cursor: next }) }));
    expect(pages.length).toBeLessThan(1_000);
  }
  return pages;
}

const say = (text: string) =>
  `${JSON.stringify({ type: 'assistant', message: { model: 'm', content: [{ type: 'text', text }] } })}\n`;

describe('the transcript of a run', () => {
  it('is the default of a program that speaks JSON, and the output that of one that prints text', async () => {
    const [claude, demo] = [await printing(), await printing('demo')];
    await claude.print('out', say('Hello.'));
    await demo.print('out', 'step 1 of 1\n');
    expect(await claude.read({})).toMatchObject({ view: 'transcript', output: 'Hello.', isComplete: false });
    expect(await claude.read({ view: 'raw' })).toMatchObject({ view: 'raw', output: say('Hello.') });
    expect(await claude.read({ ansi: true })).toMatchObject({ view: 'raw' });
    expect(await demo.read({})).toMatchObject({ view: 'raw', output: 'step 1 of 1\n' });
    expect(await demo.read({ view: 'events' })).toMatchObject({ events: [{ type: 'text', text: 'step 1 of 1\n' }] });
    await expect(claude.read({ view: 'events', encoding: 'base64' })).rejects.toThrow('view events excludes');
  });

  it('is told once, whatever is read at once and from whichever event on, with two streams at a time', async () => {
    const random = seeded(23);
    const bytes = Buffer.concat(['07-tool.stdout', '10-sigINT-stream.stdout', '17-noapprove.stdout'].map(recorded));
    const errors = Buffer.from(Array.from({ length: 40 }, (_, at) => `warning ${at}\n`).join(''));
    const run = await printing();
    const streams = { out: random.pieces(bytes, 2_000), err: random.pieces(errors, 60) };
    while (streams.out.length + streams.err.length > 0) {
      const kind = streams.err.length === 0 || (streams.out.length > 0 && random.next() < 0.5) ? 'out' : 'err';
      await run.print(kind, streams[kind].shift() as Buffer);
    }
    await run.end();
    const transcript = createTranscript(claudeRunner.output);
    const events = eventsOf([
      ...transcript.take({ stream: 'stdout', offset: 0, bytes, at: 0 }),
      ...transcript.take({ stream: 'stderr', offset: 0, bytes: errors, at: 0 }),
      ...transcript.finish(),
    ]);
    const places = (of: readonly TranscriptEvent[], name: string) =>
      of.filter(({ stream }) => stream === name).map(({ type, offset, end }) => [type, offset, end]);
    for (const maxBytes of [1, 500, 3_000, 100_000]) {
      const pages = await readAll(run, { view: 'events', maxBytes });
      const told = pages.flatMap((page) => page.events ?? []);
      for (const name of ['stdout', 'stderr']) expect(places(told, name)).toEqual(places(events, name));
      for (const { nextCursor } of pages.slice(0, 8)) {
        const rest = (await readAll(run, { view: 'events', maxBytes: 5_000 }, nextCursor)).flatMap(
          (p) => p.events ?? [],
        );
        const before = told.length - rest.length;
        for (const name of ['stdout', 'stderr']) expect(places(rest, name)).toEqual(places(told.slice(before), name));
      }
    }
  });

  it('has cursors that are places in the bytes: the raw output goes on where an event ended', async () => {
    const run = await printing();
    const lines = Array.from({ length: 30 }, (_, at) => say(`number ${at}`));
    await run.print('out', lines.join(''));
    await run.end();
    let cursor: string | undefined;
    for (let said = 0; said < lines.length; ) {
      const page: Page = await run.read({ view: 'events', maxBytes: 700, ...(cursor && { cursor }) });
      said += page.events?.length ?? 0;
      cursor = page.nextCursor;
      const raw = await run.read({ view: 'raw', cursor, maxBytes: 1_000_000 });
      expect(raw.output).toBe(lines.slice(said).join(''));
    }
  });

  it('waits for a message that is not whole yet, and does not for ever read what tells nothing', async () => {
    const run = await printing();
    await run.print('out', `{"type":"system","subtype":"status","status":"requesting"}\n${say('He').slice(0, 50)}`);
    const first = await run.read({});
    expect(first).toMatchObject({ output: '', hasMore: false });
    const waiting = run.read({ cursor: first.nextCursor, waitMs: 8_000 });
    await run.print('out', say('He').slice(50));
    expect(await waiting).toMatchObject({ output: 'He' });
  });

  it('of a time has what was printed after it, each event with its own time', async () => {
    const run = await printing();
    await run.print('out', say('one'));
    const { lastTimestamp = 0 } = await run.read({});
    await eventually(() => Date.now() > lastTimestamp); // the clock counts milliseconds
    await run.print('out', say('two'));
    const page = await run.read({ view: 'events', sinceTimestamp: lastTimestamp });
    expect(page.events).toMatchObject([{ type: 'text', text: 'two' }]);
    expect(page.events?.[0]?.at).toBeGreaterThan(lastTimestamp);
    expect(page.lastTimestamp).toBe(page.events?.[0]?.at);
  });

  it('has a tail that begins with a whole event', async () => {
    const run = await printing();
    for (let at = 0; at < 300; at += 1) await run.print('out', say(`${at}: ${'x'.repeat(1_000)}`));
    await run.end();
    const page = await run.read({ view: 'events', tailBytes: 5_000 });
    expect(page.events?.map(({ text = '' }) => Number(text.split(':')[0]))).toEqual([296, 297, 298, 299]);
    expect(page.isComplete).toBe(true);
    const last = await run.read({ view: 'events', tail: 2 });
    expect(last.events?.map(({ text = '' }) => Number(text.split(':')[0]))).toEqual([298, 299]);
    const { output } = await run.read({ tail: 3 });
    expect(output.split('\n').map((line) => Number(line.split(':')[0]))).toEqual([297, 298, 299]);
  });

  it('of a message of 3 MiB is a short answer, and the next event is there', async () => {
    const run = await printing();
    const long = Buffer.from(say('x'.repeat(3 * 1024 * 1024)));
    for (let at = 0; at < long.length; at += 512 * 1024) await run.print('out', long.subarray(at, at + 512 * 1024));
    await run.print('out', say('after it'));
    await run.end();
    const pages = await readAll(run, { view: 'transcript' });
    expect(pages.map(({ output }) => output.length)).toEqual([expect.any(Number), 8]);
    expect(pages[0]?.output).toMatch(/^x{32768}… \[3145728 characters in all; view raw has them\]\n$/);
  });
});

describe('what is told of a run in few words', () => {
  it('is its result and what it has done, not the end of its JSON', async () => {
    const run = await printing();
    await run.print('out', recorded('07-tool.stdout'));
    expect(await run.status()).toMatchObject({
      outputTail: expect.stringContaining('[tool] Bash: echo from-tool'),
      activity: { toolCalls: 1, filesChanged: [], usage: { inputTokens: 200, outputTokens: 20 } },
    });
    await run.end('tool said: from-tool');
    for (const answer of [await run.status(), await run.wait()])
      expect(answer).toMatchObject({
        status: 'done',
        result: 'tool said: from-tool',
        activity: {
          lastSteps: [expect.stringMatching(/^Bash: echo from-tool.* → ok$/), expect.stringMatching(/^tool said/)],
        },
      });
    expect((await run.status()).outputTail).toBe('');
    expect((await run.wait()).output).toBe('');
    expect((await run.status({ tailBytes: 10 })).outputTail).toBe(recorded('07-tool.stdout').subarray(-10).toString());
  });

  it('decides first: the state and the result come before everything else but the id', async () => {
    const run = await printing();
    await run.print('out', recorded('01-ok.stdout'));
    await run.end('fake reply');
    expect(Object.keys(await run.wait()).slice(0, 4)).toEqual(['runId', 'status', 'timedOut', 'result']);
    expect(Object.keys(await run.status()).slice(0, 3)).toEqual(['runId', 'status', 'result']);
  });

  it('of a run whose output is longer than what is looked at says so', async () => {
    const run = await printing();
    for (let at = 0; at < 300; at += 1) await run.print('out', say(`${at}: ${'x'.repeat(1_000)}`));
    expect(await run.status()).toMatchObject({ activity: { partial: true, lastSteps: { length: 5 } } });
  });

  it('is small: the answers for the recordings of claude', async () => {
    const rows: string[] = [];
    for (const file of readdirSync(RECORDED).filter((name) => name.endsWith('.stdout'))) {
      const { findings } = JSON.parse(recorded(file.replace('.stdout', '.expected.json')).toString());
      const run = await printing();
      await run.print('out', recorded(file));
      await run.end(findings.result);
      const size = async (answer: Promise<unknown>) => JSON.stringify(await answer).length;
      const sizes = {
        raw: await size(run.read({ view: 'raw' })),
        transcript: await size(run.read({})),
        events: await size(run.read({ view: 'events' })),
        status: await size(run.status()),
        'status with a tail of 2,048 bytes': await size(run.status({ tailBytes: 2_048 })),
        wait: await size(run.wait()),
      };
      rows.push(
        `${file}: ${Object.entries(sizes)
          .map(([name, bytes]) => `${name} ${bytes}`)
          .join(', ')}`,
      );
      expect(sizes.transcript).toBeLessThan(sizes.raw);
      expect(sizes.wait).toBeLessThan(2_000);
    }
    console.info(rows.join('\n'));
  });
});
