import { DigestSink, isInnerCab, NamedCab, pathOf } from './inner-cab.ts';

/** A cabinet inside the index, by its bytes. */
export interface ExaminedCab {
  /** Lower case, for instance `package30.cab`. */
  readonly name: string;
  /** Hex. */
  readonly sha256: string;
  readonly bytes: number;
}

/**
 * A first look at an index that is pushed through: which cabinets are in it, and whether they are the ones of an earlier
 * publication. They are not unpacked; a whole index takes a few seconds. Feed other readers of the same bytes in the
 * same loop, and {@link abort} it when the bytes break off.
 */
export class IndexExaminer {
  readonly #cabs: ExaminedCab[] = [];
  readonly #outer = new NamedCab(undefined, {
    onMember: (member) => {
      const name = pathOf(member);
      if (!isInnerCab(name)) return undefined;
      return new DigestSink((facts) => this.#cabs.push({ name, ...facts }));
    },
  });

  /** @throws IndexError `not-an-index`, `bad-cab`, `bad-layout` */
  write(chunk: Uint8Array): void {
    this.#outer.write(chunk);
  }

  /** @throws IndexError `bad-cab` */
  end(): readonly ExaminedCab[] {
    this.#outer.end();
    return this.#cabs;
  }

  /** Gives the decoder's memory back before the end; nothing when it was reached. */
  abort(): void {
    this.#outer.abort();
  }
}
