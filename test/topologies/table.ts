import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inject } from 'vitest';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    /** The file in which the test files of the topologies gather their rows. */
    costTable: string;
  }
}

/** What a topology has cost: runs, lines of output, and times (ms). */
export interface Cost {
  runs: number;
  lost: number;
  doubled: number;
  startedTwice: number;
  /** The longest time in which no run could be submitted and done, or no new process could submit one. */
  unusableMs: number;
  /** From the moment at which another server is the master until a run that was submitted then is done. */
  afterSwitchMs?: number;
  /** What is known of each that was lost, doubled or started twice. */
  readonly wrong: Readonly<Record<string, unknown>>[];
}

export const noCost = (): Cost => ({ runs: 0, lost: 0, doubled: 0, startedTwice: 0, unusableMs: 0, wrong: [] });

const HEADS = ['topology', 'runs', 'lost', 'doubled', 'startedTwice', 'unusableMs', 'afterSwitchMs'] as const;

/** Adds a row to the table that is printed at the end. */
export function addRow(topology: string, cost: Cost): void {
  const row: Cost & { topology: string } = { topology, ...cost };
  appendFileSync(inject('costTable'), `| ${HEADS.map((head) => row[head] ?? '-').join(' | ')} |\n`);
}

/** Prints the rows of all test files as one table. */
export default function setup(project: TestProject): () => void {
  const directory = mkdtempSync(join(tmpdir(), 'ap-costs-'));
  const file = join(directory, 'rows');
  writeFileSync(file, `| ${HEADS.join(' | ')} |\n| --- |${' ---: |'.repeat(HEADS.length - 1)}\n`);
  project.provide('costTable', file);
  return () => {
    console.log(readFileSync(file, 'utf8'));
    rmSync(directory, { recursive: true });
  };
}
