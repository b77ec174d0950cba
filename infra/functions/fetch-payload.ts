import type { Duration } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { fetchPayloadEnv } from '#functions/fetch-payload/env.ts';
import type { OutboundProxy } from '../edge/outbound-proxy.ts';
import { BrokerFunction, type FunctionSettings } from '../kit/broker-function.ts';
import type { Catalog } from '../stores/catalog.ts';
import type { Events } from '../stores/events.ts';
import type { Payloads } from '../stores/payloads.ts';
import type { Requests } from '../stores/requests.ts';

export interface FetchPayloadProps extends FunctionSettings {
  readonly catalog: Catalog;
  readonly events: Events;
  readonly payloads: Payloads;
  readonly requests: Requests;
  readonly outboundProxy: OutboundProxy | undefined;
  readonly memoryMiB: number;
  readonly timeout: Duration;
  /** Files fetched at the same time. */
  readonly maxConcurrency: number;
  /**
   * What all workers together take from Microsoft at most. Bytes per second.
   *
   * @default - as much as they get
   */
  readonly bytesPerSecond?: number | undefined;
}

/** Works the queue: fetches files from Microsoft, proves them and adds them to the repository. */
export class FetchPayload extends BrokerFunction {
  constructor(scope: Construct, id: string, props: FetchPayloadProps) {
    super(scope, id, {
      ...props,
      name: 'fetch-payload',
      description: 'Fetches requested files from Microsoft, proves their digests and adds them to the repository',
      env: fetchPayloadEnv,
    });
    props.requests.grantWork(this, props.maxConcurrency);
    const { bytesPerSecond, maxConcurrency } = props;
    if (bytesPerSecond !== undefined)
      this.bind({ WORKER_BYTES_PER_SECOND: String(Math.max(1, Math.floor(bytesPerSecond / maxConcurrency))) });
    props.catalog.grantReadFacts(this);
    props.payloads.grantAdd(this);
    props.events.grantPublish(this, ['FileCached']);
    props.outboundProxy?.grantUse(this);
  }
}
