import { describe, expect, it } from 'vitest';
import { readSyncReport, syncInWords, whyNotPublished } from './sync-report.ts';

const read = (value: unknown) => readSyncReport(value) ?? { outcome: 'nothing was read' };

describe('the answer of the synchronisation', () => {
  it('says why an index was refused or could not be read', () => {
    const refused = read({ outcome: 'refused', sha256: 'a'.repeat(64), reason: 'it shrank by 90 %' });
    expect(whyNotPublished(refused)).toBe('refused: it shrank by 90 %');
    expect(syncInWords(refused)).toBe('the index was refused: it shrank by 90 %');
    const failed = read({ outcome: 'failed', reason: 'status 503' });
    expect(whyNotPublished(failed)).toBe('failed: status 503');
    expect(syncInWords(failed)).toBe('the index was not read, the run failed: status 503');
  });

  it('counts what was published, and claims no download where there was none', () => {
    const published = read({ outcome: 'published', updates: 1, files: 2, stored: true, factsWritten: 2 });
    expect(whyNotPublished(published)).toBeUndefined();
    expect(syncInWords(published)).toBe('downloaded and decoded: 1 update, 2 files; now the current index');
    expect(syncInWords(read({ outcome: 'unchanged', sha256: 'a' }))).toMatch(/^unchanged: nothing is downloaded/);
    expect(syncInWords(read({ outcome: 'continues', bytes: 1, of: 2 }))).toMatch(/goes on/);
  });

  it('is not taken from something else', () => {
    expect(readSyncReport(null)).toBeUndefined();
    expect(readSyncReport({ queued: 3 })).toBeUndefined();
  });
});
