import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CabReader } from '#shared/cabinet/index.ts';
import type { CatalogUpdate } from '#shared/core/catalog/model.ts';
import { publishable } from '#shared/core/catalog/publishable.ts';
import { readIndex } from '#shared/index/index.ts';
import { readIndexWithRules } from '#shared/index/read-rules.ts';
import type { InventedUpdate } from '../invent/model.ts';
import { inventPublication, licenceText } from '../invent/publication.ts';
import { firstMonth } from '../invent/world.ts';
import { coreFragment, extendedFragment, localizedFragment } from './fragments.ts';
import { indexCab } from './index-cab.ts';
import { packageXml } from './package-xml.ts';

const publication = inventPublication(1, firstMonth);
const cab = indexCab(publication, { licence: licenceText(1) });
const chunks = async function* (bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += 10_007) yield bytes.subarray(at, at + 10_007);
};

/** What a reader of the index must make of an invented update. */
function expected(update: InventedUpdate): Partial<CatalogUpdate> {
  const common = {
    updateId: update.updateId,
    revision: update.revision,
    revisionId: update.revisionId,
    createdAt: update.createdAt,
    prerequisites: update.clauses.map((clause) => clause.ids),
  };
  switch (update.kind) {
    case 'category':
      return {
        ...common,
        type: 'category',
        action: 'evaluate',
        title: update.titles.en,
      };
    case 'detectoid':
      return { ...common, type: 'detectoid', action: 'evaluate', title: update.titles.en };
    case 'payload':
      return {
        ...common,
        type: 'software',
        action: 'bundle',
        isBundle: false,
        isLeaf: true,
        bundledBy: update.bundledBy,
        payload: update.files.map((file) => file.sha1),
        reboot: ({ NeverReboots: 'never', CanRequestReboot: 'can', AlwaysRequiresReboot: 'always' } as const)[
          update.reboot
        ],
      };
    case 'unit':
      return {
        ...common,
        type: 'software',
        action: 'install',
        isBundle: true,
        isLeaf: !update.uup,
        title: update.titles.en,
        kbs: [update.kb],
        ...(update.severity === undefined ? {} : { severity: update.severity }),
        bulletins: update.bulletins,
        cves: update.cves,
        supersededBy: update.supersededBy.filter((id) => publication.updates.some((other) => other.revisionId === id)),
      };
  }
}

describe('the invented index', () => {
  it('is read back as exactly the updates and files that were invented', async () => {
    const catalog = await readIndex(chunks(cab));
    expect(catalog.packageId).toBe(publication.packageId);
    expect(catalog.createdAt).toBe(publication.createdAt);
    expect([...catalog.updates.keys()].sort((left, right) => left - right)).toEqual(
      publication.updates.map((update) => update.revisionId),
    );
    for (const update of publication.updates) {
      expect(catalog.updates.get(update.revisionId)).toMatchObject(expected(update));
    }
    expect(new Map(catalog.files)).toEqual(
      new Map(
        publication.files.map(({ sha1, sha256, saysSha256, name, size, url }) => [
          sha1,
          { sha1, ...(saysSha256 ? { sha256 } : {}), name, size, url },
        ]),
      ),
    );
  });

  it('has no gaps but the dangling superseder, and may be published', async () => {
    const catalog = await readIndex(chunks(cab));
    expect(catalog.gaps).toEqual([{ code: 'dangling-superseder', count: 1, examples: [expect.any(String)] }]);
    expect(publishable(catalog)).toEqual({ ok: true });
  });

  it('names the parents of CBS payloads', async () => {
    const { catalog, rules } = await readIndexWithRules(chunks(cab));
    const parents = [...catalog.updates.keys()].flatMap((revisionId) => rules.get(revisionId)?.cbs?.parents ?? []);
    expect(parents).toContainEqual({
      identity: {
        name: 'Microsoft-Windows-Client-Features-Package',
        version: '6.1.7601.17514',
        architecture: 'amd64',
        language: '',
        publicKeyToken: '31bf3856ad364e35',
      },
      buildCompare: 'EQ',
      revisionCompare: 'GE',
    });
    expect(parents.some(({ identity }) => identity.architecture === 'x86')).toBe(true);
  });

  it('nests LZX cabinets of several folders in an LZX cabinet', () => {
    const folders = new Map<string, number>();
    const compressions = new Set<string>();
    const outer = new CabReader({
      onHeader: (header) => {
        for (const folder of header.folders) compressions.add(JSON.stringify(folder.compression));
      },
      onMember: (member) =>
        member.name.endsWith('.cab')
          ? new CabReader({
              onHeader: (header) => {
                folders.set(member.name, header.folders.length);
                for (const folder of header.folders) compressions.add(JSON.stringify(folder.compression));
              },
              onMember: () => undefined,
            })
          : undefined,
    });
    outer.write(cab);
    outer.end();
    expect([...folders]).toEqual([
      ['package.cab', 1],
      ['package2.cab', 4],
      ['package3.cab', 3],
      ['package4.cab', 3],
    ]);
    expect(compressions.size).toBe(1);
    expect([...compressions][0]).toMatch(/lzx.*21/);
  });

  it('writes package.xml on one line without a byte order mark', () => {
    const xml = packageXml(publication);
    expect(xml.startsWith('<?xml version="1.0" encoding="utf-8"?><OfflineSyncPackage MinimumClientVersion="5.8')).toBe(
      true,
    );
    expect(xml).not.toContain('\n');
    expect(xml.match(/<FileLocation /g)).toHaveLength(publication.files.length);
  });
});

const strangers = ['cabextract', '7z'].filter((program) => spawnSync(program, ['--help']).error === undefined);
if (strangers.length < 2) {
  const message = `cabextract and 7z are needed to check the index with strangers; found: ${strangers.join(', ') || 'none'}`;
  if (process.env.CI === 'true') throw new Error(message);
  process.stderr.write(`\n!!! SKIPPED: ${message}\n\n`);
}

describe.runIf(strangers.length > 0)('programs that we did not write', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'kbroker-index-'));
    writeFileSync(join(folder, 'wsusscn2.cab'), cab);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.each(strangers)('%s unpacks every layer to the very bytes', (program) => {
    const unpack = (file: string, into: string): void => {
      const parameters = program === '7z' ? ['x', '-y', `-o${into}`, file] : ['-q', '-d', into, file];
      const run = spawnSync(program, parameters, { encoding: 'utf8' });
      expect(run.status, `${run.stdout}${run.stderr}`).toBe(0);
    };
    const outer = join(folder, program);
    unpack(join(folder, 'wsusscn2.cab'), outer);
    const inner = join(folder, `${program}-inner`);
    for (const name of readdirSync(outer).filter((entry) => entry.endsWith('.cab'))) unpack(join(outer, name), inner);
    const text = (...path: string[]): string => readFileSync(join(inner, ...path), 'utf8');
    expect(text('package.xml')).toBe(packageXml(publication));
    for (const update of publication.updates) {
      const revision = String(update.revisionId);
      expect(text('c', revision)).toBe(coreFragment(update));
      expect(text('x', revision)).toBe(extendedFragment(update));
      const localized = localizedFragment(update, 'de');
      if (localized !== undefined) expect(text('l', 'de', revision)).toBe(localized);
    }
    expect(readdirSync(join(inner, 'files'))).toEqual(['eula.txt']);
  });
});
