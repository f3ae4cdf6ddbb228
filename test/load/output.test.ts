import { describe, it } from 'vitest';
import { oneMcp, onePlace, oneWorker } from '../support/beginnings.js';
import { expectAllLines, expectWholeLine } from '../support/follow-output.js';

const place = onePlace();
oneWorker(place);
const mcp = oneMcp(place);

describe('output that is large', () => {
  it('arrives exactly once: 200,000 lines, whatever the size of the pages', async () => {
    await expectAllLines(mcp, 200_000, 1_048_576, 32_768);
    await expectAllLines(mcp, 20_000, 1_024); // each of its pages is a call
  });

  it('comes through exactly when it is 50 MB in one line', () => expectWholeLine(mcp, 50_000_000));
});
