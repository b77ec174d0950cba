import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics } from '@aws-lambda-powertools/metrics';
import { type Measurements, type MetricName, metricsNamespace, metricUnits } from '../contract/metrics.ts';

/** Logs and metrics of one function. */
export interface Telemetry {
  readonly log: Logger;
  /** Adds to what {@link publish} writes. */
  measure(measurements: Measurements): void;
  /** Writes what was measured since the last time, as one line of CloudWatch's embedded metric format. */
  publish(): void;
}

/** @param service name of the function; the dimension of its metrics */
export function createTelemetry(service: string): Telemetry {
  const log = new Logger({ serviceName: service });
  const metrics = new Metrics({ namespace: metricsNamespace, serviceName: service });
  return {
    log,
    measure(measurements) {
      for (const [name, value] of Object.entries(measurements) as [MetricName, number][])
        metrics.addMetric(name, metricUnits[name], value);
    },
    publish() {
      // Powertools warns of an empty line; a run that measured nothing is nothing to warn of.
      if (metrics.hasStoredMetrics()) metrics.publishStoredMetrics();
    },
  };
}
