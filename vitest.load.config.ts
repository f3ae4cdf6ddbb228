import { defineConfig } from 'vitest/config';

/** Clients and runs that flood, and what is large: one file after the other, so that nothing else is in what they measure. */
export default defineConfig({
  test: {
    include: ['test/load/**/*.test.ts'],
    globalSetup: ['test/support/redis-server.ts'],
    testTimeout: 300_000,
    hookTimeout: 120_000,
    fileParallelism: false,
    pool: 'forks',
  },
});
