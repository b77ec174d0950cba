/** What stands before each call of the operators' API, in memory; it passes the same contract suites as the AWS adapters. */
import type { Attempt, IdempotencyStore, Standing } from '#shared/stores/idempotency/port.ts';
import type { ThrottleStore } from '#shared/stores/throttle/port.ts';

export class MemoryThrottleStore implements ThrottleStore {
  readonly #windows = new Map<string, number>();

  async count(who: string, at: number) {
    const window = `${Math.floor(at / 60_000)}#${who}`;
    const requests = (this.#windows.get(window) ?? 0) + 1;
    this.#windows.set(window, requests);
    return requests;
  }
}

interface Row {
  readonly fingerprint: string;
  readonly attempt: string;
  readonly leaseUntil: number;
  readonly answered?: { readonly answer: Uint8Array; readonly keepUntil: number };
}

export class MemoryIdempotencyStore implements IdempotencyStore {
  readonly rows = new Map<string, Row>();

  async begin({ id, fingerprint, attempt, at }: Attempt, leaseUntil: number): Promise<Standing> {
    const row = this.rows.get(id);
    if (row === undefined || (row.answered?.keepUntil ?? row.leaseUntil) <= at) {
      this.rows.set(id, { fingerprint, attempt, leaseUntil });
      return { state: 'begun' };
    }
    if (row.fingerprint !== fingerprint) return { state: 'mismatch' };
    if (row.answered !== undefined) return { state: 'answered', answer: Uint8Array.from(row.answered.answer) };
    return row.attempt === attempt ? { state: 'begun' } : { state: 'under-way', until: row.leaseUntil };
  }

  async finish({ id, attempt }: Attempt, answer: Uint8Array, keepUntil: number) {
    const row = this.rows.get(id);
    if (row?.attempt !== attempt) return false;
    this.rows.set(id, { ...row, answered: { answer: Uint8Array.from(answer), keepUntil } });
    return true;
  }

  async abandon({ id, attempt }: Attempt) {
    const row = this.rows.get(id);
    if (row?.attempt === attempt && row.answered === undefined) this.rows.delete(id);
  }
}
