import { IndexError } from './index-error.ts';
import { MAX_REVISION_ID, wholeNumber } from './values.ts';
import { type ElementPlans, elements } from './xml/index.ts';

/** What index.xml says: which cabinet holds the fragments of which RevisionIds. */
export class ShardList {
  seen = false;
  /** Lower-case names of all cabinets that must be there. */
  readonly cabs: string[] = [];
  readonly #ranges: { readonly cab: string; readonly start: number }[] = [];

  add(cab: string, start: number | undefined): void {
    if (this.cabs.includes(cab)) throw new IndexError('bad-layout', `index.xml lists ${cab} twice`);
    this.cabs.push(cab);
    if (start === undefined) return;
    this.#ranges.push({ cab, start });
    this.#ranges.sort((a, b) => a.start - b.start);
  }

  /** The cabinet of a RevisionId: the one with the greatest RANGESTART that is not above it. */
  ownerOf(revisionId: number): string | undefined {
    return this.#ranges.findLast(({ start }) => start <= revisionId)?.cab;
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
              if (!/^[a-z0-9_-]+\.cab$/.test(cab)) {
                throw new IndexError(
                  'bad-value',
                  `CAB NAME is ${JSON.stringify(cab)}, allowed is the name of a cabinet`,
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
