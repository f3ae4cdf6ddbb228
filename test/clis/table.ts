import Table from 'cli-table3';
import type { Reporter, TestCase, TestModule } from 'vitest/node';

/** Prints what every real program did in every case, once all have run; to stderr, since it is for people. */
export function tableOfClis(): Reporter {
  return {
    onTestRunEnd(modules) {
      const table = new Table({
        head: ['program', 'case', 'outcome'],
        style: { head: [], border: [] },
        chars: { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' },
      });
      for (const module of modules)
        for (const test of module.children.allTests()) table.push(rowOf(test, module).map(clipped));
      process.stderr.write(`\n${table.toString()}\n`);
    },
  };
}

const clipped = (text: string) => (text.length <= 100 ? text : `${text.slice(0, 99)}…`);

function rowOf(test: TestCase, module: TestModule): string[] {
  const { parent } = test;
  return [parent.type === 'suite' ? parent.name : module.relativeModuleId, test.name, outcomeOf(test, module)];
}

function outcomeOf(test: TestCase, module: TestModule): string {
  const { state, errors } = test.result();
  if (state === 'passed') return `ok, ${((test.diagnostic()?.duration ?? 0) / 1000).toFixed(1)} s`;
  if (state === 'failed') return `FAILED: ${errors?.[0]?.message.split('\n')[0] ?? 'no message'}`;
  const [broken] = test.parent.type === 'suite' ? test.parent.errors() : module.errors();
  if (broken) return `FAILED: ${broken.message.split('\n')[0]}`; // a hook of its suite
  const { clis } = module.project.getProvidedContext();
  return `skipped: ${'missing' in clis ? clis.missing : 'not asked for'}`;
}
