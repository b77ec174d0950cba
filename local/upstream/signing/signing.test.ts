import { createHash } from 'node:crypto';
import { mkdtemp, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AuthenticodeReader, parseRoots, type SignatureState } from '#shared/authenticode/index.ts';
import { readCab } from '#shared/cabinet/index.ts';
import { encodeCab } from '#shared/cabinet/testing/encode.ts';
import { signCab, signCabFile } from './cab.ts';
import { type IndexSigner, indexSignerIn } from './identity.ts';

let folder: string;
let signer: IndexSigner;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kbroker-signing-'));
  signer = await indexSignerIn(join(folder, 'kept'), new Date());
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const members = [
  { name: 'a.xml', data: Buffer.from('<a />'.repeat(100)) },
  { name: 'b.xml', data: Buffer.from('<b />'.repeat(100)) },
];
const withRoom = encodeCab({ members, compression: 'mszip', reserve: { header: 20 } });

async function stateOf(file: Uint8Array, rootPem = signer.rootPem): Promise<SignatureState> {
  const reader = new AuthenticodeReader({ policy: { roots: parseRoots(rootPem), allowSha1: false }, now: new Date() });
  reader.write(file);
  return reader.end();
}

async function digestsIn(cab: Uint8Array): Promise<Record<string, string>> {
  const digests: Record<string, string> = {};
  async function* source(): AsyncGenerator<Uint8Array> {
    yield cab;
  }
  await readCab(source(), {
    onMember: ({ name }) => {
      const hash = createHash('sha256');
      return {
        write: (chunk) => void hash.update(chunk),
        end() {
          digests[name] = hash.digest('hex');
        },
      };
    },
  });
  return digests;
}

describe('signing', () => {
  it('a file comes to the same cabinet as signing its bytes, and keeps the contents', async () => {
    const path = join(folder, 'file.cab');
    await writeFile(path, withRoom);
    const at = new Date();
    await signCabFile(path, signer.signAt(at));
    const file = await readFile(path);
    const bytes = signCab(withRoom, signer.signAt(at));
    for (const signed of [file, bytes]) {
      expect(await stateOf(signed)).toMatchObject({ state: 'valid', countersignedAt: at.toISOString() });
      expect(await digestsIn(signed)).toEqual(await digestsIn(withRoom));
    }
    expect(file.subarray(60, file.readUInt32LE(8))).toEqual(bytes.subarray(60, bytes.readUInt32LE(8)));
    expect(file.length % 8).toBe(file.readUInt32LE(8) % 8);
  });

  it('makes room in a cabinet that has none, also with several folders', async () => {
    const plain = encodeCab({ members, compression: { lzx: 15 }, folderOf: (index) => index });
    const signed = signCab(plain, signer.signAt(new Date()));
    expect(await stateOf(signed)).toMatchObject({ state: 'valid' });
    expect(await digestsIn(signed)).toEqual(await digestsIn(plain));
  });

  it('refuses what is signed already, or keeps something else in its reserve', async () => {
    const sign = signer.signAt(new Date());
    expect(() => signCab(signCab(withRoom, sign), sign)).toThrow('it is signed already, or cut');
    const other = encodeCab({ members, compression: 'stored', reserve: { header: 6144 } });
    expect(() => signCab(other, sign)).toThrow('has no place for a signature');
    const path = join(folder, 'other.cab');
    await writeFile(path, other);
    await expect(signCabFile(path, sign)).rejects.toThrow('has no place for a signature');
    expect(await readFile(path)).toEqual(Buffer.from(other));
  });

  it('does not hold a large file in memory', async () => {
    const path = join(folder, 'large.cab');
    const large = Buffer.from(withRoom);
    const size = 256 << 20;
    large.writeUInt32LE(size, 8);
    await writeFile(path, large);
    await using handle = await open(path, 'r+');
    await handle.truncate(size);
    const before = process.memoryUsage();
    let most = 0;
    const watch = setInterval(() => {
      const { arrayBuffers, heapUsed } = process.memoryUsage();
      most = Math.max(most, arrayBuffers + heapUsed - before.arrayBuffers - before.heapUsed);
    }, 10);
    await signCabFile(path, signer.signAt(new Date()));
    clearInterval(watch);
    expect(most).toBeGreaterThan(0);
    expect(most).toBeLessThan(100 << 20);
    expect((await stat(path)).size).toBeGreaterThan(size);
  });
});

describe('the identity of a data folder', () => {
  it('stays, keeps its keys for the owner only, and does not keep that of the root', async () => {
    const kept = join(folder, 'kept');
    const again = await indexSignerIn(kept, new Date());
    expect(again.rootPem).toBe(signer.rootPem);
    const signed = signCab(withRoom, again.signAt(new Date()));
    expect(await stateOf(signed)).toMatchObject({ state: 'valid', signer: expect.stringContaining('CN=kbroker fake') });
    for (const name of await readdir(kept)) {
      const text = await readFile(join(kept, name), 'utf8');
      const isSecret = text.includes('PRIVATE KEY');
      expect([name, isSecret]).toEqual([name, name !== 'root.pem']);
      if (isSecret) expect((await stat(join(kept, name))).mode & 0o077).toBe(0);
    }
  });

  it('is made anew when a file is damaged or nears its end, and every folder has another', async () => {
    const damaged = join(folder, 'damaged');
    const first = await indexSignerIn(damaged, new Date());
    await writeFile(join(damaged, 'signer.pem'), 'nothing of use');
    const second = await indexSignerIn(damaged, new Date());
    const later = await indexSignerIn(damaged, new Date(Date.now() + 10 * 365 * 24 * 3600 * 1000));
    expect(new Set([first.rootPem, second.rootPem, later.rootPem, signer.rootPem]).size).toBe(4);
    expect(await stateOf(signCab(withRoom, second.signAt(new Date())), signer.rootPem)).toMatchObject({
      state: 'untrusted',
    });
  });
});
