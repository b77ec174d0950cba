import { buildKey, type RepositoryKey } from '#shared/contract/keys.ts';
import type { PublishRepositoryMessage } from '#shared/contract/messages/publish-repository.ts';
import type { PublishQueue, RepositoryStore } from '#shared/stores/repository/port.ts';
import { StoreError } from '#shared/stores/store-error.ts';

/** The signed repository in memory. */
export class MemoryRepositoryStore implements RepositoryStore {
  /** Texts by key. */
  readonly files = new Map<string, string>();
  #tag = 0;

  async read(key: RepositoryKey) {
    return this.files.get(buildKey(key));
  }

  async create(key: RepositoryKey, text: string) {
    const name = buildKey(key);
    if (this.files.has(name)) return false;
    this.files.set(name, text);
    return true;
  }

  async timestamp() {
    const text = await this.read({ kind: 'timestamp' });
    return text === undefined ? undefined : { text, tag: String(this.#tag) };
  }

  async moveTimestamp(text: string, tag: string | undefined) {
    const found = this.files.has(buildKey({ kind: 'timestamp' })) ? String(this.#tag) : undefined;
    if (found !== tag) throw new StoreError('conflict', 'the timestamp is not the one that was read');
    this.#tag += 1;
    this.files.set(buildKey({ kind: 'timestamp' }), text);
  }
}

/** Messages for the publisher in memory. */
export class MemoryPublishQueue implements PublishQueue {
  readonly messages: PublishRepositoryMessage[] = [];

  async send(message: PublishRepositoryMessage) {
    this.messages.push(structuredClone(message));
  }
}
