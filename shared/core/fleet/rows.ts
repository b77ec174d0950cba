type Value = string | number;

interface Row<T> {
  readonly value: Value;
  readonly key: string;
  readonly item: T;
}

/**
 * The first rows of an order behind a position, picked out of many in one pass: kept in a heap of their own number, so
 * that rows that are not on the page cost one comparison. Values of one list are all texts or all numbers.
 */
export class FirstRows<T> {
  readonly #limit: number;
  readonly #descending: boolean;
  readonly #after: readonly [Value, string] | undefined;
  /** The last of the rows is on top; one more than asked for, which says whether there is a next page. */
  readonly #heap: Row<T>[] = [];
  #total = 0;

  constructor(limit: number, descending: boolean, after: readonly [value: Value, key: string] | undefined) {
    this.#limit = limit;
    this.#descending = descending;
    this.#after = after;
  }

  offer(value: Value, key: string, item: T): void {
    this.#total += 1;
    if (this.#after !== undefined && this.#compare(value, key, this.#after[0], this.#after[1]) <= 0) return;
    const heap = this.#heap;
    if (heap.length <= this.#limit) {
      heap.push({ value, key, item });
      this.#rise(heap.length - 1);
      return;
    }
    const last = heap[0];
    if (last === undefined || this.#compare(value, key, last.value, last.key) >= 0) return;
    heap[0] = { value, key, item };
    this.#sink();
  }

  finish(): { readonly total: number; readonly found: readonly T[]; readonly next?: readonly [Value, string] } {
    const rows = this.#heap.toSorted((a, b) => this.#compare(a.value, a.key, b.value, b.key));
    const page = rows.slice(0, this.#limit);
    const last = page.at(-1);
    return {
      total: this.#total,
      found: page.map(({ item }) => item),
      ...(rows.length > page.length && last !== undefined && { next: [last.value, last.key] as const }),
    };
  }

  #compare(value: Value, key: string, otherValue: Value, otherKey: string): number {
    const order = value < otherValue ? -1 : value > otherValue ? 1 : key < otherKey ? -1 : key > otherKey ? 1 : 0;
    return this.#descending ? -order : order;
  }

  #later(a: number, b: number): boolean {
    const [one, other] = [this.#heap[a], this.#heap[b]];
    return one !== undefined && other !== undefined && this.#compare(one.value, one.key, other.value, other.key) > 0;
  }

  #swap(a: number, b: number): void {
    const [one, other] = [this.#heap[a], this.#heap[b]];
    if (one === undefined || other === undefined) return;
    this.#heap[a] = other;
    this.#heap[b] = one;
  }

  #rise(from: number): void {
    for (let at = from; at > 0; ) {
      const parent = (at - 1) >> 1;
      if (!this.#later(at, parent)) return;
      this.#swap(at, parent);
      at = parent;
    }
  }

  #sink(): void {
    for (let at = 0; ; ) {
      let latest = at;
      for (const child of [2 * at + 1, 2 * at + 2]) if (this.#later(child, latest)) latest = child;
      if (latest === at) return;
      this.#swap(at, latest);
      at = latest;
    }
  }
}
