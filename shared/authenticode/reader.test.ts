import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { signCab } from '#local/upstream/signing/cab.ts';
import { encodeCab } from '#shared/cabinet/testing/encode.ts';
import { countersigner, signedWith, signing, stateOf, unsignedCab } from './fixtures/files.ts';

const signed = signedWith({ countersigner });
const cabinetLength = signed.readUInt32LE(8);
const signature = signed.subarray(cabinetLength);
const members = [{ name: 'a', data: Buffer.from('a') }];

/** The file with some bytes of its header replaced. */
const patched = (at: number, ...bytes: readonly number[]): Buffer => {
  const copy = Buffer.from(signed);
  copy.set(bytes, at);
  return copy;
};
const withNumber = (at: number, value: number): Buffer => {
  const copy = Buffer.from(signed);
  copy.writeUInt32LE(value, at);
  return copy;
};

describe('the reader', () => {
  it.each([1, 7, 59, 60, 61, 4096, 1 << 20])('comes to the same end by chunks of %i bytes', async (chunkSize) => {
    expect(await stateOf(signed, undefined, { chunkSize })).toEqual(await stateOf(signed));
    expect(await stateOf(signed, undefined, { chunkSize })).toMatchObject({ state: 'valid' });
  });

  it('keeps nothing of a chunk that is overwritten afterwards', async () => {
    const { AuthenticodeReader } = await import('./index.ts');
    const { policyOf, parties } = await import('./fixtures/files.ts');
    const reader = new AuthenticodeReader({ policy: policyOf(parties.root), now: new Date() });
    const buffer = Buffer.alloc(100);
    for (let at = 0; at < signed.length; at += buffer.length) {
      const length = signed.copy(buffer, 0, at, at + buffer.length);
      reader.write(buffer.subarray(0, length));
      buffer.fill(0xaa);
    }
    expect(await reader.end()).toMatchObject({ state: 'valid' });
  });

  it('notices any change of a signed byte, and of what says where the signature is', async () => {
    // Left out: iCabinet and the end of abReserve, which nobody signs and no reader looks at.
    const positions = fc
      .oneof(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 0, max: cabinetLength - 1 }))
      .filter((at) => !(at >= 34 && at < 36) && !(at >= 52 && at < 56));
    await fc.assert(
      fc.asyncProperty(positions, fc.integer({ min: 1, max: 255 }), async (at, change) => {
        const state = await stateOf(patched(at, (signed[at] ?? 0) ^ change));
        expect(state.state).not.toBe('valid');
      }),
      { numRuns: 400 },
    );
  });

  it('comes to an end with any change of the signature, and never believes other bytes', async () => {
    const changes = fc.array(fc.tuple(fc.nat({ max: signature.length - 1 }), fc.nat({ max: 255 })), { minLength: 1 });
    const honest = await stateOf(signed);
    await fc.assert(
      fc.asyncProperty(changes, async (list) => {
        const copy = Buffer.from(signed);
        for (const [at, value] of list) copy[cabinetLength + at] = value;
        const state = await stateOf(copy);
        // Something that decides nothing may have changed, or hidden the countersignature, which anybody could take away
        // too; then all that is said is still what was signed.
        if (state.state === 'valid') expect(honest).toMatchObject(state);
      }),
      { numRuns: 400 },
    );
  });
});

describe('an unsigned file', () => {
  it.each([
    ['has no reserve', unsignedCab],
    ['has an empty place for a signature', encodeCab({ members, compression: 'stored', reserve: { header: 20 } })],
    ['has a reserve of another length', encodeCab({ members, compression: 'stored', reserve: { header: 6144 } })],
    ['has a reserve of the length without the mark', patched(42, 0)],
  ])('%s', async (_what, file) => {
    expect(await stateOf(file)).toEqual({ state: 'unsigned' });
  });
});

