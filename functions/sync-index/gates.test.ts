import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { microsoftRoots } from '#shared/authenticode/index.ts';
import { cabMember } from '#test/kit/cab-member.ts';
import { packIndex } from '#test/kit/pack-slice.ts';
import { haveSamples, sample } from '#test/kit/samples.ts';
import { signedCab } from '#test/kit/signed-index.ts';
import { sound } from '#test/kit/sound-index.ts';
import { first, SyncBench, unavailable } from '#test/kit/sync-bench.ts';
import { sha256 } from '#test/kit/values.ts';
import { defaultLimits } from './ports.ts';

let bench: SyncBench;
beforeEach(async () => {
  bench = await SyncBench.start();
});
afterEach(() => bench.close());

const lastTags = (): unknown => bench.origin.seen.at(-1)?.headers['if-none-match'];

describe('an older index', () => {
  const packageXml = sound.packageXml.replace('2026-07-14T13', '2026-08-11T13');
  const newer = signedCab(packIndex({ ...sound, packageXml }));
  beforeEach(async () => {
    bench.publish(newer, '"new"');
    await bench.sync();
  });

  it('is refused, and neither it nor the current one is downloaded again while nodes of a CDN disagree', async () => {
    bench.publish(first, '"old"');
    const reason = expect.stringMatching(
      /made it at 2026-07-14T13:54:06Z, and the current one at 2026-08-11T13:54:06Z/,
    );
    expect(await bench.sync()).toEqual({ outcome: 'refused', sha256: sha256(first), reason });
    const before = await bench.everything();
    expect(before.pointer?.pointer.sha256).toBe(sha256(newer));
    bench.origin.seen.length = 0;
    for (const [bytes, etag, outcome] of [
      [newer, '"new"', 'unchanged'],
      [first, '"old"', 'refused'],
      [newer, '"new"', 'unchanged'],
    ] as const) {
      bench.publish(bytes, etag);
      expect(await bench.sync()).toMatchObject({ outcome });
      expect(lastTags()).toBe('"old", "new"');
    }
    expect(bench.origin.seen).toHaveLength(3);
    expect(await bench.everything()).toEqual(before);
  });

  it('is published when a person allows it, also by the run that goes on for theirs', async () => {
    bench.publish(first, '"old"');
    expect((await bench.invoke({ runId: 'asked' })).result).toMatchObject({ outcome: 'refused' });
    bench.limits = { ...defaultLimits, partBytes: 512, partsInFlight: 1 };
    bench.endsAt = bench.seconds + 20 + 60;
    const { result } = await bench.invoke({ runId: 'allowed', allowOlder: true });
    expect(result).toMatchObject({ outcome: 'continues', goesOn: 'invocation' });
    bench.endsAt = 20 * 3600;
    // By the schedule, as when the invocation that was started is lost.
    expect(await bench.sync()).toMatchObject({ outcome: 'published', sha256: sha256(first) });
    expect(bench.journal.runs.get('allowed')).toMatchObject({ result: { outcome: 'published' } });
  });

  it('is not published for a person whose run ended before', async () => {
    bench.limits = { ...defaultLimits, partBytes: 512, partsInFlight: 1 };
    bench.except(first, '"old"', (part) => part >= 3, unavailable);
    const { result } = await bench.invoke({ runId: 'allowed', allowOlder: true });
    expect(result).toMatchObject({ outcome: 'failed' });
    bench.publish(first, '"old"');
    expect(await bench.sync()).toMatchObject({ outcome: 'refused' });
  });

  it('is one too that does not say how old it is', async () => {
    const undated = { ...sound, packageXml: sound.packageXml.replace(/ CreationDate="2026-07-14[^"]*"/, '') };
    bench.publish(signedCab(packIndex(undated)), '"undated"');
    const reason = expect.stringContaining('does not say when Microsoft made it');
    expect(await bench.sync()).toMatchObject({ outcome: 'refused', reason });
  });
});

describe('the index of a single package', () => {
  it.skipIf(!haveSamples)('is refused although Microsoft signed it, unless it is allowed', async () => {
    const cab = await cabMember(sample('msu', 'Windows6.1-KB2999226-x64.msu'), 'WSUSSCAN.cab');
    bench.publish(cab, '"msu"');
    const trust = { roots: microsoftRoots, allowSha1: true };
    const reason = expect.stringMatching(/single package \(wsusscan\)/);
    expect(await bench.sync({ trust })).toMatchObject({ outcome: 'refused', reason });
    expect(bench.index.pointer).toBeUndefined();
    expect(bench.catalog.facts.size).toBe(0);
    const { result } = await bench.invoke({ runId: 'asked' }, { trust, allowSinglePackage: true });
    expect(result).toMatchObject({ outcome: 'published', sha256: sha256(cab) });
  });
});
