import { eventSinkContract } from '#shared/stores/events/contract-suite.ts';
import { MemoryEventSink } from './memory-events.ts';

eventSinkContract('memory', async () => {
  const sink = new MemoryEventSink();
  return {
    sink,
    lost: sink.lost,
    received: async () => sink.sent,
    break: async () => {
      sink.broken = true;
    },
  };
});
