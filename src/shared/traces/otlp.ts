import { DiagLogLevel, diag, type TracerProvider } from '@opentelemetry/api';
import { ConfigError, codeOf } from '../errors.js';
import type { Logger } from '../logger.js';
import { VERSION } from '../version.js';

/** A provider as the SDKs have it. */
export interface FlushableProvider extends TracerProvider {
  forceFlush?(): Promise<void>;
}

/** What sends spans. They are not installed with agentpool: most pools want none of them. */
const PACKAGES =
  '@opentelemetry/sdk-trace-base@2 @opentelemetry/resources@2 @opentelemetry/exporter-trace-otlp-http@0.223';

/**
 * Sends spans to the collector of OTEL_EXPORTER_OTLP_ENDPOINT, by the SDK that its operator has installed beside agentpool;
 * its settings are the OTEL_* variables of the environment. Throws a ConfigError without it.
 */
export async function otlpProvider(logger: Logger): Promise<FlushableProvider> {
  const { sdk, exporter, resources } = await loadSdk();
  // Otherwise nothing would report that the collector does not answer.
  const say = (message: string) => logger.warn({ from: 'opentelemetry' }, message.slice(0, 1_000));
  diag.setLogger({ error: say, warn: say, info: () => {}, debug: () => {}, verbose: () => {} }, DiagLogLevel.WARN);
  const resource = resources
    .defaultResource()
    .merge(resources.resourceFromAttributes({ 'service.name': 'agentpool', 'service.version': VERSION }))
    .merge(resources.detectResources({ detectors: [resources.envDetector] }));
  const sending = new sdk.BatchSpanProcessor(new exporter.OTLPTraceExporter());
  return new sdk.BasicTracerProvider({ resource, spanProcessors: [sending] });
}

async function loadSdk() {
  try {
    const [sdk, exporter, resources] = await Promise.all([
      import('@opentelemetry/sdk-trace-base'),
      import('@opentelemetry/exporter-trace-otlp-http'),
      import('@opentelemetry/resources'),
    ]);
    return { sdk, exporter, resources };
  } catch (error) {
    // By `import` of a module, or by `require` of the bundle.
    if (!['ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND'].includes(codeOf(error) ?? '')) throw error;
    throw new ConfigError([
      `AGENTPOOL_TRACES=otlp wants packages that are not installed beside agentpool: npm install --global ${PACKAGES}`,
    ]);
  }
}
