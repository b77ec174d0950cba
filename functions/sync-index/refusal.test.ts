import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { StoreError } from '#shared/stores/store-error.ts';
import { packIndex } from '#test/kit/pack-slice.ts';
import { issue, signedCab } from '#test/kit/signed-index.ts';
import { sound } from '#test/kit/sound-index.ts';
import { altered, first, SyncBench, second, withoutLocations } from '#test/kit/sync-bench.ts';
import { at, sha256 } from '#test/kit/values.ts';

let bench: SyncBench;
beforeEach(async () => {
  bench = await SyncBench.start();
});
afterEach(() => bench.close());

const lastSeen = (header: string): unknown => bench.origin.seen.at(-1)?.headers[header];

/** Three of the four updates. */
function smallerIndex(): Buffer {
  const [category, bundle, leaf] = sound.packageXml.match(/<Update .*?<\/Update>/g) ?? [];
  const updates = `<Updates>${category}${bundle}${leaf}</Updates>`;
  return signedCab(packIndex({ ...sound, packageXml: sound.packageXml.replace(/<Updates>.*<\/Updates>/, updates) }));
}

describe('a publication that is refused', () => {
  const strangers = issue({ commonName: 'a stranger', isAuthority: true });
  const tampered = Buffer.from(first);
  tampered.writeUInt8(tampered.readUInt8(300) ^ 1, 300);

  it.each([
    ['is no cabinet', Buffer.from('no cabinet at all, but long enough for a header'), /MSCF/],
    ['is not signed', packIndex(sound), /signature/],
    ['was changed after it was signed', tampered, /signature/],
    ['has no FileLocations', withoutLocations, /FileLocations/],
    ['is no index', signedCab(packIndex({ ...sound, shards: [] })), /\S/],
  ])('because it %s is recorded and kept aside, and the pointer stays', async (_why, bytes, reason) => {
    bench.publish(first, '"one"');
    await bench.sync();
    const before = await bench.everything();
    bench.publish(bytes, '"bad"');
    const refused = { sha256: sha256(bytes), reason: expect.stringMatching(reason) };
    expect(await bench.sync()).toEqual({ outcome: 'refused', ...refused });
    const after = await bench.everything();
    expect(after.refused.map(([digest]) => digest)).toEqual([sha256(bytes)]);
    expect(after.refusal).toMatchObject({ sha256: sha256(bytes), etag: '"bad"' });
    expect({ ...after, refused: [], refusal: undefined }).toEqual(before);
  });

  it('because nobody who is trusted signed it names the signer', async () => {
    bench.publish(first, '"one"');
    const trust = { roots: [new Uint8Array(strangers.certificate)], allowSha1: false };
    expect(await bench.sync({ trust })).toMatchObject({
      outcome: 'refused',
      reason: expect.stringMatching(/signature is not on it.*signer of the tests/),
    });
    expect(bench.index.stored.size).toBe(0);
  });

  it('because it shrank is taken in when the limit allows for it', async () => {
    bench.publish(first, '"one"');
    await bench.sync();
    bench.publish(smallerIndex(), '"small"');
    expect(await bench.sync()).toMatchObject({
      outcome: 'refused',
      reason: expect.stringMatching(/3 updates .* 4 .*20 %.*MAX_SHRINK_PERCENT/),
    });
    const asked = await bench.invoke({ runId: 'asked' }, { maxShrinkPercent: 60 });
    expect(asked.result).toMatchObject({ outcome: 'published', updates: 3 });
  });

  it.each([
    ['is lost', undefined],
    ['is damaged', new StoreError('corrupt', 'damaged')],
  ])('because it shrank is refused also when the catalogue of the current one %s', async (_what, damage) => {
    bench.publish(first, '"one"');
    await bench.sync();
    bench.publish(smallerIndex(), '"small"');
    const getSnapshot = async () => {
      if (damage !== undefined) throw damage;
      return undefined;
    };
    const reason = expect.stringMatching(/shrank: 3 updates .* 4.*20 %/);
    const catalog = altered(bench.catalog, { getSnapshot });
    expect(await bench.sync({ catalog })).toMatchObject({ outcome: 'refused', reason });
    expect(bench.index.pointer?.pointer.sha256).toBe(sha256(first));
  });

  it('is not downloaded again while the origin offers it, also before any publication', async () => {
    bench.publish(withoutLocations, '"bad"');
    await bench.sync();
    const before = await bench.everything();
    expect(await bench.sync()).toMatchObject({ outcome: 'refused', reason: expect.stringContaining('still offers') });
    expect(lastSeen('if-none-match')).toBe('"bad"');
    expect(await bench.everything()).toEqual(before);
  });

  it('is looked at again when a person asks, as after a mended decoder', async () => {
    bench.publish(first, '"one"');
    await bench.journal.putRefusal({ at: at(0), sha256: sha256(first), etag: '"one"', reason: 'an older decoder' });
    const refused = { outcome: 'refused', reason: expect.stringContaining('an older decoder') };
    expect(await bench.sync()).toMatchObject(refused);
    const { result } = await bench.invoke({ runId: 'asked' });
    expect(result).toMatchObject({ outcome: 'published', sha256: sha256(first) });
    expect(await bench.journal.refusal()).toBeUndefined();
  });

  it('is known by its bytes too, under another ETag', async () => {
    bench.publish(withoutLocations, '"bad"');
    await bench.sync();
    bench.publish(withoutLocations, '"still bad"');
    expect(await bench.sync()).toMatchObject({ outcome: 'refused', reason: expect.stringContaining('FileLocations') });
    expect(await bench.journal.refusal()).toMatchObject({ etag: '"still bad"' });
    expect(bench.index.staged.size).toBe(0);
  });

  it('is forgotten when a good one follows, or the current one comes back', async () => {
    bench.publish(first, '"one"');
    await bench.sync();
    for (const [bytes, etag] of [
      [second, '"two"'],
      [second, '"three"'],
    ] as const) {
      bench.publish(withoutLocations, `"bad before ${etag.slice(1)}`);
      expect(await bench.sync()).toMatchObject({ outcome: 'refused' });
      bench.publish(bytes, etag);
      await bench.sync();
      expect(await bench.journal.refusal()).toBeUndefined();
      expect(bench.index.pointer?.pointer.origin.etag).toBe(etag);
    }
  });
});
