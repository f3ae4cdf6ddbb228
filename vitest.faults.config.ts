import { defineConfig } from 'vitest/config';

/** A fault, or the worker's death, at every point of a run's way through it: too long for `npm test`, so it is a suite of its own. */
export default defineConfig({
  test: {
    include: [
      'test/integration/worker/run/fault-injection.test.ts',
      'test/integration/worker/run/death-at-every-call.test.ts',
    ],
    globalSetup: ['test/support/redis-server.ts'],
    testTimeout: 600_000,
    hookTimeout: 60_000,
    pool: 'forks',
  },
});
