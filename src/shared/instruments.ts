import type { Counter, Gauge, Histogram, Registry } from 'prom-client';

type Labels<Label extends string> = readonly Label[];

/** Figures for Prometheus that belong to one registry. */
export interface Instruments {
  readonly registry: Registry;
  gauge<Label extends string = never>(name: string, help: string, labels?: Labels<Label>): Gauge<Label>;
  counter<Label extends string = never>(name: string, help: string, labels?: Labels<Label>): Counter<Label>;
  /** `buckets`: their upper bounds, in the unit of the figure. */
  histogram<Label extends string = never>(
    name: string,
    help: string,
    buckets: readonly number[],
    labels?: Labels<Label>,
  ): Histogram<Label>;
}

/** Loads the library, which takes a moment, and begins to collect the figures of this process. */
export async function openInstruments(): Promise<Instruments> {
  const { default: prometheus } = await import('prom-client');
  const registry = new prometheus.Registry();
  const registers = [registry];
  prometheus.collectDefaultMetrics({ register: registry });
  return {
    registry,
    gauge: (name, help, labelNames = []) => new prometheus.Gauge({ name, help, labelNames, registers }),
    counter: (name, help, labelNames = []) => new prometheus.Counter({ name, help, labelNames, registers }),
    histogram: (name, help, buckets, labelNames = []) =>
      new prometheus.Histogram({ name, help, labelNames, buckets: [...buckets], registers }),
  };
}
