/** Queues with their attributes and tags. */
import * as z from 'zod/mini';
import type { Database, Row } from '../database.ts';
import type { Attributes } from './attributes.ts';

export const QUEUE_TABLES = `
  CREATE TABLE IF NOT EXISTS queues (
    name TEXT PRIMARY KEY, created_ms INTEGER NOT NULL, modified_ms INTEGER NOT NULL, attributes TEXT NOT NULL,
    tags TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
`;

const queueRow = z.object({
  name: z.string(),
  created_ms: z.number(),
  modified_ms: z.number(),
  attributes: z.string(),
  tags: z.string(),
});
const textMap = z.record(z.string(), z.string());

export interface Queue {
  readonly name: string;
  readonly createdMs: number;
  readonly modifiedMs: number;
  readonly attributes: Attributes;
  readonly tags: Readonly<Record<string, string>>;
}

export class QueueStore {
  readonly #db: Database;
  readonly #nowMs: () => number;

  constructor(db: Database, nowMs: () => number) {
    this.#db = db;
    this.#nowMs = nowMs;
  }

  queue(name: string): Queue | undefined {
    const row = this.#db.get('SELECT * FROM queues WHERE name = ?', name);
    return row && readQueue(row);
  }

  /** Ordered by name. */
  queues(): readonly Queue[] {
    return this.#db.all('SELECT * FROM queues ORDER BY name').map(readQueue);
  }

  createQueue(name: string, attributes: Attributes, tags: Readonly<Record<string, string>>): void {
    const now = this.#nowMs();
    this.#db.run(
      'INSERT INTO queues VALUES (?, ?, ?, ?, ?)',
      name,
      now,
      now,
      JSON.stringify(attributes),
      JSON.stringify(tags),
    );
  }

  deleteQueue(name: string): void {
    this.#db.run('DELETE FROM queues WHERE name = ?', name);
  }

  putAttributes(name: string, attributes: Attributes): void {
    const text = JSON.stringify(attributes);
    this.#db.run('UPDATE queues SET attributes = ?, modified_ms = ? WHERE name = ?', text, this.#nowMs(), name);
  }

  putTags(name: string, tags: Readonly<Record<string, string>>): void {
    this.#db.run('UPDATE queues SET tags = ? WHERE name = ?', JSON.stringify(tags), name);
  }
}

function readQueue(row: Row): Queue {
  const { name, created_ms: createdMs, modified_ms: modifiedMs, attributes, tags } = z.parse(queueRow, row);
  return {
    name,
    createdMs,
    modifiedMs,
    attributes: z.parse(textMap, JSON.parse(attributes)),
    tags: z.parse(textMap, JSON.parse(tags)),
  };
}
