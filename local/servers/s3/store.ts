/**
 * Buckets, objects and uploads in one SQLite file. A write is on the disk when the call returns, and each change is one
 * transaction, so that a killed server leaves either the old state or the new one. Keys are kept as their UTF-8 bytes:
 * S3 lists them in that order.
 */
import { join } from 'node:path';
import * as z from 'zod/mini';
import type { Row } from '../database.ts';
import { Database } from '../database.ts';
import type { BucketDocument, StoredBucket, StoredObject, StoredPart, StoredUpload } from './records.ts';
import { objectDetailsSchema, partDetailsSchema, uploadDetailsSchema } from './records.ts';

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS buckets (name TEXT PRIMARY KEY, created_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS documents (
    bucket TEXT NOT NULL, kind TEXT NOT NULL, document TEXT NOT NULL, PRIMARY KEY (bucket, kind)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS objects (
    bucket TEXT NOT NULL, key BLOB NOT NULL, size INTEGER NOT NULL, etag TEXT NOT NULL, modified_ms INTEGER NOT NULL,
    details TEXT NOT NULL, PRIMARY KEY (bucket, key)
  ) STRICT;
  CREATE TABLE IF NOT EXISTS uploads (
    id TEXT PRIMARY KEY, bucket TEXT NOT NULL, key BLOB NOT NULL, initiated_ms INTEGER NOT NULL, details TEXT NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS uploads_by_key ON uploads (bucket, key, id);
  CREATE TABLE IF NOT EXISTS parts (
    upload_id TEXT NOT NULL, number INTEGER NOT NULL, size INTEGER NOT NULL, etag TEXT NOT NULL,
    modified_ms INTEGER NOT NULL, details TEXT NOT NULL, PRIMARY KEY (upload_id, number)
  ) STRICT;
  CREATE TABLE IF NOT EXISTS events (
    id INTEGER PRIMARY KEY AUTOINCREMENT, target TEXT NOT NULL, body TEXT NOT NULL
  ) STRICT;
`;

const keyBytes = (key: string) => Buffer.from(key, 'utf8');

const objectRow = z.object({
  bucket: z.string(),
  key: z.instanceof(Uint8Array),
  size: z.number(),
  etag: z.string(),
  modified_ms: z.number(),
  details: z.string(),
});
const uploadRow = z.object({
  id: z.string(),
  bucket: z.string(),
  key: z.instanceof(Uint8Array),
  initiated_ms: z.number(),
  details: z.string(),
});
const partRow = z.object({
  number: z.number(),
  size: z.number(),
  etag: z.string(),
  modified_ms: z.number(),
  details: z.string(),
});

function readObject(row: Row): StoredObject {
  const { bucket, key, size, etag, modified_ms: modifiedMs, details } = z.parse(objectRow, row);
  return { ...z.parse(objectDetailsSchema, JSON.parse(details)), bucket, key: textOfKey(key), size, etag, modifiedMs };
}

function readUpload(row: Row): StoredUpload {
  const { id, bucket, key, initiated_ms: initiatedMs, details } = z.parse(uploadRow, row);
  return { ...z.parse(uploadDetailsSchema, JSON.parse(details)), id, bucket, key: textOfKey(key), initiatedMs };
}

function readPart(row: Row): StoredPart {
  const { number, size, etag, modified_ms: modifiedMs, details } = z.parse(partRow, row);
  return { ...z.parse(partDetailsSchema, JSON.parse(details)), number, size, etag, modifiedMs };
}

function textOfKey(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('utf8');
}

/** An event for a queue, waiting to be sent. */
export interface PendingEvent {
  readonly id: number;
  /** ARN of the queue. */
  readonly target: string;
  readonly body: string;
}

export class Store {
  readonly #db: Database;

  constructor(dataDir: string) {
    this.#db = new Database(join(dataDir, 's3.sqlite'), SCHEMA);
  }

  close(): void {
    this.#db.close();
  }

  /** Runs synchronous work so that all of it or nothing happens. */
  transaction<T>(work: () => T): T {
    return this.#db.transaction(work);
  }

  /** False when the bucket was there already. */
  createBucket(name: string, createdMs: number): boolean {
    return this.#db.run('INSERT OR IGNORE INTO buckets VALUES (?, ?)', name, createdMs).changes > 0;
  }

  hasBucket(name: string): boolean {
    return this.#db.get('SELECT 1 FROM buckets WHERE name = ?', name) !== undefined;
  }

  buckets(): readonly StoredBucket[] {
    const row = z.object({ name: z.string(), created_ms: z.number() });
    return this.#db
      .all('SELECT * FROM buckets ORDER BY name')
      .map((one) => z.parse(row, one))
      .map(({ name, created_ms: createdMs }) => ({ name, createdMs }));
  }

  /** False when the bucket still holds objects; uploads under way go with it. */
  deleteBucket(name: string): boolean {
    if (this.#db.get('SELECT 1 FROM objects WHERE bucket = ? LIMIT 1', name)) return false;
    this.#db.run('DELETE FROM documents WHERE bucket = ?', name);
    this.#db.run('DELETE FROM buckets WHERE name = ?', name);
    return true;
  }

  document(bucket: string, kind: BucketDocument): string | undefined {
    const row = this.#db.get('SELECT document FROM documents WHERE bucket = ? AND kind = ?', bucket, kind);
    return row === undefined ? undefined : z.parse(z.object({ document: z.string() }), row).document;
  }

  putDocument(bucket: string, kind: BucketDocument, document: string): void {
    this.#db.run('INSERT OR REPLACE INTO documents VALUES (?, ?, ?)', bucket, kind, document);
  }

  deleteDocument(bucket: string, kind: BucketDocument): void {
    this.#db.run('DELETE FROM documents WHERE bucket = ? AND kind = ?', bucket, kind);
  }

  object(bucket: string, key: string): StoredObject | undefined {
    const row = this.#db.get('SELECT * FROM objects WHERE bucket = ? AND key = ?', bucket, keyBytes(key));
    return row === undefined ? undefined : readObject(row);
  }

  putObject(object: StoredObject): void {
    const { bucket, key, size, etag, modifiedMs, ...details } = object;
    this.#db.run(
      'INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?, ?, ?)',
      bucket,
      keyBytes(key),
      size,
      etag,
      modifiedMs,
      JSON.stringify(details),
    );
  }

  deleteObject(bucket: string, key: string): void {
    this.#db.run('DELETE FROM objects WHERE bucket = ? AND key = ?', bucket, keyBytes(key));
  }

  /** Objects in the order of their keys, from `from` (counted in) to before `to` (undefined: to the end). */
  objects(bucket: string, from: Uint8Array, to: Uint8Array | undefined, limit: number): readonly StoredObject[] {
    const rows =
      to === undefined
        ? this.#db.all('SELECT * FROM objects WHERE bucket = ? AND key >= ? ORDER BY key LIMIT ?', bucket, from, limit)
        : this.#db.all(
            'SELECT * FROM objects WHERE bucket = ? AND key >= ? AND key < ? ORDER BY key LIMIT ?',
            bucket,
            from,
            to,
            limit,
          );
    return rows.map(readObject);
  }

  createUpload(upload: StoredUpload): void {
    const { id, bucket, key, initiatedMs, ...details } = upload;
    this.#db.run(
      'INSERT INTO uploads VALUES (?, ?, ?, ?, ?)',
      id,
      bucket,
      keyBytes(key),
      initiatedMs,
      JSON.stringify(details),
    );
  }

  upload(id: string): StoredUpload | undefined {
    const row = this.#db.get('SELECT * FROM uploads WHERE id = ?', id);
    return row === undefined ? undefined : readUpload(row);
  }

  /** Uploads of a bucket ordered by key, then by when they began. */
  uploads(bucket: string): readonly StoredUpload[] {
    return this.#db
      .all('SELECT * FROM uploads WHERE bucket = ? ORDER BY key, initiated_ms, id', bucket)
      .map(readUpload);
  }

  deleteUpload(id: string): void {
    this.#db.run('DELETE FROM parts WHERE upload_id = ?', id);
    this.#db.run('DELETE FROM uploads WHERE id = ?', id);
  }

  part(uploadId: string, number: number): StoredPart | undefined {
    const row = this.#db.get('SELECT * FROM parts WHERE upload_id = ? AND number = ?', uploadId, number);
    return row === undefined ? undefined : readPart(row);
  }

  parts(uploadId: string): readonly StoredPart[] {
    return this.#db.all('SELECT * FROM parts WHERE upload_id = ? ORDER BY number', uploadId).map(readPart);
  }

  putPart(uploadId: string, part: StoredPart): void {
    const { number, size, etag, modifiedMs, ...details } = part;
    this.#db.run(
      'INSERT OR REPLACE INTO parts VALUES (?, ?, ?, ?, ?, ?)',
      uploadId,
      number,
      size,
      etag,
      modifiedMs,
      JSON.stringify(details),
    );
  }

  addEvent(target: string, body: string): void {
    this.#db.run('INSERT INTO events (target, body) VALUES (?, ?)', target, body);
  }

  events(limit: number): readonly PendingEvent[] {
    const row = z.object({ id: z.number(), target: z.string(), body: z.string() });
    return this.#db.all('SELECT * FROM events ORDER BY id LIMIT ?', limit).map((one) => z.parse(row, one));
  }

  deleteEvent(id: number): void {
    this.#db.run('DELETE FROM events WHERE id = ?', id);
  }

  /** Names of all blobs that objects and parts consist of. */
  namedBlobs(): ReadonlySet<string> {
    const names = new Set<string>();
    for (const row of this.#db.iterate('SELECT details FROM objects')) {
      const { segments } = z.parse(objectDetailsSchema, JSON.parse(String(row.details)));
      for (const { blob } of segments) names.add(blob);
    }
    for (const row of this.#db.iterate('SELECT details FROM parts')) {
      names.add(z.parse(partDetailsSchema, JSON.parse(String(row.details))).blob);
    }
    return names;
  }
}
