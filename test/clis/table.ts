import Table from 'cli-table3';
import type { Reporter, TestCase, TestModule } from 'vitest/node';
import { CASES, type Case } from './real-runner.js';

declare module 'vitest' {
  interface TaskMeta {
    /** Where the outcome of a test stands in the table of runners and cases, and what is to be said of it. */
    cell?: { readonly program: string; readonly case: Case; readonly standIn?: string; readonly outcome?: string };
  }
}

const STYLE = {
  style: { head: [], border: [], 'padding-left': 0, 'padding-right': 1 },
  chars: { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' },
};

/** Prints what every real program did in every case, once all have run; to stderr, since it is for people. */
export function tableOfClis(): Reporter {
  return {
    onTestRunEnd(modules) {
      const tests = modules
        .flatMap((module) => [...module.children.allTests()].map((test) => ({ test, module })))
        .filter(({ test }) => wasAskedFor(test));
      const notes = new Map<string, number>();
      const cells = tests.filter(({ test }) => test.meta().cell);
      if (cells.length > 0) print(matrixOf(cells, notes));
      for (const [note, number] of notes) process.stderr.write(`${number}) ${note}\n`);
      const table = new Table({ head: ['program', 'case', 'outcome'], ...STYLE });
      for (const { test, module } of tests)
        if (!test.meta().cell) table.push([suiteOf(test, module), test.name, outcomeOf(test, module)].map(clipped));
      if (table.length > 0) print(table);
    },
  };
}

interface Ran {
  readonly test: TestCase;
  readonly module: TestModule;
}

/** Runners down, cases across; a cell that says more has the number of a note. */
function matrixOf(cells: readonly Ran[], notes: Map<string, number>): Table.Table {
  const numbered = (note: string) => {
    if (!notes.has(note)) notes.set(note, notes.size + 1);
    return `${notes.get(note)})`;
  };
  const cases = Object.keys(CASES) as Case[];
  const rows = new Map<string, Map<Case, string>>();
  for (const { test, module } of cells) {
    const { cell } = test.meta();
    if (!cell) continue;
    const name = cell.standIn ? `${cell.program} ${numbered(cell.standIn)}` : cell.program;
    const row = rows.get(name) ?? new Map<Case, string>();
    rows.set(name, row.set(cell.case, shortOf(test, module, cell.outcome, numbered)));
  }
  const table = new Table({ head: ['', ...cases], ...STYLE, wordWrap: true });
  for (const [name, row] of rows) table.push([name, ...cases.map((one) => row.get(one) ?? '')]);
  return table;
}

function shortOf(
  test: TestCase,
  module: TestModule,
  outcome: string | undefined,
  note: (text: string) => string,
): string {
  const { state } = test.result();
  if (state === 'passed') {
    const seconds = ((test.diagnostic()?.duration ?? 0) / 1000).toFixed(0);
    return [`ok${seconds === '0' ? '' : ` ${seconds} s`}`, ...(outcome ? [note(outcome)] : [])].join(' ');
  }
  return `${state === 'failed' ? 'FAILED' : '-'} ${note(outcomeOf(test, module))}`;
}

/** Tests that a filter has left out are of no interest. */
function wasAskedFor(test: TestCase): boolean {
  const result = test.result();
  return result.state !== 'skipped' || result.note !== undefined || test.meta().cell !== undefined;
}

const print = (table: Table.Table) => void process.stderr.write(`\n${table.toString()}\n`);
const clipped = (text: string) => (text.length <= 100 ? text : `${text.slice(0, 99)}…`);

const suiteOf = ({ parent }: TestCase, module: TestModule) =>
  parent.type === 'suite' ? parent.name : module.relativeModuleId;

function outcomeOf(test: TestCase, module: TestModule): string {
  const { state, errors } = test.result();
  if (state === 'passed') return `ok, ${((test.diagnostic()?.duration ?? 0) / 1000).toFixed(1)} s`;
  if (state === 'failed') return `FAILED: ${errors?.[0]?.message.split('\n')[0] ?? 'no message'}`;
  const [broken] = test.parent.type === 'suite' ? test.parent.errors() : module.errors();
  if (broken) return `FAILED: ${broken.message.split('\n')[0]}`; // a hook of its suite
  const { note } = test.result() as { note?: string };
  return note ?? 'skipped';
}
