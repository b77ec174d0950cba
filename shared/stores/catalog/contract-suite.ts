import { describe, expect, it } from 'vitest';
import type { IndexCopy } from '#shared/contract/index-copy.ts';
import { at, catalogOf, plainCatalog, pointerOf, readAll, sha256, streamOf, unit } from '#test/kit/values.ts';
import { catalogFactsContract } from './facts-contract-suite.ts';
import type { CatalogStore, IndexStore, SyncJournal } from './port.ts';

/** The smallest part that S3 takes, other than as the last one. */
const uploadPartBytes = 5 * 1024 * 1024;

/** What every IndexStore does. `make` gives an empty one. */
export function indexStoreContract(name: string, make: () => Promise<IndexStore>): void {
  describe(`${name} keeps indexes`, () => {
    const bytes = Buffer.from('an index');
    const digest = sha256(bytes);

    it('stages, promotes and opens bytes; staged ones are not there yet', async () => {
      const store = await make();
      expect(await store.stagedBytes('copy-1')).toBeUndefined();
      await expect(store.openStaged('copy-1')).rejects.toMatchObject({ name: 'StoreError', code: 'not-found' });
      expect(await store.stage('copy-1', streamOf(bytes, 3))).toBe(8);
      expect(await store.stagedBytes('copy-1')).toBe(8);
      expect(await readAll(await store.openStaged('copy-1'))).toEqual(bytes);
      expect(await store.has(digest)).toBe(false);
      await expect(store.open(digest)).rejects.toMatchObject({ name: 'StoreError', code: 'not-found' });
      await store.promote({ copyId: 'copy-1', sha256: digest, bytes: 8 });
      expect(await store.has(digest)).toBe(true);
      expect(await store.stagedBytes('copy-1')).toBeUndefined();
      expect(await readAll(await store.open(digest))).toEqual(bytes);
    });

    it('drops staged bytes, or keeps them aside, without touching the promoted ones', async () => {
      const store = await make();
      for (const copyId of ['copy-1', 'copy-2', 'copy-3']) await store.stage(copyId, streamOf(bytes));
      await store.promote({ copyId: 'copy-1', sha256: digest, bytes: 8 });
      await store.drop('copy-2');
      await store.drop('copy-2');
      await store.keepAside({ copyId: 'copy-3', sha256: digest, bytes: 8 });
      for (const copyId of ['copy-2', 'copy-3']) expect(await store.stagedBytes(copyId)).toBeUndefined();
      expect(await readAll(await store.open(digest))).toEqual(bytes);
      await store.stage('copy-4', streamOf('another'));
      await store.keepAside({ copyId: 'copy-4', sha256: sha256('another'), bytes: 7 });
      expect(await store.has(sha256('another'))).toBe(false);
      for (const move of [store.promote, store.keepAside])
        await expect(move.call(store, { copyId: 'copy-4', sha256: digest, bytes: 8 })).rejects.toMatchObject({
          code: 'not-found',
        });
    });

    it('lists publications and drops one, its bytes with it', async () => {
      const store = await make();
      expect(await store.publications()).toEqual([]);
      for (const text of ['one', 'two']) {
        await store.stage(text, streamOf(text));
        await store.promote({ copyId: text, sha256: sha256(text), bytes: 3 });
      }
      await store.moveCurrent(pointerOf(sha256('two')), undefined);
      await store.stage('copy-3', streamOf('staged'));
      const listed = await store.publications();
      expect(listed.map((one) => one.sha256).toSorted()).toEqual([sha256('one'), sha256('two')].toSorted());
      for (const { storedAt } of listed) expect(storedAt).toBeGreaterThanOrEqual(0);
      await store.dropPublication(sha256('one'));
      await store.dropPublication(sha256('one'));
      expect(await store.has(sha256('one'))).toBe(false);
      expect((await store.publications()).map((one) => one.sha256)).toEqual([sha256('two')]);
      expect((await store.current())?.pointer.sha256).toBe(sha256('two'));
    });

    it('passes on the failure of the stream and keeps nothing', async () => {
      const store = await make();
      const failure = new Error('the body broke off');
      await expect(store.stage('copy-1', streamOf(bytes, 3, failure))).rejects.toBe(failure);
      expect(await store.stagedBytes('copy-1')).toBeUndefined();
    });

    it('uploads in parts, in any order, and says which are there to whoever goes on', async () => {
      const store = await make();
      const large = Buffer.alloc(2 * uploadPartBytes + 5, 'parts of an index ');
      const part = (number: number) => large.subarray((number - 1) * uploadPartBytes, number * uploadPartBytes);
      const uploadId = await store.beginUpload('copy-1');
      const upload = store.upload('copy-1', uploadId);
      expect(await upload.parts()).toEqual(new Map());
      await upload.put(3, part(3));
      await upload.put(1, Buffer.from('sent again, and the later one counts'));
      await upload.put(1, part(1));
      const other = store.upload('copy-1', uploadId);
      expect(await other.parts()).toEqual(
        new Map([
          [1, uploadPartBytes],
          [3, 5],
        ]),
      );
      const whole = { parts: 3, length: large.byteLength };
      await expect(other.complete(whole)).rejects.toMatchObject({ name: 'StoreError', code: 'conflict' });
      await other.put(2, part(2));
      await expect(other.complete({ ...whole, length: 7 })).rejects.toMatchObject({ code: 'conflict' });
      expect(await store.stagedBytes('copy-1')).toBeUndefined();
      await other.complete(whole);
      expect(await upload.parts()).toBeUndefined();
      expect((await readAll(await store.openStaged('copy-1'))).equals(large)).toBe(true);
    });

    it('forgets an upload that is aborted, and no other', async () => {
      const store = await make();
      const aborted = store.upload('copy-1', await store.beginUpload('copy-1'));
      const kept = store.upload('copy-2', await store.beginUpload('copy-2'));
      for (const upload of [aborted, kept]) await upload.put(1, bytes);
      await aborted.abort();
      await aborted.abort();
      expect(await aborted.parts()).toBeUndefined();
      await expect(aborted.put(2, bytes)).rejects.toThrow();
      await kept.complete({ parts: 1, length: 8 });
      await kept.abort();
      expect(await readAll(await store.openStaged('copy-2'))).toEqual(bytes);
    });

    it('has no pointer at first; then moves it only from what was read', async () => {
      const store = await make();
      expect(await store.current()).toBeUndefined();
      await store.moveCurrent(pointerOf(digest), undefined);
      const first = await store.current();
      expect(first?.pointer).toEqual(pointerOf(digest));
      await expect(store.moveCurrent(pointerOf(sha256('x')), undefined)).rejects.toMatchObject({ code: 'conflict' });
      await store.moveCurrent(pointerOf(sha256('two')), first?.tag);
      await expect(store.moveCurrent(pointerOf(sha256('x')), first?.tag)).rejects.toMatchObject({ code: 'conflict' });
      expect((await store.current())?.pointer).toEqual(pointerOf(sha256('two')));
    });
  });
}

