import { type EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { type EventDetail, type EventType, eventDetails, eventSource } from '../../contract/events.ts';
import { StoreError } from '../store-error.ts';
import type { EventSink, LostEvent } from './port.ts';

export interface EventSinkOptions {
  readonly client: EventBridgeClient;
  /** Name or ARN of the bus. */
  readonly bus: string;
  /** Told of each event that could not be sent. Must not throw. */
  readonly onLost: (lost: LostEvent) => void;
  /**
   * After so long an event counts as lost, the client's own retries included: whoever waits for the answer of a change
   * does not wait for EventBridge. Milliseconds.
   * @default 3000
   */
  readonly timeoutMilliseconds?: number;
}

/**
 * Sends events to a bus of EventBridge, one call each: they are rare. A detail is checked against the contract before,
 * so that subscribers never get another shape than docs/events.md says.
 */
export function awsEventSink({ client, bus, onLost, timeoutMilliseconds = 3000 }: EventSinkOptions): EventSink {
  const send = async (type: EventType, detail: unknown): Promise<void> => {
    const Detail = JSON.stringify(eventDetails[type].parse(detail));
    const command = new PutEventsCommand({
      Entries: [{ EventBusName: bus, Source: eventSource, DetailType: type, Detail }],
    });
    const { Entries = [] } = await client.send(command, { abortSignal: AbortSignal.timeout(timeoutMilliseconds) });
    // The call succeeds even when its entry was refused.
    const refused = Entries.find(({ ErrorCode }) => ErrorCode !== undefined);
    if (refused !== undefined) throw new StoreError('refused', `${refused.ErrorCode}: ${refused.ErrorMessage ?? ''}`);
  };
  return {
    async publish<T extends EventType>(type: T, detail: EventDetail<T>) {
      await send(type, detail).catch((error: unknown) => onLost({ type, detail, error }));
    },
  };
}
