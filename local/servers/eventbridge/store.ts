import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import * as z from 'zod/mini';
import type { StackEvent } from '../../types.ts';
import { Database } from '../database.ts';

const schema = `
  CREATE TABLE IF NOT EXISTS buses (name TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS events (
    row INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, bus TEXT NOT NULL, time TEXT NOT NULL,
    source TEXT NOT NULL, detail_type TEXT NOT NULL, detail TEXT NOT NULL
  ) STRICT;
`;

const eventRow = z.object({
  id: z.string(),
  bus: z.string(),
  time: z.string(),
  source: z.string(),
  detail_type: z.string(),
  detail: z.string(),
});

/** Buses, and the last events on each of them. */
export class EventStore {
  readonly #db: Database;
  readonly #keep: number;

  /** @param keep how many events are kept of each bus; older ones are forgotten */
  constructor(dataDir: string, keep: number) {
    this.#db = new Database(join(dataDir, 'events.sqlite'), schema);
    this.#keep = keep;
  }

  /** @returns false when there is such a bus */
  addBus(name: string): boolean {
    return this.#db.run('INSERT INTO buses (name) VALUES (?) ON CONFLICT DO NOTHING', name).changes > 0;
  }

  hasBus(name: string): boolean {
    return this.#db.get('SELECT name FROM buses WHERE name = ?', name) !== undefined;
  }

  /** @param detail JSON. @returns its id */
  add(event: Omit<StackEvent, 'id' | 'detail'> & { readonly detail: string }): string {
    const id = randomUUID();
    const { bus, time, source, detailType, detail } = event;
    this.#db.transaction(() => {
      this.#db.run(
        'INSERT INTO events (id, bus, time, source, detail_type, detail) VALUES (?, ?, ?, ?, ?, ?)',
        id,
        bus,
        time,
        source,
        detailType,
        detail,
      );
      this.#db.run(
        'DELETE FROM events WHERE bus = ? AND row <= (SELECT row FROM events WHERE bus = ? ORDER BY row DESC LIMIT 1 OFFSET ?)',
        bus,
        bus,
        this.#keep,
      );
    });
    return id;
  }

  /** Of all buses, the oldest first. */
  events(): readonly StackEvent[] {
    return this.#db.all('SELECT * FROM events ORDER BY row').map((row) => {
      const { detail_type: detailType, detail, ...rest } = eventRow.parse(row);
      return { ...rest, detailType, detail: JSON.parse(detail) as unknown };
    });
  }

  close(): void {
    this.#db.close();
  }
}
