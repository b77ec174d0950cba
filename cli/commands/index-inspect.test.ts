/** Over 300 lines: one command, on made, signed and real files; its cases share the runner and the samples. */
import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { signCab } from '#local/upstream/signing/cab.ts';
import { toPem } from '#local/upstream/signing/certificate.ts';
import { makeSignature } from '#local/upstream/signing/signature.ts';
import { randomBytes } from '#shared/cabinet/testing/corpus.ts';
import type { CatalogView, UpdateView } from '#shared/core/catalog/view.ts';
import { cabMember } from '#test/kit/cab-member.ts';
import { packCab, packIndex, packSlice } from '#test/kit/pack-slice.ts';
import { haveSamples, sample } from '#test/kit/samples.ts';
import { issue, signedCab, testRootPem } from '#test/kit/signed-index.ts';
import { guid, hex, sound } from '#test/kit/sound-index.ts';
import { readGolden } from '#test/kit/vuls-golden.ts';
import { main } from '../main.ts';
import { run as runCli } from '../testing/api.ts';
import type { InspectOptions } from './index-inspect.ts';

let folder: string;
let roots: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kbroker-inspect-'));
  roots = await write('roots.pem', Buffer.from(testRootPem));
});
afterAll(() => rm(folder, { recursive: true }));

