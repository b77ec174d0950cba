import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { haveSamples, sample } from '#test/kit/samples.ts';
import { randomNumbers } from './testing/corpus.ts';
import { cabsToDamage, damaged, readDamagedTwice, withoutChecksums } from './testing/damage.ts';

const count = 20_000;
/** Far more than any of these takes, on a machine that does other things as well. */
const mostMilliseconds = 5000;

/** Small cabinets of other people, also bad ones: what is wrong with them is a good start for more. */
function strangersCabs(): Uint8Array[] {
  if (!haveSamples) return [];
  return ['cab/libmspack', 'cab/libarchive'].flatMap((folder) =>
    readdirSync(sample(folder))
      .map((name) => readFileSync(sample(folder, name)))
      .filter((cab) => cab.length < 40_000),
  );
}

/** Files whose header cannot be read are damaged as they are. */
function prepared(cab: Uint8Array): Uint8Array {
  try {
    return withoutChecksums(cab);
  } catch {
    return cab;
  }
}

test(`${count} damaged cabinets: no hang, no crash, memory bounded`, () => {
  const cabs = [...cabsToDamage(), ...strangersCabs().map(prepared)];
  const outcomes = new Map<string, number>();
  let slowest = 0;
  const before = process.memoryUsage().rss;
  for (let seed = 1; seed <= count; seed++) {
    const cab = damaged(cabs[seed % cabs.length] ?? new Uint8Array(0), randomNumbers(seed * 15_485_863));
    const started = performance.now();
    const { code } = readDamagedTwice(cab, seed);
    slowest = Math.max(slowest, performance.now() - started);
    outcomes.set(code, (outcomes.get(code) ?? 0) + 1);
  }
  expect(slowest).toBeLessThan(mostMilliseconds);
  expect(process.memoryUsage().rss - before).toBeLessThan(150e6);
  expect(outcomes.get('bad-data')).toBeGreaterThan(count / 20);
  expect(outcomes.get('read')).toBeGreaterThan(count / 50);
});
