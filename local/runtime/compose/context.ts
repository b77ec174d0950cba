import type { StackModel } from '#local/assembly/stack-model.ts';
import type { LocalStack, StackLogLine, StackOptions } from '#local/types.ts';
import type { Addresses } from '../addresses.ts';
import type { Access } from '../iam/access.ts';
import type { Ports } from '../services.ts';

/** What every part of the stack is made with. */
export interface StackContext {
  readonly model: StackModel;
  readonly access: Access;
  readonly addresses: Addresses;
  readonly endpoints: LocalStack['endpoints'];
  readonly upstream: StackOptions['upstream'];
  readonly dataDir: string;
  /** Absolute folder of each code asset, by object key. */
  readonly assets: ReadonlyMap<string, string>;
  readonly ports: Ports;
  readonly speed: number;
  readonly seed: number;
  readonly duplicates: number;
  readonly log: (line: StackLogLine) => void;
  /** Closes in the reverse order of starting. */
  readonly cleanup: AsyncDisposableStack;
}
