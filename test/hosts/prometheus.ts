import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '../support/processes.js';
import type { Network } from './network.js';

const DEPLOY = new URL('../../deploy/', import.meta.url).pathname;
const ADDRESS = '127.0.0.1:9090'; // of the switch, where nobody else listens

/** Why there can be no Prometheus here; undefined where there can. */
export const whyNoPrometheus = (): string | undefined =>
  spawnSync('prometheus', ['--version']).error ? 'Prometheus is not installed' : undefined;

export interface Scraped {
  readonly server: string;
  readonly workers: readonly string[];
  readonly token: string;
}

/** An answer of its API, without the envelope. */
export type Answered = { readonly result: readonly { readonly value: readonly [number, string] }[] };

export interface Prometheus {
  /** What the API answers to each of these addresses, such as `/api/v1/rules`. */
  ask<Data>(paths: readonly string[]): Data[];
  /** What it answers to expressions now. */
  query(expressions: readonly string[]): Answered[];
  end(): Promise<void>;
}

/** A real Prometheus on the switch, with the scrape configuration and the rules of deploy/, which looks each second. */
export async function startPrometheus(network: Network, directory: string, scraped: Scraped): Promise<Prometheus> {
  mkdirSync(directory);
  const token = join(directory, 'token');
  writeFileSync(token, scraped.token);
  copyFileSync(join(DEPLOY, 'prometheus/alerts.yml'), join(directory, 'alerts.yml'));
  writeFileSync(join(directory, 'prometheus.yml'), configFor(scraped, token));
  const [program = '', ...args] = [...network.onSwitch, 'prometheus', `--web.listen-address=${ADDRESS}`];
  const where = [`--config.file=${directory}/prometheus.yml`, `--storage.tsdb.path=${directory}/data`];
  const child = spawn(program, [...args, ...where], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr?.on('data', (bytes) => {
    said += bytes;
  });
  const exited = once(child, 'exit');
  const ask = <Data>(paths: readonly string[]) => askAll(network, paths) as Data[];
  await eventually(() => ended(child) || isReady(network), Boolean, 60_000);
  if (ended(child)) throw new Error(`Prometheus does not start: ${said}`);
  return {
    ask,
    query: (expressions) => ask(expressions.map((expr) => `/api/v1/query?${new URLSearchParams({ query: expr })}`)),
    async end() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

const ended = ({ exitCode, signalCode }: ChildProcess) => exitCode !== null || signalCode !== null;

/** That of deploy/, with our addresses, and in seconds instead of minutes. */
function configFor({ server, workers }: Scraped, token: string): string {
  const scrape = readFileSync(join(DEPLOY, 'prometheus/scrape.yml'), 'utf8')
    .replaceAll('/etc/prometheus/agentpool-token', token)
    .replace('["127.0.0.1:7333"]', JSON.stringify([server]))
    .replace('["127.0.0.1:7334"]', JSON.stringify(workers));
  return `global: { scrape_interval: 1s, evaluation_interval: 1s }\nrule_files: [alerts.yml]\n${scrape}`;
}

/** Asks from where Prometheus is, as it listens to no other address. */
const ASK = `
Promise.all(JSON.parse(process.argv[1]).map(async (path) => {
  const answer = await fetch('http://${ADDRESS}' + path);
  return { path, status: answer.status, text: await answer.text() };
})).then((all) => console.log(JSON.stringify(all)));`;

interface Asked {
  readonly path: string;
  readonly status: number;
  readonly text: string;
}

function askOnce({ onSwitch: [program = '', ...args] }: Network, paths: readonly string[]): Asked[] | undefined {
  const { status, stdout } = spawnSync(program, [...args, process.execPath, '-e', ASK, JSON.stringify(paths)], {
    encoding: 'utf8',
    timeout: 30_000,
  });
  return status === 0 ? (JSON.parse(stdout) as Asked[]) : undefined;
}

const isReady = (network: Network) => askOnce(network, ['/-/ready'])?.[0]?.status === 200;

function askAll(network: Network, paths: readonly string[]): unknown[] {
  const all = askOnce(network, paths);
  if (!all) throw new Error('Prometheus does not answer');
  return all.map(({ path, status, text }) => {
    if (status !== 200) throw new Error(`${decodeURIComponent(path)}: ${status} ${text}`);
    return (JSON.parse(text) as { data: unknown }).data;
  });
}
