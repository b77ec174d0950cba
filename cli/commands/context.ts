import type { OperatorClient } from '../client.ts';
import type { CliIo } from '../io.ts';

/** What every command that talks to the broker gets. */
export interface CommandContext {
  readonly io: CliIo;
  readonly json: boolean;
  readonly call: OperatorClient;
  /** Waits; handed in so that tests need not. */
  readonly sleep: (milliseconds: number) => Promise<void>;
}
