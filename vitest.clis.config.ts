import { defineConfig } from 'vitest/config';
import { tableOfClis } from './test/clis/table.js';

export default defineConfig({
  test: {
    include: ['test/clis/**/*.test.ts'],
    globalSetup: ['test/support/redis-server.ts', 'test/clis/install.ts'],
    reporters: ['default', tableOfClis()],
    testTimeout: 600_000, // above the patience of the tests with a program on a busy machine
    hookTimeout: 60_000,
    fileParallelism: false,
    pool: 'forks',
  },
});
