import type { CatalogGap } from '#shared/core/catalog/model.ts';

const MAX_EXAMPLES = 10;

/** Counts what is touched once each, and keeps the first few names. */
export class GapCounter {
  readonly #counts = new Map<CatalogGap['code'], { count: number; examples: string[] }>();

  add(code: CatalogGap['code'], examples: readonly string[]): void {
    const gap = this.#counts.get(code) ?? { count: 0, examples: [] };
    this.#counts.set(code, gap);
    gap.count += 1;
    for (const example of examples) if (gap.examples.length < MAX_EXAMPLES) gap.examples.push(example);
  }

  gaps(): CatalogGap[] {
    return [...this.#counts].map(([code, gap]) => ({ code, ...gap }));
  }
}
