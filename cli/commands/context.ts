import type { OperatorClient } from '../client.ts';
import type { CliIo } from '../io.ts';
import type { TrustHome } from '../trust/home.ts';

/** What every command that talks to the broker gets. */
export interface CommandContext {
  readonly io: CliIo;
  readonly json: boolean;
  readonly call: OperatorClient;
  /** What this machine believes of the broker's repository. */
  readonly trust: TrustHome;
  /** Address of the API, for what is printed. */
  readonly apiUrl: URL;
  /** Waits; handed in so that tests need not. */
  readonly sleep: (milliseconds: number) => Promise<void>;
  readonly now: () => Date;
}
