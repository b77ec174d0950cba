import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { InventedUnit } from './model.ts';
import { payloadBytes, payloadDigests } from './payload.ts';
import { type DigestMemo, inventPublication } from './publication.ts';
import { firstMonth } from './world.ts';

const memo: DigestMemo = new Map();
const january = inventPublication(1, firstMonth, memo);
const february = inventPublication(1, firstMonth + 1, memo);
const units = (publication: typeof january): InventedUnit[] =>
  publication.updates.filter((update) => update.kind === 'unit');
const byKey = (publication: typeof january): Map<string, InventedUnit> =>
  new Map(units(publication).map((unit) => [unit.updateId, unit]));

describe('an invented publication', () => {
  it('is the same again for the same seed and month, and another for another seed', () => {
    expect(inventPublication(1, firstMonth, memo)).toEqual(january);
    const other = inventPublication(2, firstMonth);
    expect(other.packageId).not.toBe(january.packageId);
    const sha1s = new Set(january.files.map((file) => file.sha1));
    expect(other.files.filter((file) => sha1s.has(file.sha1))).toEqual([]);
  });

  it('has one update for each RevisionId, in ascending order', () => {
    const ids = january.updates.map((update) => update.revisionId);
    expect(ids).toEqual([...new Set(ids)].sort((left, right) => left - right));
    expect(ids.every((id) => id > 0 && id < 2 ** 31)).toBe(true);
  });

  it('names each bundle, superseder and prerequisite that it refers to, but for one dangling superseder', () => {
    const revisions = new Set(january.updates.map((update) => update.revisionId));
    const ids = new Set(january.updates.map((update) => update.updateId));
    const dangling: number[] = [];
    for (const update of january.updates) {
      for (const { ids: clause } of update.clauses) for (const id of clause) expect(ids).toContain(id);
      if (update.kind === 'unit') {
        for (const { updateId } of update.bundles) expect(ids).toContain(updateId);
        dangling.push(...update.supersededBy.filter((id) => !revisions.has(id)));
      }
      if (update.kind === 'payload') for (const id of update.bundledBy) expect(revisions).toContain(id);
    }
    expect(dangling).toHaveLength(1);
  });

  it('has the kinds of record that the real index has', () => {
    const payloads = january.updates.filter((update) => update.kind === 'payload');
    expect(payloads.some((payload) => payload.bundledBy.length === 2)).toBe(true);
    expect(payloads.some((payload) => payload.handler === 'os-installer' && payload.files.length === 6)).toBe(true);
    expect(payloads.some((payload) => payload.handler === 'command-line')).toBe(true);
    expect(january.files.filter((file) => !file.saysSha256)).toHaveLength(1);
    const severities = units(january).map((unit) => unit.severity ?? 'none');
    expect([...new Set(severities)].sort()).toEqual(['Critical', 'Important', 'Low', 'Moderate', 'none']);
    const kbs = units(january).map((unit) => unit.kb);
    expect(new Set(kbs).size).toBeLessThan(kbs.length);
    for (const file of january.files) {
      expect(file.url).toMatch(
        /^http:\/\/(download\.windowsupdate\.com\/([cd]\/)?msdownload\/update\/software\/(secu|updt|uprl)\/\d{4}\/\d{2}|dl\.delivery\.mp\.microsoft\.com\/filestreamingservice\/files\/[0-9a-f-]{36}\/public)\/[a-z0-9._-]+_[0-9a-f]{40}\.(cab|msu|psf|wim|exe)$/,
      );
      expect(file.url).toContain(file.sha1);
    }
  });
});

describe('a month later', () => {
  it('keeps most updates, and gives small RevisionIds anew', () => {
    const [before, after] = [byKey(january), byKey(february)];
    const kept = [...before.keys()].filter((id) => after.has(id));
    expect(kept).toHaveLength(before.size);
    const moved = kept.filter((id) => before.get(id)?.revisionId !== after.get(id)?.revisionId);
    expect(moved.length).toBeGreaterThan(2);
    expect(moved.every((id) => before.get(id)?.uup)).toBe(true);
  });

  it('supersedes the cumulative update of the month before in both directions', () => {
    const after = byKey(february);
    const cumulative = units(february).filter((unit) =>
      /^2026-02 Cumulative Update for Windows 11/.test(unit.titles.en),
    );
    expect(cumulative).toHaveLength(1);
    for (const newer of cumulative) {
      const older = newer.supersedes.map((id) => after.get(id));
      expect(older).toHaveLength(4);
      for (const unit of older) expect(unit?.supersededBy).toContain(newer.revisionId);
    }
  });

  it('moves the date and the package id on', () => {
    expect(january.createdAt).toBe('2026-01-13T13:54:06Z');
    expect(february.createdAt).toBe('2026-02-10T13:54:06Z');
    expect(february.packageId).not.toBe(january.packageId);
  });

  it('drops what was superseded long ago in the end', () => {
    const later = byKey(inventPublication(1, firstMonth + 8, memo));
    const gone = units(january).filter((unit) => !later.has(unit.updateId));
    expect(gone.length).toBeGreaterThan(10);
    expect(gone.every((unit) => unit.titles.en.startsWith('202') || unit.kb === '890830')).toBe(true);
  });
});

describe('invented bytes', () => {
  const whole = Buffer.concat([...payloadBytes(7, 'a file', 0, 200_003)]);

  it('are the same in ranges as in whole', () => {
    for (const [from, to] of [
      [0, 1],
      [15, 17],
      [16, 16],
      [65_535, 131_100],
      [200_002, 200_003],
    ] as const) {
      expect(Buffer.concat([...payloadBytes(7, 'a file', from, to)]).equals(whole.subarray(from, to))).toBe(true);
    }
  });

  it('have the digests that the index tells', () => {
    expect(payloadDigests(7, 'a file', 200_003)).toEqual({
      sha1: createHash('sha1').update(whole).digest('hex'),
      sha256: createHash('sha256').update(whole).digest('hex'),
    });
  });
});
