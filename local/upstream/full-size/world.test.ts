import { describe, expect, it } from 'vitest';
import { extendedFragment, putCore } from './fragments.ts';
import type { Entry, World } from './model.ts';
import { type Month, measuredMonth } from './month.ts';
import { putPackageXml } from './package-list.ts';
import { inventWorld } from './world.ts';

const scale = 1 / 500;

/** What is said of each entry, by its identity. Manifests are left out: they are long, and follow from the same numbers. */
function saidBy(world: World): Map<string, string> {
  const said = new Map<string, string>();
  for (const entry of world.shards.flatMap(({ entries }) => entries)) {
    said.set(`${entry.kind} ${entry.updateId} ${entry.revision}`, fragmentsOf(world.seed, entry));
  }
  return said;
}

function fragmentsOf(seed: number, entry: Entry): string {
  const pieces: string[] = [];
  putCore(seed, entry.kind === 'leaf' ? { ...entry, metadataBytes: 0 } : entry, (text) => void pieces.push(text));
  return `${pieces.join('')}\n${extendedFragment(seed, entry)}`;
}

/** The address of each file by its SHA-1. */
function locationsOf(world: World): Map<string, string> {
  const pieces: string[] = [];
  putPackageXml(world, (text) => void pieces.push(text));
  const matches = pieces.join('').matchAll(/<FileLocation Id="([^"]+)" Url="([^"]+)"/g);
  return new Map(Array.from(matches, ([, sha1 = '', url = '']) => [sha1, url]));
}

/** How many keys both have, and those of them whose values differ. */
function compare(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>) {
  const common = [...a.keys()].filter((key) => b.has(key));
  return { common: common.length, differing: common.filter((key) => a.get(key) !== b.get(key)) };
}

describe('what keeps its identity from month to month', () => {
  // Each month some bundles are revised, whose leaves and files stay what they were.
  it.each([1, 2, 3])('keeps its fragments and addresses, with seed %i', (seed) => {
    const invented = (month: Month): World => inventWorld({ seed, month, scale });
    const first = invented(measuredMonth);
    for (const month of [measuredMonth + 1, measuredMonth + 5]) {
      const later = invented(month);
      const updates = compare(saidBy(first), saidBy(later));
      expect(updates.differing).toEqual([]);
      expect(updates.common).toBeGreaterThan(200);
      const files = compare(locationsOf(first), locationsOf(later));
      expect(files.differing).toEqual([]);
      expect(files.common).toBeGreaterThan(100);
    }
  });
});
