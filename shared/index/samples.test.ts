/** The reader on Microsoft's own data: the index inside a real .msu, and fragments of real updates. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { guidOf, hexOf } from '#shared/core/catalog/columns/pools.ts';
import type { Catalog } from '#shared/core/catalog/model.ts';
import { publishable } from '#shared/core/catalog/publishable.ts';
import { cabMember } from '#test/kit/cab-member.ts';
import { haveSamples, sample } from '#test/kit/samples.ts';
import { chunks } from '#test/kit/sound-index.ts';
import { CoreFacts, coreFragment } from './core-fragment.ts';
import { ExtendedFacts, extendedFragment } from './extended-fragment.ts';
import { readIndex } from './read-index.ts';
import { Values } from './values.ts';
import { type ElementPlans, XmlReader } from './xml/index.ts';

function readFragment<State>(plans: ElementPlans<State>, state: State, bytes: Uint8Array, name: string): State {
  const reader = new XmlReader('fragment', plans).begin({ name, state });
  reader.write(bytes);
  reader.end();
  return state;
}

/** What the front of a core fragment says; reading all of it says the same. */
async function readCore(path: string): Promise<{ updateId: string; revision: number; type: string }> {
  const bytes = await readFile(path);
  const plain = ({ values, guid, revision, type }: CoreFacts) => ({
    updateId: guidOf(values.guids.view(), guid * 16),
    revision,
    type,
  });
  const front = plain(readFragment(coreFragment, new CoreFacts(new Values(), { whole: false }), bytes, path));
  expect(plain(readFragment(coreFragment, new CoreFacts(new Values(), { whole: true }), bytes, path))).toEqual(front);
  return front;
}

/** Files of an extended fragment, in the spellings of the house. */
async function readFiles(path: string) {
  const { values, files } = readFragment(extendedFragment, new ExtendedFacts(new Values()), await readFile(path), path);
  return files.map(({ sha1, name, size, sha256 }) => ({
    sha1: hexOf(values.sha1s.view(), sha1 * 20, 20),
    name: values.texts.get(name),
    size,
    ...(sha256 === undefined ? {} : { sha256: hexOf(sha256, 0, 32) }),
  }));
}

describe.skipIf(!haveSamples)('the WSUSSCAN.cab of a real .msu', () => {
  let catalog: Catalog;

  beforeAll(async () => {
    const file = sample('msu', 'Windows6.1-KB2999226-x64.msu');
    catalog = await readIndex(chunks(await cabMember(file, 'WSUSSCAN.cab')));
  });

  it('lists 765 updates, of which two are no categories or detectoids', () => {
    expect(catalog.updates.size).toBe(765);
    expect(
      [...catalog.updates.values()].filter(({ action }) => action !== 'evaluate').map((u) => u.revisionId),
    ).toEqual([2858, 2859]);
    expect(catalog.packageId).toBe('288d644a-39e2-4119-a2bb-928665c21e05');
  });

  it('has the bundle with its KB, severity and title', () => {
    expect(catalog.updates.get(2859)).toMatchObject({
      updateId: '38008afc-657d-488e-ac49-0e4e0a526ffc',
      revision: 501,
      type: 'software',
      action: 'install',
      isBundle: true,
      kbs: ['2999226'],
      severity: 'Important',
      title: 'Update for Windows (KB2999226)',
      categories: { classification: 'cd5ffd1e-e932-4e3a-bf74-18bf0b1bbd83' },
    });
  });

  it('has the leaf with its file', () => {
    const sha1 = Buffer.from('JQmthtt2CKn4BslUnhPl/WTZipI=', 'base64').toString('hex');
    expect(catalog.updates.get(2858)).toMatchObject({
      bundledBy: [2859],
      payload: [sha1],
      reboot: 'can',
    });
    expect([...catalog.files.values()]).toEqual([
      {
        sha1,
        sha256: Buffer.from('2p737iOmP0zTgyXG/86tUOpWXpLf7TrzMY+eUieDcuY=', 'base64').toString('hex'),
        name: 'Windows6.1-KB2999226-x64.cab',
        size: 851_797,
        url: 'http://www.windowsupdate.com/Windows6.1-KB2999226-x64.cab',
      },
    ]);
  });

  it('tells categories from detectoids', () => {
    const windows = [...catalog.updates.values()].find((u) => u.updateId === '6964aab4-c5b5-43bd-a17d-ffb4346a8e1d');
    expect(windows).toMatchObject({ type: 'category', title: 'Windows' });
    const types = [...catalog.updates.values()].map(({ type }) => type);
    expect(types.filter((type) => type === 'category').length).toBeGreaterThan(0);
    expect(types.filter((type) => type === 'detectoid').length).toBeGreaterThan(500);
    expect(types).not.toContain('unknown');
  });

  it('has one quirk, which is counted, and may be published', () => {
    expect(catalog.gaps).toEqual([{ code: 'identity-mismatch', count: 2, examples: ['2858', '2859'] }]);
    expect(publishable(catalog)).toEqual({ ok: true });
  });
});

