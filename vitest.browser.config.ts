import { defineConfig } from 'vitest/config';

/** Everything that a person sees, in Chromium; where there is none, one line says so and it is skipped. */
export default defineConfig({
  test: {
    include: ['test/browser/**/*.test.ts'],
    globalSetup: ['test/support/redis-server.ts'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    maxWorkers: 2,
    pool: 'forks',
    isolate: false,
  },
});
