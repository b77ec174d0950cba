import { describe, expect, it } from 'vitest';
import { at, catalogOf, fileOf, pointerOf, readAll, sha1, sha256, streamOf, unit } from '#test/kit/values.ts';
import type { CatalogStore, IndexStore, SyncJournal } from './port.ts';

/** What every IndexStore does. `make` gives an empty one. */
export function indexStoreContract(name: string, make: () => Promise<IndexStore>): void {
  describe(`${name} keeps indexes`, () => {
    const bytes = Buffer.from('an index');
    const digest = sha256(bytes);

    it('stages, promotes and opens bytes; staged ones are not there yet', async () => {
      const store = await make();
      const staged = await store.stage('run-1', streamOf(bytes, 3));
      expect(staged).toEqual({ runId: 'run-1', sha256: digest, bytes: 8 });
      expect(await store.has(digest)).toBe(false);
      await expect(store.open(digest)).rejects.toMatchObject({ name: 'StoreError', code: 'not-found' });
      await store.promote(staged);
      expect(await store.has(digest)).toBe(true);
      expect(await readAll(await store.open(digest))).toEqual(bytes);
    });

    it('drops staged bytes without touching the promoted ones', async () => {
      const store = await make();
      await store.promote(await store.stage('run-1', streamOf(bytes)));
      await store.drop(await store.stage('run-2', streamOf(bytes)));
      expect(await readAll(await store.open(digest))).toEqual(bytes);
      const other = await store.stage('run-3', streamOf('another'));
      await store.drop(other);
      expect(await store.has(other.sha256)).toBe(false);
      await expect(store.promote(other)).rejects.toMatchObject({ code: 'not-found' });
    });

    it('passes on the failure of the stream and keeps nothing', async () => {
      const store = await make();
      const failure = new Error('the body broke off');
      await expect(store.stage('run-1', streamOf(bytes, 3, failure))).rejects.toBe(failure);
      await expect(store.promote({ runId: 'run-1', sha256: digest, bytes: 8 })).rejects.toMatchObject({
        code: 'not-found',
      });
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
    it('finds facts by digest, and leaves out what no publication named', async () => {
      const store = await make();
      const files = Array.from({ length: 230 }, (_, n) => fileOf(sha1(`file ${n}`)));
      const bare = { sha1: sha1('bare') };
      await store.putFileFacts([...files, bare]);
      const asked = [...files.map((file) => file.sha1), bare.sha1, bare.sha1, sha1('unknown')];
      const facts = await store.fileFacts(asked);
      expect(facts.size).toBe(231);
      for (const file of files) expect(facts.get(file.sha1)).toEqual(file);
      expect(facts.get(bare.sha1)).toEqual(bare);
      expect(await store.fileFacts([])).toEqual(new Map());
    });

    it('replaces facts', async () => {
      const store = await make();
      const file = fileOf(sha1('moved'));
      await store.putFileFacts([file]);
      const moved = { ...file, url: 'http://dl.delivery.mp.microsoft.com/elsewhere' };
      await store.putFileFacts([moved]);
      expect((await store.fileFacts([file.sha1])).get(file.sha1)).toEqual(moved);
    });

    it('gives a snapshot back as it was, also after a repetition', async () => {
      const store = await make();
      const catalog = catalogOf([unit(1), unit(2, { severity: 'Critical', supersededBy: [1] })]);
      expect(await store.getSnapshot(sha256('index'))).toBeUndefined();
      await store.putSnapshot(sha256('index'), catalog);
      await store.putSnapshot(sha256('index'), catalog);
      expect(await store.getSnapshot(sha256('index'))).toEqual(catalog);
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

    it('remembers runs, and never forgets an end for a start', async () => {
      const journal = await make();
      const started = { version: 1, runId: 'run-1', state: 'started', startedAt: at(0) } as const;
      const ended = {
        ...started,
        state: 'ended',
        endedAt: at(5),
        result: { outcome: 'unchanged', sha256: sha256('index') },
      } as const;
      expect(await journal.run('run-1')).toBeUndefined();
      await journal.putRun(started);
      expect(await journal.run('run-1')).toEqual(started);
      await journal.putRun(ended);
      await journal.putRun(started);
      expect(await journal.run('run-1')).toEqual(ended);
      expect(await journal.run('run-2')).toBeUndefined();
    });
  });
}
