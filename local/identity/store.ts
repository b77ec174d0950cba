/** What the provider remembers, in one SQLite file: sessions, codes, grants and refresh tokens outlive a restart. */
import type { Adapter, AdapterFactory, AdapterPayload } from 'oidc-provider';
import * as z from 'zod/mini';
import { Database, type Row } from '../servers/database.ts';

const schema = `
  CREATE TABLE IF NOT EXISTS entries (
    model TEXT NOT NULL,
    id TEXT NOT NULL,
    payload TEXT NOT NULL,
    grant_id TEXT,
    uid TEXT,
    user_code TEXT,
    expires_ms INTEGER,
    PRIMARY KEY (model, id)
  ) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS entries_by_grant ON entries (grant_id);
  CREATE INDEX IF NOT EXISTS entries_by_uid ON entries (model, uid);
`;

const payloadOf = z.record(z.string(), z.unknown());

export interface IdentityStore {
  readonly adapter: AdapterFactory;
  close(): void;
}

/** @param now milliseconds since 1970 */
export function openIdentityStore(file: string, now: () => number): IdentityStore {
  const database = new Database(file, schema);
  database.run('DELETE FROM entries WHERE expires_ms <= ?', now());

  const read = (row: Row | undefined): AdapterPayload | undefined => {
    if (row === undefined) return undefined;
    if (row.expires_ms !== null && Number(row.expires_ms) <= now()) return undefined;
    return payloadOf.parse(JSON.parse(String(row.payload)));
  };

  const adapterOf = (model: string): Adapter => ({
    async upsert(id, payload, expiresIn) {
      database.run(
        'INSERT OR REPLACE INTO entries (model, id, payload, grant_id, uid, user_code, expires_ms) VALUES (?, ?, ?, ?, ?, ?, ?)',
        model,
        id,
        JSON.stringify(payload),
        payload.grantId ?? null,
        payload.uid ?? null,
        payload.userCode ?? null,
        expiresIn === undefined ? null : now() + expiresIn * 1000,
      );
    },
    find: async (id) => read(database.get('SELECT * FROM entries WHERE model = ? AND id = ?', model, id)),
    findByUid: async (uid) => read(database.get('SELECT * FROM entries WHERE model = ? AND uid = ?', model, uid)),
    findByUserCode: async (code) =>
      read(database.get('SELECT * FROM entries WHERE model = ? AND user_code = ?', model, code)),
    async consume(id) {
      const consumed = Math.floor(now() / 1000);
      database.run(
        "UPDATE entries SET payload = json_set(payload, '$.consumed', ?) WHERE model = ? AND id = ?",
        consumed,
        model,
        id,
      );
    },
    async destroy(id) {
      database.run('DELETE FROM entries WHERE model = ? AND id = ?', model, id);
    },
    async revokeByGrantId(grantId) {
      database.run('DELETE FROM entries WHERE grant_id = ?', grantId);
    },
  });
  return { adapter: adapterOf, close: () => database.close() };
}
