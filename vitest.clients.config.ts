import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/clients/**/*.test.ts'],
    globalSetup: ['test/support/redis-server.ts', 'test/clients/install.ts'],
    testTimeout: 60_000,
    hookTimeout: 600_000, // a scenario of one client goes through in its hook
    fileParallelism: false,
    pool: 'forks',
  },
});
