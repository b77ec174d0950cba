import type { Cleaned, FileAmount } from '#shared/contract/operators/cleaning.ts';
import type { CleaningStep } from '#shared/core/payloads/cleaning.ts';
import type { CleanablePayload } from '#shared/stores/payloads/port.ts';

/** How many files, and names of rows, are told at most. */
const maxNamed = 20;

type Counted = 'needed' | 'waiting' | 'retired' | 'pausing' | 'restored' | 'removed';

/** Where a file is counted after its step. */
const countedAs: Readonly<Record<CleaningStep, Counted>> = {
  keep: 'needed',
  clear: 'needed',
  mark: 'waiting',
  wait: 'waiting',
  retire: 'retired',
  pause: 'pausing',
  restore: 'restored',
  remove: 'removed',
};

/** Adds up what a cleaning does. */
export class Tally {
  readonly #amounts: Record<Counted, { files: number; bytes: number }> = {
    needed: { files: 0, bytes: 0 },
    waiting: { files: 0, bytes: 0 },
    retired: { files: 0, bytes: 0 },
    pausing: { files: 0, bytes: 0 },
    restored: { files: 0, bytes: 0 },
    removed: { files: 0, bytes: 0 },
  };
  #largest: Cleaned['largest'] = [];
  readonly #unreadable = new Set<string>();

  add(step: CleaningStep, files: readonly CleanablePayload[]): void {
    const amount = this.#amounts[countedAs[step]];
    for (const { size } of files) {
      amount.files += 1;
      amount.bytes += size;
    }
    if (step !== 'retire' && step !== 'remove') return;
    const told = step === 'retire' ? 'retired' : 'removed';
    const named = files.map(
      ({ sha1, name, size }) => ({ sha1, ...(name !== undefined && { name }), size, step: told }) as const,
    );
    this.#largest = [...this.#largest, ...named].toSorted((a, b) => b.size - a.size).slice(0, maxNamed);
  }

  addUnreadable(keys: readonly string[]): void {
    for (const key of keys) this.#unreadable.add(key);
  }

  /** Rows that do not parse, all of them. */
  get unreadable(): number {
    return this.#unreadable.size;
  }

  result(): Readonly<Record<Counted, FileAmount>> & Pick<Cleaned, 'largest' | 'unreadable'> {
    return { ...this.#amounts, largest: this.#largest, unreadable: [...this.#unreadable].slice(0, maxNamed) };
  }
}
