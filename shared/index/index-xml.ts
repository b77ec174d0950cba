import { IndexError } from './index-error.ts';
import { isInnerCab } from './inner-cab.ts';
import { MAX_REVISION_ID, wholeNumber } from './values.ts';
import { type ElementPlans, elements } from './xml/index.ts';

interface Range {
  readonly cab: string;
  readonly start: number;
}

/** What index.xml says: which cabinet holds the fragments of which RevisionIds. */
export class ShardList {
  seen = false;
  readonly #cabs = new Set<string>();
  readonly #ranges: Range[] = [];
  #isSorted = true;

  /** Lower-case names of all cabinets that must be there. */
  get cabs(): ReadonlySet<string> {
    return this.#cabs;
  }

  /** @throws IndexError `bad-layout` when the cabinet is listed already */
  add(cab: string, start: number | undefined): void {
    if (this.#cabs.has(cab)) throw new IndexError('bad-layout', `index.xml lists ${cab} twice`);
    this.#cabs.add(cab);
    if (start === undefined) return;
    this.#ranges.push({ cab, start });
    this.#isSorted = false;
  }

  /** The cabinet of a RevisionId: the one with the greatest RANGESTART that is not above it. */
  ownerOf(revisionId: number): string | undefined {
    if (!this.#isSorted) this.#ranges.sort((a, b) => a.start - b.start);
    this.#isSorted = true;
    let low = 0;
    let high = this.#ranges.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#ranges[middle] as Range).start <= revisionId) low = middle + 1;
      else high = middle;
    }
    return this.#ranges[low - 1]?.cab;
  }
}

/** The wanted part of index.xml. */
export const indexXml: ElementPlans<ShardList> = elements<ShardList>({
  INDEX: {
    open: (list) => {
      list.seen = true;
      return undefined;
    },
    children: elements<ShardList>({
      CABLIST: {
        open: (_list, attributes) => {
          // Its meaning is not documented and every known publication has 0: anything else may mean scrambled members.
          const xor = attributes.get('XOR');
          if (xor !== undefined && xor !== '0') {
            throw new IndexError('bad-layout', `index.xml says XOR=${JSON.stringify(xor)}, only 0 is known`);
          }
          return undefined;
        },
        children: elements<ShardList>({
          CAB: {
            open: (list, attributes) => {
              const cab = (attributes.get('NAME') ?? '').toLowerCase();
              if (!isInnerCab(cab)) {
                throw new IndexError(
                  'bad-value',
                  `CAB NAME is ${JSON.stringify(cab)}, allowed are package.cab and package2.cab, package3.cab …`,
                );
              }
              const hasStart = attributes.get('RANGESTART') !== undefined;
              list.add(
                cab,
                hasStart ? wholeNumber('RANGESTART', attributes, 'RANGESTART', MAX_REVISION_ID) : undefined,
              );
              return 'skip';
            },
          },
        }),
      },
    }),
  },
});
