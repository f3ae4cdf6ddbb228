import { defineConfig } from 'vitest/config';

/** One battery of tests against each way in which Redis can be run, with real servers; prints a table of what it cost. */
export default defineConfig({
  cacheDir: 'node_modules/.vite/beside', // CI tries it beside another suite
  test: {
    include: ['test/topologies/**/*.test.ts'],
    globalSetup: ['test/topologies/table.ts'],
    testTimeout: 600_000, // the longest takes 190 s on two idle cores
    hookTimeout: 60_000,
    maxWorkers: 2,
    pool: 'forks',
  },
});
