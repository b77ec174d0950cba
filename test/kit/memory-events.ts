/** The sink of events in memory, for tests of use cases. It passes the same contract suite as the AWS adapter. */
import { type EventDetail, type EventType, eventDetails } from '#shared/contract/events.ts';
import type { EventSink, LostEvent } from '#shared/stores/events/port.ts';

export interface SentEvent {
  readonly type: EventType;
  readonly detail: unknown;
}

export class MemoryEventSink implements EventSink {
  /** What was published, the oldest first. */
  readonly sent: SentEvent[] = [];
  readonly lost: LostEvent[] = [];
  /** From now on nothing gets through. */
  broken = false;

  async publish<T extends EventType>(type: T, detail: EventDetail<T>): Promise<void> {
    const parsed = eventDetails[type].safeParse(detail);
    if (!parsed.success) this.lost.push({ type, detail, error: parsed.error });
    else if (this.broken) this.lost.push({ type, detail, error: new Error('the sink is broken') });
    else this.sent.push({ type, detail: structuredClone(parsed.data) });
  }

  /** Details of the events of one type, the oldest first. */
  of(type: EventType): readonly unknown[] {
    return this.sent.filter((event) => event.type === type).map(({ detail }) => detail);
  }
}
