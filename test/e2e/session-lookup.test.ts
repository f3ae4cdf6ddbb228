import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { expect, test } from 'vitest';
import { processesOf } from '../../src/worker/process/processes.js';
import { oneMcp, onePlace, oneWorker } from '../support/beginnings.js';
import { eventually, type Facts } from '../support/processes.js';

const place = onePlace({ AGENTPOOL_RUNNERS: 'cline', AGENTPOOL_CONCURRENCY: '3' });
const bin = join(place.home, 'bin');
mkdirSync(bin);
const program = join(bin, 'cline');
const standIn = new URL('../fixtures/agents/silent-cline.mjs', import.meta.url).pathname;
writeFileSync(program, `#!/bin/sh\nexec '${process.execPath}' '${standIn}' "$@"\n`);
chmodSync(program, 0o755);
place.env.PATH = [bin, place.env.PATH].join(delimiter);
oneWorker(place);
const mcp = oneMcp(place);

test('the session of a program that never tells it is in the record while the program runs', async () => {
  const runs = await Promise.all(
    ['one', 'two'].map((prompt) => mcp.call<Facts>('run_agent', { runner: 'cline', prompt, agentName: prompt })),
  );
  for (const { runId } of runs) {
    const { sessionId, pid, status } = await eventually(
      () => mcp.call<Facts>('get_agent_status', { runId }),
      (seen) => seen.sessionId !== undefined,
      60_000,
    );
    expect({ sessionId, status }).toEqual({ sessionId: `session-of-${pid}`, status: 'running' });
    await mcp.call('kill_agent', { runId, graceMs: 1_000 });
    expect(processesOf(String(runId))).toEqual([]);
  }
});
