import { defineConfig } from 'vitest/config';

/** The built programs while something breaks: workers, hosts, Redis, disks, clocks. Much of it is waiting. */
export default defineConfig({
  test: {
    include: ['test/outages/**/*.test.ts'],
    globalSetup: ['test/support/redis-server.ts'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    maxWorkers: 3,
    pool: 'forks',
    isolate: false,
  },
});
