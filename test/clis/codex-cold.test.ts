import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { TOOLS } from '../../src/mcp/tools/list.js';
import { lastToolResults, startModelEndpoint } from '../support/model-endpoint.js';
import { makePlace, type Place } from '../support/pool.js';
import { agentpool, type Facts } from '../support/processes.js';
import { temporary } from './cli-pool.js';
import { CODEX, PATH, whyMissing } from './programs.js';
import { KEY } from './real-runner.js';
import { VERSIONS } from './versions.js';

const TIMES = 10;

/** A machine on which nothing of agentpool has ever run. */
function coldPlace(): Place {
  const place = makePlace({ PATH });
  const { REDIS_URL: _, AGENTPOOL_ALLOWED_PATHS: __, ...env } = place.env;
  return { ...place, env: { ...env, AGENTPOOL_PORT: '0' } };
}

/** The configuration of codex with our entry as `agentpool connect` writes it; `edit` is what a person makes of it. */
async function configure(place: Place, modelUrl: string, edit: (text: string) => string): Promise<void> {
  const directory = join(place.env.HOME ?? '', '.codex');
  const file = join(directory, 'config.toml');
  mkdirSync(directory, { recursive: true });
  const provider = `name = "scripted"\nbase_url = "${modelUrl}/v1"\nenv_key = "SCRIPTED_KEY"\nwire_api = "responses"`;
  writeFileSync(file, `model_provider = "scripted"\n[model_providers.scripted]\n${provider}\n`);
  expect(await agentpool(place, ['connect', 'codex', '--write'])).toMatchObject({ code: 0 });
  writeFileSync(file, edit(readFileSync(file, 'utf8')));
}

interface Seen {
  /** What the model was offered with the first question. */
  readonly offered: readonly string[];
  readonly answer: Facts;
  readonly exitCode: number | undefined;
}

/** One `codex exec` on a cold machine, whose model calls run_agent at once. */
async function once(edit: (text: string) => string): Promise<Seen> {
  const place = coldPlace();
  const model = await startModelEndpoint('openai-responses', KEY);
  try {
    await configure(place, model.url, edit);
    let answer: Facts = {};
    const asked = model.play((question) => {
      const [text = ''] = lastToolResults(question);
      const from = text.indexOf('{');
      if (from < 0 && text !== '') return { say: [text] };
      if (from < 0)
        return {
          call: { tool: 'mcp__agentpool.run_agent', input: { runner: 'demo', mode: 'quick', prompt: 'say hello' } },
        };
      answer = JSON.parse(text.slice(from, text.lastIndexOf('}') + 1));
      return { say: ['It runs.'] };
    });
    const flags = ['--skip-git-repo-check', '--dangerously-bypass-approvals-and-sandbox', '-m', 'gpt-5'];
    const { exitCode } = await execa(CODEX, ['exec', ...flags, 'Use the pool.'], {
      stdin: 'ignore',
      cwd: place.work,
      extendEnv: false,
      reject: false,
      env: { PATH, HOME: place.env.HOME, SCRIPTED_KEY: KEY, ...temporary(place) },
    });
    return { offered: asked[0]?.tools ?? [], answer, exitCode };
  } finally {
    await model.stop();
    await agentpool(place, ['up', '--detach']); // it may still be coming up
    await agentpool(place, ['down']);
    place.clean();
  }
}

describe.skipIf(whyMissing('codex'))(
  `codex ${VERSIONS.codex} on stdio, with no pool and an empty AGENTPOOL_HOME`,
  () => {
    test.each([
      ['as agentpool connect writes it', TIMES, (text: string) => text],
      // Then codex waits for nothing, and a machine that is busy may let it begin before we are there.
      ['without being told to wait for the server', 8, (text: string) => text.replace(/^required = true\n/m, '')],
    ])(
      'sees the tools in its first turn, and runs an agent, %s',
      async (how, least, edit) => {
        const ours = TOOLS.map(({ name }) => `mcp__agentpool.${name}`);
        const seen: Seen[] = [];
        for (let time = 1; time <= TIMES; time += 1) seen.push(await once(edit));
        const good = seen.filter(({ offered }) => ours.every((name) => offered.includes(name)));
        process.stderr.write(`codex, cold, ${how}: the tools are there ${good.length} of ${TIMES} times\n`);
        expect(good.length).toBeGreaterThanOrEqual(least);
        expect(good.map(({ answer, exitCode }) => [exitCode, typeof answer.runId])).toEqual(
          good.map(() => [0, 'string']),
        );
      },
      400_000,
    );
  },
);
