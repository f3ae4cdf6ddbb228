import {
  type Context,
  createTraceState,
  isSpanContextValid,
  type Span as OtelSpan,
  ROOT_CONTEXT,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import type { Config } from '../config/load.js';
import type { Logger } from '../logger.js';
import { omitUndefined } from '../omit-undefined.js';
import { VERSION } from '../version.js';
import type { FlushableProvider } from './otlp.js';
import { partsOf, type TraceContext } from './trace-context.js';
import type { Span, Traces } from './traces.js';

const KINDS = {
  server: SpanKind.SERVER,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
  internal: SpanKind.INTERNAL,
} as const;

/** At the end, remaining spans are sent within this time or dropped (ms). */
const SENT_WITHIN_MS = 2_000;

/**
 * Tells of spans by OpenTelemetry's API: to what has registered itself with it (`api`), or to a collector over OTLP. Throws a
 * ConfigError where the packages for that are not installed.
 */
export async function openTraces(how: Exclude<Config['traces'], 'off'>, logger: Logger): Promise<Traces> {
  const provider = how === 'otlp' ? await (await import('./otlp.js')).otlpProvider(logger) : registered();
  const tracer = provider.getTracer('agentpool', VERSION);
  return {
    begin(name, given) {
      const { kind, parent, links = [], facts, startedAt } = given;
      const options = {
        kind: KINDS[kind],
        attributes: omitUndefined(facts),
        links: links.map((link) => ({ context: remote(link) })),
        ...omitUndefined({ startTime: startedAt }),
      };
      return spanFrom(tracer.startSpan(name, options, parent ? within(parent) : ROOT_CONTEXT));
    },
    async stop() {
      const flushed = provider.forceFlush?.().catch((error: unknown) => {
        logger.warn({ err: error }, 'the last spans of this process could not be sent');
      });
      let timer: NodeJS.Timeout | undefined;
      const tooLong = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, SENT_WITHIN_MS);
      });
      await Promise.race([flushed, tooLong]);
      clearTimeout(timer);
    },
  };
}

/** What the operator has registered, as by `node --import`; without that, a provider whose spans go nowhere. */
function registered(): FlushableProvider {
  const provider = trace.getTracerProvider() as FlushableProvider & { getDelegate?(): FlushableProvider };
  return provider.getDelegate?.() ?? provider;
}

const remote = (context: TraceContext): SpanContext => ({
  ...partsOf(context),
  isRemote: true,
  ...(context.tracestate !== undefined && { traceState: createTraceState(context.tracestate) }),
});

const within = (parent: TraceContext): Context => trace.setSpanContext(ROOT_CONTEXT, remote(parent));

function spanFrom(span: OtelSpan): Span {
  return {
    context: contextOf(span.spanContext()),
    event: (name, facts, at) => void span.addEvent(name, omitUndefined(facts), at),
    end({ facts = {}, error, endedAt } = {}) {
      span.setAttributes(omitUndefined({ ...facts, 'error.type': error }));
      if (error !== undefined) span.setStatus({ code: SpanStatusCode.ERROR });
      span.end(endedAt);
    },
  };
}

function contextOf(context: SpanContext): TraceContext | undefined {
  if (!isSpanContextValid(context)) return undefined;
  const { traceId, spanId, traceFlags, traceState } = context;
  const flags = (traceFlags & 0xff).toString(16).padStart(2, '0');
  const state = traceState?.serialize();
  return { traceparent: `00-${traceId}-${spanId}-${flags}`, ...(state ? { tracestate: state } : {}) };
}
