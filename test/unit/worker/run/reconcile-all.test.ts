import { pino } from 'pino';
import { expect, test } from 'vitest';
import type { OwnedRun, OwnedRuns } from '../../../../src/worker/run/owned-run.js';
import { look } from '../../../../src/worker/run/reconcile-all.js';

const logger = pino({ level: 'silent' });

function runs() {
  const looked: string[] = [];
  const killed: string[] = [];
  const watched = (id: string) => ({
    id,
    wasAsked: false,
    supervision: { reconcile: async () => void looked.push(id), kill: () => killed.push(id) },
  });
  const all = [watched('r1'), watched('r2'), { id: 'r3', wasAsked: false, supervision: undefined }];
  const owned = { all: () => all, get: (id: string) => all.find((one) => one.id === id) } as unknown as OwnedRuns;
  return { owned, looked, killed, starting: all[2] as unknown as OwnedRun };
}

test('who is woken for a run looks at the record of that one alone', () => {
  const { owned, looked, starting } = runs();
  look(owned, { look: 'r2' }, logger);
  expect([looked, starting.wasAsked]).toEqual([['r2'], false]);
});

test('a run that is being started is looked at as soon as its program is watched', () => {
  const { owned, looked, starting } = runs();
  look(owned, { look: 'r3' }, logger);
  expect([looked, starting.wasAsked]).toEqual([[], true]);
});

test('after a gap, or by a word that is not known, all records are looked at', () => {
  const { owned, looked, starting } = runs();
  look(owned, undefined, logger);
  expect([looked, starting.wasAsked]).toEqual([['r1', 'r2'], true]);
});

test('a kill that Redis could not store is carried out at once', () => {
  const { owned, killed } = runs();
  look(owned, { runId: 'r1', signal: 'TERM', graceMs: 0 }, logger);
  expect(killed).toEqual(['r1']);
});