describe.skipIf(!haveSamples)('fragments of real updates', () => {
  it('of a WSUS export: one per applicability operator', async () => {
    const folder = sample('wsusscn2', 'wsus-export', 'fragments-derived');
    const names = await readdir(join(folder, 'c'));
    expect(names.length).toBeGreaterThanOrEqual(30);
    for (const name of names) {
      const core = await readCore(join(folder, 'c', name));
      expect(core.updateId).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
      expect(['category', 'detectoid', 'software']).toContain(core.type);
      expect(await readFiles(join(folder, 'x', name))).toEqual([]);
    }
  });

  it('of component packages and of an operating system', async () => {
    const path = (name: string): string => sample('wsusscn2', 'wsus-rs-fragments', name);
    expect(await readCore(path('cbs-dotnet-core-reduced.xml'))).toMatchObject({
      updateId: 'f1ff1e3d-dd47-4fcb-9405-8f7275ce1ea6',
      revision: 200,
      type: 'software',
    });
    expect(await readCore(path('cbs-rollupfix-core-reduced.xml'))).toMatchObject({ revision: 200, type: 'software' });
    expect(await readCore(path('osinstaller-core.xml'))).toMatchObject({ revision: 100, type: 'software' });
    expect(await readCore(sample('wsusscn2', 'usui-tk', 'leaf-2025-checkpoint.core.xml'))).toMatchObject({
      type: 'software',
    });
    expect(await readFiles(path('cbs-dotnet-extended.xml'))).toEqual([
      {
        sha1: Buffer.from('hlQslyYcRtWzeaQ+yJX5fq9Am6I=', 'base64').toString('hex'),
        sha256: Buffer.from('QmjzWV4zq8fre2YVitOhlYyuaps+4ILVJu0kxm263rw=', 'base64').toString('hex'),
        name: 'Windows11.0-KB5017029-x64-NDP481.cab',
        size: 40_121_630,
      },
    ]);
    expect(await readFiles(path('cbs-rollupfix-extended.xml'))).toMatchObject([{ size: 479_510_336 }]);
  });

  it('of the July 2026 index', async () => {
    const folder = sample('wsusscn2', 'hexmystic-wsusscn2-2026-07');
    expect(await readCore(join(folder, 'c', '3'))).toMatchObject({
      updateId: 'aabd43ad-a183-4f0b-8eee-8dbbcd67687f',
      type: 'detectoid',
    });
    expect(await readCore(join(folder, 'c', '5'))).toMatchObject({ type: 'category' });
    const files = await readFiles(join(folder, 'x', '2'));
    expect(files).toHaveLength(16);
    // MaxDownloadSize of this fragment, well beyond 32 bits.
    expect(files.reduce((sum, { size }) => sum + size, 0)).toBe(12_293_231_150);
    expect(files.every(({ sha256 }) => sha256 !== undefined)).toBe(true);
  });
});
