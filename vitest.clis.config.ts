import { defineConfig } from 'vitest/config';
import { tableOfClis } from './test/clis/table.js';

const { TEST_CLIS_REPORT: outputFile } = process.env;

export default defineConfig({
  test: {
    include: ['test/clis/**/*.test.ts'],
    globalSetup: ['test/support/redis-server.ts', 'test/clis/install.ts'],
    reporters: ['default', tableOfClis(), ...(outputFile ? [['json', { outputFile }] as ['json', object]] : [])],
    testTimeout: 600_000, // above the patience of the tests with a program on a busy machine
    hookTimeout: 60_000,
    maxWorkers: 2, // one file has half of the tests, each of which waits for its program
    pool: 'forks',
  },
});