interface Run {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function run(file: string, options: Partial<InspectOptions> = {}, isTTY = false): Promise<Run> {
  const printed = { stdout: '', stderr: '' };
  const stream = (name: keyof typeof printed, isTTY: boolean) => ({
    isTTY,
    write: (text: string): void => {
      printed[name] += text;
    },
  });
  const io = { stdout: stream('stdout', false), stderr: stream('stderr', isTTY), env: {} };
  const { json = false, check = false, kbs = [], updateId, indexRoots, allowSha1 = false } = options;
  const flags = [
    ...(json ? ['--json'] : []),
    ...(check ? ['--check'] : []),
    ...kbs.flatMap((kb) => ['--kb', kb]),
    ...(updateId === undefined ? [] : ['--update', updateId]),
    ...(indexRoots === undefined ? [] : ['--index-roots', indexRoots]),
    ...(allowSha1 ? ['--allow-sha1'] : []),
  ];
  const exitCode = await main(['index', 'inspect', file, ...flags], io);
  return { exitCode, ...printed };
}

async function inspect(file: string, options: Partial<InspectOptions> = {}): Promise<CatalogView> {
  const { exitCode, stdout, stderr } = await run(file, { ...options, json: true });
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  return JSON.parse(stdout);
}

async function write(name: string, bytes: Uint8Array): Promise<string> {
  const file = join(folder, name);
  await writeFile(file, bytes);
  return file;
}

const byRevisionId = (view: CatalogView): ReadonlyMap<number, UpdateView> =>
  new Map(view.updates.map((update) => [update.revisionId, update]));

describe('inspect', () => {
  it('prints one JSON document with the digest of the file', async () => {
    const bytes = signedCab(packIndex(sound));
    const view = await inspect(await write('signed.cab', bytes), { indexRoots: roots });
    expect(view).toMatchObject({
      version: 1,
      sha256: createHash('sha256').update(bytes).digest('hex'),
      bytes: bytes.length,
      layout: 'wsusscn2',
      packageId: 'e1a000e0-066b-497a-ba62-246d4af43e55',
      counts: { updates: 4, units: 2, leaves: 1, evaluated: 1, files: 1, payloadBytes: 12_293_231_150 },
      gaps: [],
      publishable: { ok: true },
      skipped: [
        { name: 'e/', members: 1 },
        { name: 'files/', members: 1 },
      ],
    });
    expect(view.updates.map(({ revisionId }) => revisionId)).toEqual([5, 20, 700, 800]);
    expect(
      byRevisionId(view)
        .get(20)
        ?.files.map(({ sha1 }) => sha1),
    ).toEqual([hex('a.cab')]);
  });

  it('selects by KB and by UpdateId, in any spelling', async () => {
    const file = await write('sound.cab', packIndex(sound));
    const ids = async (options: Partial<InspectOptions>): Promise<number[]> =>
      (await inspect(file, options)).updates.map(({ revisionId }) => revisionId);
    expect(await ids({ kbs: ['KB5101650'] })).toEqual([20]);
    expect(await ids({ kbs: ['5101650', 'kb4999999'] })).toEqual([20, 800]);
    expect(await ids({ updateId: guid(700).toUpperCase() })).toEqual([700]);
    expect(await ids({ updateId: `${guid(700)}_100` })).toEqual([700]);
    expect(await ids({ updateId: `${guid(700)}_101` })).toEqual([]);
    expect(await ids({ kbs: ['5101650'], updateId: guid(700) })).toEqual([]);
  });

  it.each([
    ['--kb', 'foo', /^kbroker: not a KB number: got "foo", expected five to eight digits as in KB5034441\n$/],
    ['--kb', '', /^kbroker: not a KB number: got ""/],
    ['--update', 'foo', /^kbroker: not an UpdateId: got "foo", expected one as in .*\n$/],
    ['--update', 'KB5034441', /; KB numbers are for --kb/],
    ['--update', `${guid(1)}_x`, /^kbroker: not an UpdateId: got /],
  ])('refuses %s %j before it reads anything', async (flag, value, message) => {
    const { exitCode, stderr } = await runCli(['index', 'inspect', join(folder, 'absent.cab'), flag, value]);
    expect(stderr).toMatch(message);
    expect(exitCode).toBe(2);
  });

  it('tells people the same', async () => {
    const file = await write('sound.cab', packIndex(sound));
    const all = await run(file);
    expect(all.exitCode).toBe(0);
    expect(all.stdout).toMatch(/^Updates +4: 2 to install, 1 parts of bundles, 1 categories and detectoids$/m);
    expect(all.stdout).toMatch(/^Gaps +none$/m);
    expect(all.stdout).toMatch(/2026-01-02 {2}KB5101650 {2}Critical {2}Update & more \(KB5101650\)/);
    const one = await run(file, { kbs: ['5101650'] });
    expect(one.stdout).toMatch(/replaces +KB4999999 /);
    expect(one.stdout).toMatch(/products +Windows 12/);
    expect(one.stdout).toContain(`SHA-1 ${hex('a.cab')}`);
    expect(one.stdout).not.toContain('Older update');
    expect((await run(file, { kbs: ['11111'] })).stdout).toContain('No update of this index matches.');
  });

  it('says who signed it, and refuses nothing because of that', async () => {
    const signatureOf = async (name: string, bytes: Uint8Array) => {
      const file = await write(name, bytes);
      const { stdout } = await run(file, { json: true });
      const words = /^Signature (.*)$/m.exec((await run(file)).stdout)?.[1];
      return { words, ...JSON.parse(stdout).signature };
    };
    expect(await signatureOf('unsigned.cab', packIndex(sound))).toEqual({
      state: 'unsigned',
      words: 'unsigned: the cabinet carries no signature',
    });
    expect(await signatureOf('signed.cab', signedCab(packIndex(sound)))).toMatchObject({
      state: 'untrusted',
      words: expect.stringMatching(/^untrusted: .* \(signed by CN=signer of the tests/),
    });
  });

  it('says that the broker would not publish what it does not trust', async () => {
    const publishOf = async (file: string, options: Partial<InspectOptions> = {}) =>
      /^Publish +(.*)$/m.exec((await run(file, options)).stdout)?.[1];
    const unsigned = await write('unsigned.cab', packIndex(sound));
    expect(await publishOf(unsigned)).toBe(
      'refused: the signature is not good: unsigned: the cabinet carries no signature',
    );
    expect((await inspect(unsigned)).publishable).toMatchObject({
      ok: false,
      reason: expect.stringMatching(/unsigned/),
    });
    const signed = await write('signed.cab', signedCab(packIndex(sound)));
    expect(await publishOf(signed)).toMatch(/^refused: the signature is not good: untrusted: .*; --index-roots /);
    expect(await publishOf(signed, { indexRoots: roots })).toMatch(/^yes, unless it is older or far smaller/);
    const empty = await write('empty.cab', signedCab(packIndex({ ...sound, shards: [] })));
    expect(await publishOf(empty, { indexRoots: roots })).toMatch(/^refused: none of the 2 updates .*lack a fragment/);
  });

  it('judges SHA-1 as a broker with the default settings, and as another on demand', async () => {
    const root = issue({ commonName: 'old root', isAuthority: true });
    const signer = issue({ commonName: 'old signer', issuer: root, purpose: 'codeSigning' });
    const sign = (digest: Buffer) => makeSignature(digest, { signer, chain: [], digest: 'sha1' });
    const file = await write('sha1.cab', signCab(packIndex(sound), sign, 'sha1'));
    const indexRoots = await write('old.pem', Buffer.from(toPem(root.certificate)));
    const { stdout } = await run(file, { indexRoots });
    expect(stdout).toMatch(/^Publish +refused: the signature is not good: old algorithm: .*--allow-sha1 judges/m);
    expect((await run(file, { indexRoots, allowSha1: true })).stdout).toMatch(/^Publish +yes/m);
  });

  it('refuses roots that it cannot read', async () => {
    const file = await write('sound.cab', packIndex(sound));
    for (const [indexRoots, message] of [
      [join(folder, 'absent.pem'), /^kbroker: --index-roots .*absent\.pem: no such file\n$/],
      [file, /^kbroker: --index-roots .*sound\.cab: .*without a certificate, allowed are PEM blocks/],
    ] as const) {
      const { exitCode, stderr } = await run(file, { indexRoots });
      expect(stderr).toMatch(message);
      expect(exitCode).toBe(2);
    }
  });

  it.skipIf(!haveSamples)('knows Microsoft’s signature', async () => {
    const file = await write(
      'scan.cab',
      await cabMember(sample('msu', 'Windows6.1-KB2999226-x64.msu'), 'WSUSSCAN.cab'),
    );
    expect((await run(file)).stdout).toMatch(
      /^Signature valid: signed by CN=Microsoft Corporation, .*, countersigned 2015-07-21T17:31:56\.797Z, sha256$/m,
    );
  });

  it('shows its progress on a terminal when the file is big, and wipes it', async () => {
    const bytes = Buffer.concat([packIndex(sound), Buffer.alloc(20_000_000)]);
    const file = await write('big.cab', bytes);
    const { stderr } = await run(file, {}, true);
    expect(stderr).toMatch(/big\.cab: 100 % of 20\.0 MB, \d+ members/);
    expect(stderr.endsWith('\r\u001b[K')).toBe(true);
    expect((await run(file)).stderr).toBe('');
  });

  it('finds a fault in any fragment when it is asked to check', async () => {
    const [low] = sound.shards;
    const faulty = { ...low?.members, 'l/de/20': '<LocalizedProperties><Title>x</Tite></LocalizedProperties>' };
    const file = await write('faulty.cab', packIndex({ ...sound, shards: [{ rangeStart: 0, members: faulty }] }));
    expect(await run(file)).toMatchObject({ exitCode: 0 });
    expect(await run(file, { check: true })).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/package2\.cab: l\/de\/20, byte \d+: .*Title/),
    });
    const checked = await run(await write('checked.cab', packIndex(sound)), { check: true });
    expect(checked).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^Checked {3}every fragment/m) });
  });

  it('reads the index in a package, wherever it stands, and names a fault of either', async () => {
    const index = packIndex(sound);
    const other = randomBytes(300_000, 7);
    for (const [name, members] of [
      ['first.msu', { 'WSUSSCAN.cab': index, 'a.cab': other }],
      ['last.msu', { 'a.cab': other, 'wsusscan.CAB': index }],
    ] as const) {
      const view = await inspect(await write(name, packCab(members)));
      expect(view).toMatchObject({ bytes: index.length, counts: { updates: 4 } });
      expect(view.sha256).toBe(createHash('sha256').update(index).digest('hex'));
    }
    const cut = await run(await write('cut.msu', packCab({ 'a.cab': other, 'WSUSSCAN.cab': index }).slice(0, -20)));
    expect(cut).toMatchObject({ exitCode: 1, stderr: expect.stringMatching(/cut\.msu: .*WSUSSCAN\.cab.*ends after/) });
    const bad = await run(await write('bad.msu', packCab({ 'WSUSSCAN.cab': index.slice(0, -9), 'a.cab': other })));
    expect(bad).toMatchObject({ exitCode: 1, stderr: expect.stringMatching(/^kbroker: [^\n]*bad\.msu: [^\n]+\n$/) });
  });

  it('ends with one line and exit code 1 on what is no index', async () => {
    const text = await write('text.cab', Buffer.from('hello'.repeat(20)));
    const cut = await write('cut.cab', packIndex(sound).slice(0, 500));
    for (const [file, message] of [
      [text, /not an index/],
      [cut, /the index/],
      [join(folder, 'absent.cab'), /no such file/],
      [folder, /is a folder/],
    ] as const) {
      const { exitCode, stdout, stderr } = await run(file, { json: true });
      expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
      expect(stderr).toMatch(message);
      expect(stderr).toMatch(/^kbroker: [^\n]+\n$/);
    }
  });
});

