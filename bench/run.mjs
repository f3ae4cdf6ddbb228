// Every figure, each measured beside its raw limit in the same run: `npm run bench` runs all files of this directory and
// writes bench/RESULTS.md, `npm run bench -- wait` only those whose name has `wait` in it, and writes nothing.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, release, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const NOT_FIGURES = ['run.mjs', 'report.mjs', 'bare-bullmq.mjs', 'up.mjs', 'endurance.mjs'];
const wanted = process.argv[2];
const files = readdirSync(here)
  .filter((name) => name.endsWith('.mjs') && !NOT_FIGURES.includes(name))
  .filter((name) => wanted === undefined || name.includes(wanted));
if (files.length === 0) {
  process.stderr.write(`no file of bench/ has ${wanted} in its name\n`);
  process.exit(2);
}

/** No file takes longer than this (ms); one that hangs is ended, and the others are measured all the same. */
const MOST_MS = 240_000;
const directory = mkdtempSync(join(tmpdir(), 'ap-bench-'));
const rows = [];
const failed = [];
const begun = performance.now();
const seconds = (since) => `${((performance.now() - since) / 1_000).toFixed(0)} s`;
for (const file of files) {
  const report = join(directory, `${file}.jsonl`);
  process.stdout.write(`\n=== ${file}\n`);
  const since = performance.now();
  const { status } = spawnSync(process.execPath, [join(here, file)], {
    stdio: 'inherit',
    timeout: MOST_MS,
    env: { ...process.env, BENCH_REPORT: report },
  });
  process.stdout.write(`(${seconds(since)})\n`);
  if (status !== 0) failed.push(file);
  if (existsSync(report))
    rows.push(
      ...readFileSync(report, 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
    );
}
rmSync(directory, { recursive: true });

const cell = (text) => String(text ?? '').replaceAll('|', '\\|');
const verdict = ({ met }) => (met === undefined ? '' : met ? 'met' : '**not met**');
const table = [
  '| Figure | agentpool | Raw limit or peer | Ratio | Goal | |',
  '| --- | --- | --- | ---: | --- | --- |',
  ...rows.map((row) => {
    const { figure, ours, limit, ratio, goal } = row;
    return `| ${[figure, ours, limit, ratio?.toFixed(2), goal, verdict(row)].map(cell).join(' | ')} |`;
  }),
].join('\n');
const unmet = rows.filter(({ met }) => met === false);
const stops = unmet
  .map(({ figure, notes }) => `* **${figure}**: ${(notes ?? 'not worked on yet.').replace(/\s+/g, ' ')}`)
  .join('\n');
const tried = unmet.length === 0 ? '' : `\n## Where a goal is not met\n\n${stops}\n`;
const missing = failed.length === 0 ? '' : `\nNot measured to the end: ${failed.join(', ')}.\n`;
const text = `${table}\n${missing}${tried}`;
process.stdout.write(`\n${text}\n${rows.length} figures in ${seconds(begun)}\n`);
if (wanted === undefined) {
  const machine = `${cpus().length} cores (${cpus()[0]?.model.trim()}), ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()}`;
  const redis = spawnSync('redis-server', ['--version'], { encoding: 'utf8' }).stdout.match(/v=([\d.]+)/)?.[1];
  const date = new Date().toISOString().slice(0, 10);
  writeFileSync(
    join(here, 'RESULTS.md'),
    `# Figures\n\nWritten by \`npm run bench\` on ${date}, in ${seconds(begun)}: ${machine}, Node ${process.versions.node}, Redis ${redis}. Ratios travel between machines, absolute figures do not.\n\n${text}`,
  );
}
process.exit(failed.length > 0 ? 1 : 0);
