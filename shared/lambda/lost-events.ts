import type { Telemetry } from './telemetry.ts';

/** Logs and counts an event that could not be sent; the alarm of nobody's change, but subscribers will miss it. */
export const countLostEvents =
  ({ log, measure }: Pick<Telemetry, 'log' | 'measure'>) =>
  ({ type, detail, error }: { readonly type: string; readonly detail: unknown; readonly error: unknown }): void => {
    measure({ EventsLost: 1 });
    log.error(`an event could not be sent: ${type}`, { detail, error });
  };
