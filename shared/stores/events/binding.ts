import * as z from 'zod/mini';

/** Names that the construct owning the bus and the adapter using it share. */
export const eventsBinding = { env: { bus: 'EVENT_BUS' } } as const;

/** `EVENT_BUS`: name of the EventBridge bus. */
export const eventsEnv = z.object({ EVENT_BUS: z.string() });
