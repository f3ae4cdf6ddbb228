import type { Case } from './real-runner.js';

/** In CI everything together has 45 minutes. */
const { CI, TEST_CLIS_FULL } = process.env;
const shortened = CI !== undefined && TEST_CLIS_FULL === undefined;
const CI_MINUTES = 9;

/** Why a case is not tried now, although it could be; counts from the start of this process. */
export function leftOut(name: Case): string | undefined {
  if (!shortened) return undefined;
  if (name === 'rate limit') return 'not in CI, since it takes long; TEST_CLIS_FULL=1 asks for it';
  return performance.now() > CI_MINUTES * 60_000 ? `not in CI after ${CI_MINUTES} minutes` : undefined;
}
