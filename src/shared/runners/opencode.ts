import { opencodeKin } from './opencode-kin.js';

/** opencode, `opencode-ai` 1.18. */
export const opencode = opencodeKin({
  name: 'opencode',
  title: 'opencode',
  install: 'npm install -g opencode-ai',
  testedVersion: '1.18.33',
  modes: ['build', 'plan'],
  memoryMib: 750,
  prefix: 'OPENCODE',
  // Its first output comes after 4 s at best.
  lookAfterMs: [10_000, 30_000, 90_000],
});
