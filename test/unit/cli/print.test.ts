import { expect, test } from 'vitest';
import { paintState } from '../../../src/cli/print.js';
import { RUN_STATES } from '../../../src/shared/run-state.js';

test.each([...RUN_STATES, 'unheard of'])('the state %s is printed as it is, in a colour or none', (state) => {
  expect(paintState(state)).toContain(state);
});
