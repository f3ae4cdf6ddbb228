import { defineConfig } from 'vitest/config';

/** Three hosts, each a network namespace with a name and a state directory of its own; wants root. */
export default defineConfig({
  cacheDir: 'node_modules/.vite/beside', // CI tries it beside another suite
  test: {
    include: ['test/hosts/**/*.test.ts'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    maxWorkers: 1,
    pool: 'forks',
  },
});
