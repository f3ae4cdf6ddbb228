import { spawnSync } from 'node:child_process';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    /** Why nothing can be run in containers here; empty where it can. */
    withoutEngine: string;
    /** Why the composed pool cannot be run here; empty where it can. */
    withoutCompose: string;
    /** The command of compose: version 2 where it is installed, else version 1. */
    compose: readonly [string, ...string[]];
  }
}

const COMPOSE = [['docker', 'compose'], ['docker-compose']] as const;

/** The first line that a command prints; undefined when it fails. */
function lineOf(command: string, ...args: string[]): string | undefined {
  const { status, stdout } = spawnSync(command, args, { encoding: 'utf8', timeout: 20_000 });
  return status === 0 ? stdout.split('\n', 1)[0] : undefined;
}

/** Looks once for a Docker engine and for compose, and says in one line what there is. */
export default function setup(project: TestProject): void {
  const engine = lineOf('docker', 'version', '--format', '{{.Server.Version}}');
  const compose = COMPOSE.find(([command, ...args]) => lineOf(command, ...args, 'version') !== undefined);
  const hint = 'no Docker engine can be reached (as root: test/docker/with-local-engine.sh npm run test:docker)';
  const withoutEngine = engine === undefined ? hint : '';
  const withoutCompose = withoutEngine || (compose ? '' : 'there is no docker-compose');
  project.provide('withoutEngine', withoutEngine);
  project.provide('withoutCompose', withoutCompose);
  project.provide('compose', [...(compose ?? COMPOSE[1])]);
  const found = `Docker ${engine}${withoutCompose ? `; the composed pool is skipped: ${withoutCompose}` : ''}`;
  console.log(withoutEngine ? `docker tests are skipped: ${withoutEngine}` : `docker tests use ${found}`);
}

/** The Redis that the tests run in containers: TEST_REDIS_IMAGE, or the one of docker-compose.yml. */
export const REDIS_IMAGE = process.env.TEST_REDIS_IMAGE || 'redis:7-alpine';