describe.skipIf(!haveSamples)('inspect of the vuls-data-update fixtures', () => {
  const fixture = (name: string): string => sample('wsusscn2', 'vuls-data-update', name, 'wsusscn2.cab');

  it.each(['fixture', 'fixture-2023'])(
    '%s agrees with the golden JSON in every update that both have',
    async (name) => {
      const updates = byRevisionId(await inspect(fixture(name)));
      const [u, x, l] = [await readGolden('u'), await readGolden('x'), await readGolden('l')];
      expect([...u.keys()].toSorted()).toEqual([123456, 234567, 345678, 456789]);
      for (const [revisionId, expected] of u) {
        const update = updates.get(revisionId);
        expect(update).toMatchObject({
          updateId: expected.updateid,
          revision: Number(expected.revisionnumber),
          revisionId: Number(expected.revisionid),
          createdAt: expected.creationdate,
          isBundle: expected.isbundle === 'true',
        });
        const supersedersOf = (expected.supersededby?.revision ?? []).map(({ id }) => u.get(Number(id))?.updateid);
        expect(update?.supersededBy.map(({ updateId }) => updateId)).toEqual(supersedersOf);
        const ids = (type: string): string[] =>
          (expected.categories?.category ?? []).filter((category) => category.type === type).map(({ id }) => id);
        expect(update?.classification?.id).toBe(ids('UpdateClassification')[0]);
        expect(update?.products.map(({ id }) => id)).toEqual(ids('Product'));
        expect(update?.families.map(({ id }) => id)).toEqual(ids('ProductFamily'));
      }
      expect([...x.keys()].toSorted()).toEqual([123456, 234567, 345678]);
      for (const [revisionId, expected] of x) {
        expect(updates.get(revisionId)).toMatchObject({
          severity: expected.msrcseverity,
          kbs: [expected.kbarticleid.text],
          bulletins: [expected.securitybulletinid.text],
          files: [],
        });
      }
      for (const [revisionId, expected] of l) expect(updates.get(revisionId)?.title).toBe(expected.title.text);
    },
  );

  it('fixture has the updates of the golden JSON and no others, with the types of its core fragments', async () => {
    const view = await inspect(fixture('fixture'));
    expect(view.updates.map(({ revisionId }) => revisionId)).toEqual([...(await readGolden('u')).keys()].toSorted());
    const updates = byRevisionId(view);
    for (const [revisionId, expected] of await readGolden('c')) {
      expect(updates.get(revisionId)).toMatchObject({
        updateId: expected.updateidentity.updateid,
        revision: Number(expected.updateidentity.revisionnumber),
        type: expected.properties.updatetype.toLowerCase(),
      });
    }
    // 456789 has no fragment in this cabinet, nor in the golden JSON: it is listed, and named as a gap.
    expect(view.gaps).toEqual([
      { code: 'fragment-missing', count: 1, examples: ['c/456789', 'x/456789', 'l/en/456789'] },
      { code: 'no-kb', count: 1, examples: ['456789'] },
    ]);
    expect(view.publishable.ok).toBe(false);
  });

  it('fixture-2023, an older cabinet without core fragments, has two more updates, a file and five CVEs', async () => {
    const view = await inspect(fixture('fixture-2023'));
    const updates = byRevisionId(view);
    expect([...updates.keys()]).toEqual([1, 2, 123456, 234567, 345678, 456789]);
    expect(updates.get(1)).toMatchObject({
      updateId: 'b82ee657-7665-4006-be06-1de7a290d36d',
      type: 'unknown',
      reboot: 'can',
      files: [
        {
          sha1: Buffer.from('fQTAfvF3nDnhdPA/eUmJ+CSM/3Q=', 'base64').toString('hex'),
          sha256: Buffer.from('Rq5QeQ4tcNyFF+BLmad694ramk3yoahUzG2EXulIQT0=', 'base64').toString('hex'),
          name: 'vviewersp1-zh-cn.cab',
          size: 5_428_536,
        },
      ],
    });
    expect(updates.get(456789)).toMatchObject({
      title: 'Visual Studio 2022 version 17.4.7 update',
      kbs: ['5007364'],
      severity: 'Important',
      cves: ['CVE-2023-28260', 'CVE-2023-28296', 'CVE-2023-28299', 'CVE-2023-28262', 'CVE-2023-28263'],
    });
  });
});

