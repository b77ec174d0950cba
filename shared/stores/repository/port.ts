import type { RepositoryKey } from '../../contract/keys.ts';
import type { PublishRepositoryMessage } from '../../contract/messages/publish-repository.ts';

/** A file that moves, and what the next writer of it must present. */
interface MovingFile {
  readonly text: string;
  readonly tag: string;
}

/** Files of the signed repository. All but one are written once; the timestamp moves. */
export interface RepositoryStore {
  /** @returns `undefined` when there is none */
  read(key: RepositoryKey): Promise<string | undefined>;
  /** @returns false when there is one already, which stays */
  create(key: RepositoryKey, text: string): Promise<boolean>;
  /** @returns `undefined` before the first version */
  timestamp(): Promise<MovingFile | undefined>;
  /**
   * Makes a version the one that readers find.
   *
   * @param tag of the timestamp that was read; `undefined`: there must be none yet
   * @throws StoreError `conflict` when another publisher was faster
   */
  moveTimestamp(text: string, tag: string | undefined): Promise<void>;
}

/** What tells the one publisher that there is something to do. */
export interface PublishQueue {
  /** @throws StoreError `refused` for a message that is too long */
  send(message: PublishRepositoryMessage): Promise<void>;
}
