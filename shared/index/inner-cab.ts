import { createHash } from 'node:crypto';
import { type ByteSink, CabError, type CabHandlers, CabReader } from '#shared/cabinet/index.ts';
import { IndexError } from './index-error.ts';

/** Names lie in cabinets with either separator, and cabinets do not tell cases apart. */
export const pathOf = (member: { readonly name: string }): string => member.name.replaceAll('\\', '/').toLowerCase();

/** Whether a member of the outer cabinet is one of the cabinets inside it. @param path see {@link pathOf} */
export const isInnerCab = (path: string): boolean => /^package\d*\.cab$/.test(path);

/** A cabinet whose faults say which one it is. */
export class NamedCab implements ByteSink {
  readonly #name: string | undefined;
  readonly #reader: CabReader;

  constructor(name: string | undefined, handlers: CabHandlers) {
    this.#name = name;
    this.#reader = new CabReader(handlers);
  }

  write(chunk: Uint8Array): void {
    this.#guard(() => this.#reader.write(chunk));
  }

  end(): void {
    this.#guard(() => this.#reader.end());
  }

  #guard(run: () => void): void {
    try {
      run();
    } catch (error) {
      if (!(error instanceof CabError)) throw error;
      if (this.#name === undefined && error.code === 'not-a-cabinet') {
        throw new IndexError('not-an-index', `not an index: ${error.message}`, { cause: error });
      }
      const where = error.member === undefined ? '' : `, at its member ${error.member}`;
      throw new IndexError('bad-cab', `${this.#name ?? 'the index'}${where}: ${error.message}`, { cause: error });
    }
  }
}

/** Tells SHA-256 (hex) and length of the bytes at the end. */
export class DigestSink implements ByteSink {
  readonly #done: (facts: { readonly sha256: string; readonly bytes: number }) => void;
  readonly #hash = createHash('sha256');
  #bytes = 0;

  constructor(done: (facts: { readonly sha256: string; readonly bytes: number }) => void) {
    this.#done = done;
  }

  write(chunk: Uint8Array): void {
    this.#hash.update(chunk);
    this.#bytes += chunk.length;
  }

  end(): void {
    this.#done({ sha256: this.#hash.digest('hex'), bytes: this.#bytes });
  }
}
