import type { EventDetail, EventType } from '../../contract/events.ts';

/** Tells the world what happened. */
export interface EventSink {
  /**
   * Sends one event. What happened has happened: an event that cannot be sent is logged, and nothing is thrown.
   */
  publish<T extends EventType>(type: T, detail: EventDetail<T>): Promise<void>;
}
