import { defineConfig } from 'vitest/config';

/** What needs a Docker engine; where there is none, one line says so and everything is skipped. */
export default defineConfig({
  cacheDir: 'node_modules/.vite/beside', // CI tries it beside another suite
  test: {
    include: ['test/docker/**/*.test.ts'],
    globalSetup: ['test/docker/engine.ts'],
    testTimeout: 120_000,
    hookTimeout: 900_000, // images are pulled and built
    fileParallelism: false,
    pool: 'forks',
  },
});
