import type { EventDetail, EventType } from '../../contract/events.ts';

/** Tells the world what happened. */
export interface EventSink {
  /**
   * Sends one event. What happened has happened: an event that cannot be sent is handed to whoever made the sink (which
   * logs and counts it), and nothing is thrown. Work that is repeated may send an event again.
   */
  publish<T extends EventType>(type: T, detail: EventDetail<T>): Promise<void>;
}

/** An event that nobody will hear of. */
export interface LostEvent {
  readonly type: EventType;
  readonly detail: unknown;
  readonly error: unknown;
}
