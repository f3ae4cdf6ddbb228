/** A place in a trace, as W3C Trace Context writes it. Checked, so that it can be stored, sent on and logged. */
export interface TraceContext {
  readonly traceparent: string;
  readonly tracestate?: string;
}

/** What the caller of something sends along, unchecked. */
export interface TraceHeaders {
  readonly traceparent?: unknown;
  readonly tracestate?: unknown;
}

/** Version, trace, span, flags; a later version may have more behind them. */
const TRACEPARENT = /^(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
/** A list of `key=value` in printable ASCII; a longer one need not be passed on (characters). */
const TRACESTATE = /^[\x20-\x7e]{1,512}$/;
const LONGEST = 256;

/** The place in a trace that a caller names; undefined where it names none, or none that is well-formed. */
export function readTraceContext({ traceparent, tracestate }: TraceHeaders): TraceContext | undefined {
  if (typeof traceparent !== 'string' || traceparent.length > LONGEST) return undefined;
  const [, version, trace, span, flags, more] = TRACEPARENT.exec(traceparent) ?? [];
  if (version === undefined || (version === '00' && more !== undefined)) return undefined;
  const state = typeof tracestate === 'string' && TRACESTATE.test(tracestate) ? { tracestate } : {};
  return { traceparent: `00-${trace}-${span}-${flags}`, ...state };
}

/** The parts of a place in a trace. */
export function partsOf({ traceparent }: TraceContext): { traceId: string; spanId: string; traceFlags: number } {
  const [, traceId = '', spanId = '', flags = '00'] = traceparent.split('-');
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16) };
}
