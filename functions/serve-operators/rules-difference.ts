import { createHash } from 'node:crypto';
import { canonicalJson } from '#shared/contract/canonical-json.ts';
import type { RuleBook, RulesDocument } from '#shared/contract/rules.ts';

/** Machine ids in a summary; the number beside them says how many there are. */
const maxHosts = 100;

/** A book in short. */
interface BookInShort {
  readonly revision: number;
  /** Of the book as canonical JSON, hex: whoever has the book can tell that it is this one. */
  readonly sha256: string;
  /** How many there are. */
  readonly packages: number;
}

/** What a change of the rules did, without the rules themselves: books can be larger than an entry of the audit log. */
interface RulesDifference {
  readonly before: BookInShort;
  readonly after: BookInShort & {
    /** Why, in the words of who changed it. */
    readonly comment?: string | undefined;
    /** Names, sorted. */
    readonly packagesAdded: readonly string[];
    readonly packagesChanged: readonly string[];
    readonly packagesRemoved: readonly string[];
    /** Groups and hosts that have other packages assigned than before, sorted; of the hosts the first 100. */
    readonly groupsReassigned: readonly string[];
    readonly hostsReassigned: { readonly total: number; readonly first: readonly string[] };
    /** Hosts that go to another group, or back to the one of their enrolment. */
    readonly hostsMoved: { readonly total: number; readonly first: readonly string[] };
  };
}

/** The difference between two books, for the audit log. */
export function rulesDifference(
  before: Pick<RulesDocument, 'revision' | 'book'>,
  after: Pick<RulesDocument, 'revision' | 'book' | 'comment'>,
): RulesDifference {
  const packages = differing(packagesByName(before.book), packagesByName(after.book));
  const reassigned = (of: 'groups' | 'hosts'): string[] => {
    const lists = (book: RuleBook) =>
      new Map(
        Object.entries(book.assignments[of])
          .filter(([, names]) => names.length > 0)
          .map(([name, names]) => [name, canonicalJson([...new Set(names)].toSorted())]),
      );
    const { added, changed, removed } = differing(lists(before.book), lists(after.book));
    return [...added, ...changed, ...removed].toSorted();
  };
  const hosts = reassigned('hosts');
  const groupsOf = (book: RuleBook) => new Map(Object.entries(book.assignments.moved ?? {}));
  const { added, changed, removed } = differing(groupsOf(before.book), groupsOf(after.book));
  const moved = [...added, ...changed, ...removed].toSorted();
  return {
    before: inShort(before),
    after: {
      ...inShort(after),
      ...(after.comment !== undefined && { comment: after.comment }),
      packagesAdded: packages.added,
      packagesChanged: packages.changed,
      packagesRemoved: packages.removed,
      groupsReassigned: reassigned('groups'),
      hostsReassigned: { total: hosts.length, first: hosts.slice(0, maxHosts) },
      hostsMoved: { total: moved.length, first: moved.slice(0, maxHosts) },
    },
  };
}

const inShort = ({ revision, book }: Pick<RulesDocument, 'revision' | 'book'>): BookInShort => ({
  revision,
  sha256: createHash('sha256').update(canonicalJson(book)).digest('hex'),
  packages: book.packages.length,
});

/** Each package as text, by name: equal packages have equal texts. */
export const packagesByName = ({ packages }: RuleBook): ReadonlyMap<string, string> =>
  new Map(packages.map((each) => [each.name, canonicalJson(each)]));

function differing(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>) {
  const [earlier, later] = [[...before.keys()].toSorted(), [...after.keys()].toSorted()];
  return {
    added: later.filter((name) => !before.has(name)),
    changed: later.filter((name) => before.has(name) && before.get(name) !== after.get(name)),
    removed: earlier.filter((name) => !after.has(name)),
  };
}
