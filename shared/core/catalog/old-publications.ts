/** A publication of the index that is stored. */
export interface StoredPublication {
  readonly sha256: string;
  /** When it was stored. Milliseconds since 1970. */
  readonly storedAt: number;
}

export interface KeptPublications {
  /** The current one, and others that something refers to. SHA-256s. */
  readonly inUse: ReadonlySet<string>;
  /** How many of the newest stay, those in use among them; 1 or more. */
  readonly newest: number;
}

/** Publications that may go, the oldest first. */
export function oldPublications(
  stored: readonly StoredPublication[],
  { inUse, newest }: KeptPublications,
): readonly StoredPublication[] {
  const byAge = stored.toSorted((a, b) => b.storedAt - a.storedAt || (a.sha256 < b.sha256 ? -1 : 1));
  const used = byAge.filter(({ sha256 }) => inUse.has(sha256));
  const others = byAge.filter(({ sha256 }) => !inUse.has(sha256));
  return others.slice(Math.max(0, newest - used.length)).reverse();
}
