import { defineConfig } from 'vitest/config';

/** The tests of the tools once more, over HTTP and through a balancer that gives each request to the other of two servers. */
export default defineConfig({
  test: {
    include: ['test/e2e/{kill,wait,output,parallel,bad-input,agents,sessions,two-hosts,answer-schemas}.test.ts'],
    env: { TEST_MCP: 'replicas' },
    globalSetup: ['test/support/redis-server.ts'],
    testTimeout: 120_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
    pool: 'forks',
  },
});