describe('a malformed file', () => {
  it.each<readonly [string, Buffer, RegExp]>([
    ['is empty', Buffer.alloc(0), /^not a cabinet/],
    ['is something else', Buffer.from('PK and then some bytes more'), /^not a cabinet/],
    ['ends in the header', signed.subarray(0, 20), /^the file ends at byte 20, inside the header/],
    ['ends in the place of the signature', signed.subarray(0, 50), /^the file ends at byte 50, inside the header/],
    ['ends in the cabinet', signed.subarray(0, 100), /^the file ends at byte 100, its signature at byte \d+$/],
    ['ends in the signature', signed.subarray(0, -1), /^the file ends at byte \d+, its signature at byte \d+$/],
    ['goes on after the signature', Buffer.concat([signed, Buffer.alloc(3)]), /^3 bytes follow the signature/],
    ['says that the signature is longer', withNumber(48, signature.length + 8), /^the file ends at byte/],
    ['says that it is shorter', withNumber(48, signature.length - 8), /^8 bytes follow the signature/],
    ['says that it is empty', withNumber(48, 0), /^the signature is said to have 0 bytes/],
    ['says that it is huge', withNumber(48, 0xffffffff), /^the signature is said to have 4294967295 bytes/],
    ['says that it is elsewhere', withNumber(44, cabinetLength - 8), /^the signature is said to begin at byte/],
    ['has reserved bytes that nobody signs', patched(4, 1), /^reserved1 is 1, allowed is 0$/],
    ['has a folder reserve that nobody signs', patched(38, 8), /^folders and data blocks of a signed cabinet/],
    ['has its signature in the header', signedInHeader(), /^the signature is said to begin at byte 40, in the header/],
  ])('%s', async (_what, file, reason) => {
    expect(await stateOf(file)).toEqual({ state: 'malformed', reason: expect.stringMatching(reason) });
  });

  function signedInHeader(): Buffer {
    const copy = withNumber(8, 40);
    copy.writeUInt32LE(40, 44);
    return copy;
  }
});

describe('a hostile signature', () => {
  const mebibyte = 1 << 20;
  const nested = (depth: number): Buffer => Buffer.from(Array.from({ length: depth }, () => [0x30, 0x80]).flat());
  const good = signing({ countersigner });
  const claimed = (bytes: Buffer): Buffer => {
    const head = Buffer.alloc(6);
    head.set([0x30, 0x84]);
    head.writeUInt32BE(bytes.length, 2);
    return Buffer.concat([head, bytes]);
  };
  it.each<readonly [string, (digest: Buffer) => Buffer]>([
    ['random bytes', () => Buffer.from('this is not ASN.1, and far from it')],
    ['zeros', () => Buffer.alloc(64)],
    ['very deep', () => nested(mebibyte / 2 - 8)],
    ['many empty values', () => claimed(Buffer.alloc(mebibyte - 16, Buffer.from([0x05, 0x00])))],
    ['many empty lists', () => claimed(Buffer.alloc(mebibyte - 16, Buffer.from([0x30, 0x00])))],
    [
      'one long text',
      () => claimed(Buffer.concat([Buffer.from([0x04, 0x83, 0x0f, 0xff, 0x00]), Buffer.alloc(0xfff00)])),
    ],
    ['longer than it is', () => Buffer.from([0x30, 0x84, 0x7f, 0xff, 0xff, 0xff, 0x02, 0x01, 0x01])],
    ['a tag without an end', () => Buffer.alloc(4096, 0xff)],
    ['the first half of a good one', (digest) => good(digest).subarray(0, 700)],
    ['a good one and another after it', (digest) => Buffer.concat([good(digest), good(digest)])],
    ['a good one and text after it', (digest) => Buffer.concat([good(digest), Buffer.from('abc')])],
  ])('%s ends in `malformed`, soon', async (_what, sign) => {
    const began = performance.now();
    expect(await stateOf(signCab(unsignedCab, sign))).toMatchObject({ state: 'malformed' });
    expect(performance.now() - began).toBeLessThan(5000);
  });

  it('of any bytes comes to an end', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 400 }), async (bytes) => {
        const state = await stateOf(signCab(unsignedCab, () => Buffer.from(bytes)));
        expect(state.state).toBe('malformed');
      }),
      { numRuns: 300 },
    );
  });
});
