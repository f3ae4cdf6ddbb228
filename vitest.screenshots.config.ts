import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/screenshots/**/*.test.ts'],
    globalSetup: ['test/support/redis-server.ts', 'test/clis/install.ts'],
    testTimeout: 600_000,
    hookTimeout: 120_000,
    pool: 'forks',
  },
});
