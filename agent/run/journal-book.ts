import * as z from 'zod/mini';
import { emptyJournal, type Journal, keepStored } from '../core/journal.ts';
import type { Documents } from '../ports/documents.ts';
import type { FileStore } from '../ports/file-store.ts';
import { journalDocument } from './documents.ts';

/** The journal while a cycle runs: each change is on the disk before the next thing happens. */
export interface JournalBook {
  readonly current: Journal;
  change(next: (journal: Journal) => Journal): Promise<void>;
}

/** Opens the journal; a damaged one is set aside by the documents' adapter and an empty one takes its place. */
export async function openJournal(documents: Documents): Promise<JournalBook> {
  let journal: Journal = (await documents.read('journal', (value) => z.parse(journalDocument, value))) ?? emptyJournal;
  return {
    get current() {
      return journal;
    },
    async change(next) {
      const changed = next(journal);
      if (JSON.stringify(changed) === JSON.stringify(journal)) return;
      await documents.write('journal', changed);
      journal = changed;
    },
  };
}

/** Drops from the journal what it says is stored and is not there whole. */
export async function forgetMissing(journal: JournalBook, files: FileStore): Promise<void> {
  const onDisk = (await files.list('payload')).flatMap(({ slot, whole }) =>
    slot.kind === 'payload' && whole ? [slot.sha1] : [],
  );
  await journal.change((before) => keepStored(before, new Set(onDisk)));
}
