import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: [
      'test/browser/**',
      'test/clients/**',
      'test/clis/**',
      'test/docker/**',
      'test/hosts/**',
      'test/load/**',
      'test/outages/**',
      'test/package/**',
      'test/chaos/**',
      'test/topologies/**',
      'test/screenshots/**',
      'test/integration/worker/run/fault-injection.test.ts',
      'test/integration/worker/run/death-at-every-call.test.ts',
      '**/node_modules/**',
    ],
    globalSetup: ['test/support/redis-server.ts'],
    // No test takes long; a machine that does ten other things does.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // Most of the time is waiting for programs, so one more than the two processors of a small machine.
    maxWorkers: 3,
    pool: 'forks',
    // Files share the modules that they import: loading them anew for each file costs more than all unit tests.
    isolate: false,
  },
});
