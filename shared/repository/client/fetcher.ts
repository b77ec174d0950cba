import type { Fetcher } from 'tuf-js';
import { DownloadHTTPError } from 'tuf-js/dist/error.js';

/**
 * Brings metadata for tuf-js, and remembers what tuf-js does not tell: what was asked for last, and what went wrong on the
 * way, which it turns into text.
 */
export class MetadataFetcher implements Fetcher {
  /** Name of the file that was asked for last, for instance `3.rules.json`. */
  asked: string | undefined;
  /** What bringing it threw, as it was. */
  failure: unknown;
  private readonly get: (name: string, maxBytes: number) => Promise<Uint8Array | undefined>;
  private readonly base: string;

  /**
   * @param base address that tuf-js was given for metadata; ends with a slash
   * @param get brings a file by its name below `base`; `undefined` when there is none; throws for a longer one
   */
  constructor(base: string, get: (name: string, maxBytes: number) => Promise<Uint8Array | undefined>) {
    this.base = base;
    this.get = get;
  }

  async downloadBytes(url: string, maxLength: number): Promise<Buffer> {
    const name = decodeURIComponent(url.slice(this.base.length));
    this.asked = name;
    this.failure = undefined;
    let bytes: Uint8Array | undefined;
    try {
      bytes = await this.get(name, maxLength);
    } catch (error) {
      this.failure = error;
      throw error;
    }
    // The only status that tuf-js asks about: after the last root it ends the walk.
    if (bytes === undefined) throw new DownloadHTTPError(`there is no ${name}`, 404);
    return Buffer.from(bytes);
  }

  /** Documents are fetched by us, resumable and by their digest. */
  downloadFile<T>(): Promise<T> {
    return Promise.reject(new Error('targets are not downloaded through tuf-js'));
  }
}
