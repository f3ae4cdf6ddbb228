import { defineConfig } from 'vitest/config';

/** A fault at every point of a run's way through a worker: too long for `npm test`, so it is a suite of its own. */
export default defineConfig({
  test: {
    include: ['test/integration/worker/run/fault-injection.test.ts'],
    globalSetup: ['test/support/redis-server.ts'],
    testTimeout: 600_000,
    hookTimeout: 60_000,
    pool: 'forks',
  },
});
