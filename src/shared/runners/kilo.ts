import { opencodeKin } from './opencode-kin.js';

/** Kilo CLI, `@kilocode/cli` 7.7: a fork of opencode with agents of its own. */
export const kilo = opencodeKin({
  name: 'kilo',
  title: 'Kilo CLI',
  // 7.8.1 does not install: the packages with its programs were never published.
  install: 'npm install -g @kilocode/cli@7.7.7',
  testedVersion: '7.7.7',
  modes: ['code', 'architect', 'ask', 'debug', 'orchestrator'],
  memoryMib: 1_100,
  prefix: 'KILO',
  // Its first output comes after 12 s at best, and a list of sessions takes a gigabyte.
  lookAfterMs: [25_000, 90_000],
});
