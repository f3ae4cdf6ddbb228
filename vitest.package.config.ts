import { defineConfig } from 'vitest/config';

/** The package as others install it; needs npm's registry, or what npm has of it in its cache. */
export default defineConfig({
  test: {
    include: ['test/package/**/*.test.ts'],
    globalSetup: ['test/support/redis-server.ts'],
    testTimeout: 120_000,
    hookTimeout: 240_000,
    pool: 'forks',
  },
});
