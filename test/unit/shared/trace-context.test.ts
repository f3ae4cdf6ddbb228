import { describe, expect, it } from 'vitest';
import { readTraceContext } from '../../../src/shared/traces/trace-context.js';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';
const good = `00-${TRACE}-${SPAN}-01`;

describe('the place in a trace that a caller names', () => {
  it('is taken as it is', () => {
    expect(readTraceContext({ traceparent: good, tracestate: 'rojo=1,congo=t61' })).toEqual({
      traceparent: good,
      tracestate: 'rojo=1,congo=t61',
    });
  });

  it('is taken of a later version, in the words of ours', () => {
    expect(readTraceContext({ traceparent: `cc-${TRACE}-${SPAN}-01-what-the-future-holds` })).toEqual({
      traceparent: good,
    });
  });

  it.each([
    ['nothing', undefined],
    ['no text', { traceparent: good }],
    ['several', [good, good]],
    ['an empty text', ''],
    ['a trace of zeros', `00-${'0'.repeat(32)}-${SPAN}-01`],
    ['a span of zeros', `00-${TRACE}-${'0'.repeat(16)}-01`],
    ['the version that there is not', `ff-${TRACE}-${SPAN}-01`],
    ['more than its version has', `${good}-more`],
    ['capitals', good.toUpperCase()],
    ['a line end', `${good}\n`],
    ['a line of a log', `00-${TRACE}-${SPAN}-01\n{"level":60}`],
    ['a control character', `00-${TRACE}-${SPAN}-0\u001b`],
    ['too much', `cc-${TRACE}-${SPAN}-01-${'x'.repeat(1_000_000)}`],
  ])('is not there where it is %s', (_, traceparent) => {
    expect(readTraceContext({ traceparent })).toBeUndefined();
  });

  it.each([
    ['a line end', 'a=1\nb=2'],
    ['an escape', 'a=\u001b[31m'],
    ['too much', `a=${'x'.repeat(513)}`],
    ['no text', 7],
  ])('is taken without a state that is %s', (_, tracestate) => {
    expect(readTraceContext({ traceparent: good, tracestate })).toEqual({ traceparent: good });
  });
});