describe.skipIf(!haveSamples)('inspect of real indexes', () => {
  it('reads the slice of July 2026, names its gaps, and says why it would not be published', async () => {
    const file = await write('slice.cab', await packSlice(sample('wsusscn2', 'hexmystic-wsusscn2-2026-07')));
    const view = await inspect(file);
    expect(view).toMatchObject({
      layout: 'wsusscn2',
      packageId: 'e1a000e0-066b-497a-ba62-246d4af43e55',
      createdAt: '2026-07-14T13:54:06Z',
      counts: { updates: 20, units: 10, leaves: 8, evaluated: 2 },
    });
    expect(Object.fromEntries(view.gaps.map(({ code, count }) => [code, count]))).toEqual({
      'dangling-superseder': 3,
      'dangling-bundle': 8,
      'fragment-missing': 13,
      'no-kb': 6,
      'location-missing': view.counts.files,
      'file-facts-missing': 64,
      'no-file-locations': 1,
    });
    expect(view.publishable).toEqual({
      ok: false,
      reason: expect.stringMatching(
        /^the signature is not good: unsigned.*; it has no FileLocations.*; 13 of 20 updates lack a fragment .*; 64 of 109 payload/,
      ),
    });
    expect(byRevisionId(view).get(616)).toMatchObject({
      kbs: ['5101650'],
      severity: 'Critical',
      title: '2026-07 Cumulative Update for Windows 11, version 24H2 for x64-based Systems (KB5101650) (26100.8875)',
      supersedes: [{ updateId: '6c209660-50a4-46fe-afe1-a2157b742033', revision: 100, kbs: ['5094126'] }],
    });
    expect(byRevisionId(view).get(2)?.files).toHaveLength(16);
    expect((await run(file)).stdout).toMatch(/^Gap +no FileLocation at all, so no payload file could be fetched$/m);
  });

  it('reads the index of a real .msu, as it reads the index that was taken out of it', async () => {
    const msu = sample('msu', 'Windows6.1-KB2999226-x64.msu');
    const { sha256, signature, member, ...view } = JSON.parse(
      (await run(msu, { json: true, kbs: ['KB2999226'] })).stdout,
    );
    expect({ member, signature }).toMatchObject({ member: 'WSUSSCAN.cab', signature: { state: 'valid' } });
    const apart = await inspect(await write('WSUSSCAN.cab', await cabMember(msu, 'WSUSSCAN.cab')), {
      kbs: ['KB2999226'],
    });
    expect(apart).toMatchObject({ ...view, sha256 });
    expect((await run(msu)).stdout).toMatch(/^Index +wsusscan, 171\.8 kB, .*; it is WSUSSCAN\.cab in this package$/m);
    expect(view).toMatchObject({ layout: 'wsusscan', counts: { updates: 765 } });
    expect(view.publishable).toEqual({
      ok: false,
      reason: expect.stringMatching(/single package \(wsusscan\)/),
    });
    expect(view.updates).toMatchObject([
      {
        severity: 'Important',
        classification: { title: 'Updates' },
        products: [{ title: 'Windows' }],
        reboot: 'can',
        files: [{ name: 'Windows6.1-KB2999226-x64.cab', size: 851_797 }],
      },
    ]);
  });
});
