import type { OperatorClient } from '../client.ts';
import type { CliIo } from '../io.ts';

/** What every command that talks to the broker gets. */
export interface CommandContext {
  readonly io: CliIo;
  readonly json: boolean;
  readonly call: OperatorClient;
  /** Address of the API, for what is printed. */
  readonly apiUrl: URL;
  /** Waits; handed in so that tests need not. */
  readonly sleep: (milliseconds: number) => Promise<void>;
  readonly now: () => Date;
}
