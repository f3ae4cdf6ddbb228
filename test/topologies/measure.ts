import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect } from 'vitest';
import { findProgram } from '../../src/shared/find-program.js';
import { type Battery, type Pool, startPool } from './battery.js';
import { addRow } from './table.js';

/** The servers of this machine, to test each of them. */
export const PROGRAMS = ['redis-server', 'valkey-server'].filter((program) => {
  if (findProgram(program, process.env)) return true;
  console.log(`left out: there is no ${program} here`);
  return false;
});

/** What is ended after a test, the last one first. */
export const cleanUp: (() => unknown)[] = [];

afterEach(async () => {
  for (const clean of cleanUp.splice(0).reverse()) await clean();
});

/** The processes of a pool, ended after the test. */
export async function poolOn(env: Readonly<Record<string, string>>): Promise<Pool> {
  const pool = await startPool(env);
  cleanUp.push(pool.stop);
  return pool;
}

/** Nothing lost, doubled or started twice, and usable soon after a switch; all of it becomes a row of the table. */
export async function measured(
  topology: string,
  pool: Pool,
  what: (battery: Battery) => Promise<void> = async () => {},
): Promise<void> {
  const battery = pool.battery();
  await battery.all();
  await what(battery);
  addRow(topology, battery.cost);
  const { wrong, lost, doubled, startedTwice } = battery.cost;
  expect({ lost, doubled, startedTwice }, JSON.stringify(wrong)).toEqual({ lost: 0, doubled: 0, startedTwice: 0 });
  expect(battery.cost.afterSwitchMs ?? 0).toBeLessThan(10_000);
}

/** Secrets in files, as Docker and Kubernetes give them. */
export function secretFile(directory: string, name: string, text: string): string {
  const path = join(directory, name);
  writeFileSync(path, `${text}\n`, { mode: 0o600 });
  return path;
}