/** What every CatalogStore does. */
export function catalogStoreContract(name: string, make: () => Promise<CatalogStore>): void {
  describe(`${name} keeps catalogues`, () => {
    catalogFactsContract(make);

    it('gives a snapshot back as it was, also after a repetition', async () => {
      const store = await make();
      const catalog = catalogOf([unit(1), unit(2, { severity: 'Critical', supersededBy: [1] })]);
      expect(await store.getSnapshot(sha256('index'))).toBeUndefined();
      await store.putSnapshot(sha256('index'), catalog);
      await store.putSnapshot(sha256('index'), catalog);
      expect(plainCatalog(await store.getSnapshot(sha256('index')))).toEqual(catalog);
    });

    it('keeps no snapshot that could not be read back', async () => {
      const store = await make();
      const broken = catalogOf([unit(1, { updateId: 'NOT A GUID' })]);
      await expect(store.putSnapshot(sha256('index'), broken)).rejects.toThrow();
      expect(await store.getSnapshot(sha256('index'))).toBeUndefined();
    });
  });
}

/** What every SyncJournal does. */
export function syncJournalContract(name: string, make: () => Promise<SyncJournal>): void {
  describe(`${name} keeps the journal`, () => {
    it('remembers one refusal until it is cleared', async () => {
      const journal = await make();
      expect(await journal.refusal()).toBeUndefined();
      await journal.clearRefusal();
      await journal.putRefusal({ at: at(0), reason: 'no FileLocations', etag: '"one"' });
      const second = { at: at(1), sha256: sha256('x'), lastModified: 'Tue, 14 Jul 2026 17:00:00 GMT', reason: 'empty' };
      await journal.putRefusal(second);
      expect(await journal.refusal()).toEqual(second);
      await journal.clearRefusal();
      expect(await journal.refusal()).toBeUndefined();
    });

    it('remembers runs, and never forgets an end', async () => {
      const journal = await make();
      const started = { version: 1, runId: 'run-1', state: 'started', startedAt: at(0) } as const;
      const underway = { ...started, progress: { phase: 'copying', bytes: 3, of: 7, at: at(2) } } as const;
      const ended = {
        ...started,
        state: 'ended',
        endedAt: at(5),
        result: { outcome: 'unchanged', sha256: sha256('index') },
      } as const;
      expect(await journal.run('run-1')).toBeUndefined();
      await journal.putRun(started);
      expect(await journal.run('run-1')).toEqual(started);
      await journal.putRun(underway);
      expect(await journal.run('run-1')).toEqual(underway);
      await journal.putRun(ended);
      await journal.putRun(started);
      await journal.putRun({ ...ended, result: { outcome: 'failed', reason: 'a second end' } });
      expect(await journal.run('run-1')).toEqual(ended);
      expect(await journal.run('run-2')).toBeUndefined();
    });

    it('has one copy under way, which goes on only from the state that was read', async () => {
      const journal = await make();
      const copying: IndexCopy = {
        version: 1,
        revision: 1,
        copyId: 'copy-1',
        url: 'http://download.windowsupdate.com/wsusscn2.cab',
        etag: '"one"',
        lastModified: 'Tue, 14 Jul 2026 17:00:00 GMT',
        length: 1_300_000_000,
        startedAt: at(0),
        runIds: ['run-1'],
        continuations: 0,
        state: 'copying',
        uploadId: 'upload',
        partBytes: 16_777_216,
      };
      const { uploadId: _, partBytes: __, ...rest } = copying;
      const copied: IndexCopy = { ...rest, state: 'copied', readings: 0, revision: 2 };
      const conflict = { name: 'StoreError', code: 'conflict' };
      expect(await journal.copy()).toBeUndefined();
      await expect(journal.putCopy(copying, 1)).rejects.toMatchObject(conflict);
      await expect(journal.clearCopy(1)).rejects.toMatchObject(conflict);
      await journal.putCopy(copying, undefined);
      expect(await journal.copy()).toEqual(copying);
      await expect(journal.putCopy({ ...copying, copyId: 'copy-2' }, undefined)).rejects.toMatchObject(conflict);
      await journal.putCopy(copied, 1);
      await expect(journal.putCopy({ ...copied, revision: 2 }, 1)).rejects.toMatchObject(conflict);
      await expect(journal.clearCopy(1)).rejects.toMatchObject(conflict);
      expect(await journal.copy()).toEqual(copied);
      await journal.clearCopy(2);
      expect(await journal.copy()).toBeUndefined();
    });

    it('remembers one unfinished publication until it is cleared', async () => {
      const journal = await make();
      expect(await journal.unfinished()).toBeUndefined();
      await journal.clearUnfinished();
      const unfinished = { version: 1, copyId: 'copy-1', sha256: sha256('x'), at: at(0) } as const;
      await journal.putUnfinished(unfinished);
      await journal.putUnfinished({ ...unfinished, copyId: 'copy-2' });
      expect(await journal.unfinished()).toEqual({ ...unfinished, copyId: 'copy-2' });
      await journal.clearUnfinished();
      expect(await journal.unfinished()).toBeUndefined();
    });
  });
}
