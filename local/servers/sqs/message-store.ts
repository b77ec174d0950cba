/**
 * Messages of all queues. Times are compared with the clock that is given, so that visibility and delays can run faster
 * than life.
 */
import { randomUUID } from 'node:crypto';
import * as z from 'zod/mini';
import type { Database } from '../database.ts';
import { parseRedrivePolicy } from './attributes.ts';
import type { MessageAttributes, Receipt } from './messages.ts';
import { messageAttributesSchema } from './messages.ts';
import type { Queue, QueueStore } from './queue-store.ts';

/** "Any message with the same deduplication id within the five-minute interval is accepted but not delivered." */
const DEDUPLICATION_MS = 5 * 60 * 1000;

export const MESSAGE_TABLES = `
  CREATE TABLE IF NOT EXISTS messages (
    row INTEGER PRIMARY KEY AUTOINCREMENT, queue TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL,
    attributes TEXT NOT NULL, trace_header TEXT, sender TEXT NOT NULL, sent_ms INTEGER NOT NULL,
    visible_ms INTEGER NOT NULL, receives INTEGER NOT NULL, first_received_ms INTEGER, token TEXT,
    group_id TEXT, deduplication_id TEXT
  ) STRICT;
  CREATE INDEX IF NOT EXISTS messages_by_visibility ON messages (queue, visible_ms);
  CREATE TABLE IF NOT EXISTS deduplications (
    queue TEXT NOT NULL, scope TEXT NOT NULL, deduplication_id TEXT NOT NULL, message_id TEXT NOT NULL,
    row INTEGER NOT NULL, at_ms INTEGER NOT NULL, PRIMARY KEY (queue, scope, deduplication_id)
  ) STRICT, WITHOUT ROWID;
`;

const messageRow = z.object({
  row: z.number(),
  id: z.string(),
  body: z.string(),
  attributes: z.string(),
  trace_header: z.nullable(z.string()),
  sender: z.string(),
  sent_ms: z.number(),
  receives: z.number(),
  first_received_ms: z.nullable(z.number()),
  group_id: z.nullable(z.string()),
  deduplication_id: z.nullable(z.string()),
});

export interface NewMessage {
  readonly body: string;
  readonly attributes: MessageAttributes;
  readonly traceHeader: string | undefined;
  readonly sender: string;
  readonly delaySeconds: number;
  readonly groupId: string | undefined;
  readonly deduplicationId: string | undefined;
}

export interface Sent {
  readonly id: string;
  /** FIFO queues only. */
  readonly sequenceNumber: string | undefined;
}

export interface ReceivedMessage extends Receipt {
  readonly id: string;
  readonly body: string;
  readonly attributes: MessageAttributes;
  readonly traceHeader: string | undefined;
  readonly sender: string;
  readonly sentMs: number;
  readonly receives: number;
  readonly firstReceivedMs: number;
  readonly groupId: string | undefined;
  readonly deduplicationId: string | undefined;
}

export interface Counts {
  readonly visible: number;
  readonly inFlight: number;
  readonly delayed: number;
}

/** Sequence numbers have 20 digits and grow. */
export const sequenceNumber = (row: number) => String(row).padStart(20, '0');

export class MessageStore {
  readonly #db: Database;
  readonly #queues: QueueStore;
  readonly #nowMs: () => number;

  constructor(db: Database, queues: QueueStore, nowMs: () => number) {
    this.#db = db;
    this.#queues = queues;
    this.#nowMs = nowMs;
  }

  purge(queue: Queue): void {
    this.#db.run('DELETE FROM messages WHERE queue = ?', queue.name);
  }

  /** Deletes the queue with all that is in it. */
  deleteQueue(queue: Queue): void {
    this.#db.transaction(() => {
      this.purge(queue);
      this.#db.run('DELETE FROM deduplications WHERE queue = ?', queue.name);
      this.#queues.deleteQueue(queue.name);
    });
  }

  counts(queue: Queue): Counts {
    this.#dropExpired(queue);
    const now = this.#nowMs();
    const row = this.#db.get(
      `SELECT COUNT(*) FILTER (WHERE visible_ms <= ?) AS visible,
         COUNT(*) FILTER (WHERE visible_ms > ? AND token IS NOT NULL) AS inFlight,
         COUNT(*) FILTER (WHERE visible_ms > ? AND token IS NULL) AS delayed
       FROM messages WHERE queue = ?`,
      now,
      now,
      now,
      queue.name,
    );
    return z.parse(z.object({ visible: z.number(), inFlight: z.number(), delayed: z.number() }), row);
  }

  /** Puts messages into the queue, all or none; a duplicate within five minutes gets the answer of the first one. */
  send(queue: Queue, messages: readonly NewMessage[]): readonly Sent[] {
    return this.#db.transaction(() => messages.map((message) => this.#sendOne(queue, message)));
  }

  #sendOne(queue: Queue, message: NewMessage): Sent {
    const now = this.#nowMs();
    const fifo = queue.attributes.FifoQueue === 'true';
    const scope = queue.attributes.DeduplicationScope === 'messageGroup' ? (message.groupId ?? '') : '';
    if (fifo && message.deduplicationId !== undefined) {
      this.#db.run('DELETE FROM deduplications WHERE at_ms <= ?', now - DEDUPLICATION_MS);
      const row = this.#db.get(
        'SELECT message_id, row FROM deduplications WHERE queue = ? AND scope = ? AND deduplication_id = ?',
        queue.name,
        scope,
        message.deduplicationId,
      );
      if (row) {
        const first = z.parse(z.object({ message_id: z.string(), row: z.number() }), row);
        return { id: first.message_id, sequenceNumber: sequenceNumber(first.row) };
      }
    }
    const id = randomUUID();
    const { lastRow: row } = this.#db.run(
      `INSERT INTO messages (queue, id, body, attributes, trace_header, sender, sent_ms, visible_ms, receives, group_id,
         deduplication_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?)`,
      queue.name,
      id,
      message.body,
      JSON.stringify(message.attributes),
      message.traceHeader ?? null,
      message.sender,
      now,
      now + message.delaySeconds * 1000,
      message.groupId ?? null,
      message.deduplicationId ?? null,
    );
    if (!fifo || message.deduplicationId === undefined) return { id, sequenceNumber: undefined };
    this.#db.run(
      'INSERT INTO deduplications VALUES (?, ?, ?, ?, ?, ?)',
      queue.name,
      scope,
      message.deduplicationId,
      id,
      row,
      now,
    );
    return { id, sequenceNumber: sequenceNumber(row) };
  }

  /**
   * Hands out up to `limit` visible messages, in the order they were sent, and hides them. A message that was received
   * as often as the redrive policy allows goes to the dead-letter queue instead. In a FIFO queue a group waits while one
   * of its messages is out.
   */
  receive(queue: Queue, limit: number, visibilitySeconds: number): readonly ReceivedMessage[] {
    return this.#db.transaction(() => {
      this.#dropExpired(queue);
      const received: ReceivedMessage[] = [];
      while (received.length < limit) {
        const row = this.#nextVisible(queue, received);
        if (!row) break;
        if (this.#redrive(queue, row)) continue;
        received.push(this.#handOut(queue, row, visibilitySeconds));
      }
      return received;
    });
  }

  /** Hidden messages are not looked at again: with a visibility of zero seconds the same one would come for ever. */
  #nextVisible(queue: Queue, taken: readonly ReceivedMessage[]): z.infer<typeof messageRow> | undefined {
    const now = this.#nowMs();
    const skip = JSON.stringify(taken.map((message) => message.row));
    // A group is held by a message of it that is out or delayed before this one, unless this very call took it out.
    const heldGroup = `EXISTS (SELECT 1 FROM messages AS other WHERE other.queue = messages.queue
      AND other.group_id = messages.group_id AND other.visible_ms > ?
      AND (other.token IS NOT NULL OR other.row < messages.row) AND other.row NOT IN (SELECT value FROM json_each(?)))`;
    const row =
      queue.attributes.FifoQueue === 'true'
        ? this.#db.get(
            `SELECT * FROM messages WHERE queue = ? AND visible_ms <= ? AND row NOT IN (SELECT value FROM json_each(?))
               AND NOT ${heldGroup} ORDER BY row LIMIT 1`,
            queue.name,
            now,
            skip,
            now,
            skip,
          )
        : this.#db.get(
            `SELECT * FROM messages WHERE queue = ? AND visible_ms <= ? AND row NOT IN (SELECT value FROM json_each(?))
               ORDER BY row LIMIT 1`,
            queue.name,
            now,
            skip,
          );
    return row && z.parse(messageRow, row);
  }

  #redrive(queue: Queue, message: z.infer<typeof messageRow>): boolean {
    const policy = parseRedrivePolicy(queue.attributes.RedrivePolicy);
    if (!policy || message.receives < policy.maxReceiveCount) return false;
    const target = policy.deadLetterTargetArn.split(':').at(-1) ?? '';
    if (!this.#queues.queue(target)) return false;
    this.#db.run(
      'UPDATE messages SET queue = ?, token = NULL, visible_ms = ? WHERE row = ?',
      target,
      this.#nowMs(),
      message.row,
    );
    return true;
  }

  #handOut(queue: Queue, message: z.infer<typeof messageRow>, visibilitySeconds: number): ReceivedMessage {
    const now = this.#nowMs();
    const token = randomUUID();
    const receives = message.receives + 1;
    const firstReceivedMs = message.first_received_ms ?? now;
    this.#db.run(
      'UPDATE messages SET token = ?, visible_ms = ?, receives = ?, first_received_ms = ? WHERE row = ?',
      token,
      now + visibilitySeconds * 1000,
      receives,
      firstReceivedMs,
      message.row,
    );
    return {
      queue: queue.name,
      row: message.row,
      token,
      id: message.id,
      body: message.body,
      attributes: z.parse(messageAttributesSchema, JSON.parse(message.attributes)),
      traceHeader: message.trace_header ?? undefined,
      sender: message.sender,
      sentMs: message.sent_ms,
      receives,
      firstReceivedMs,
      groupId: message.group_id ?? undefined,
      deduplicationId: message.deduplication_id ?? undefined,
    };
  }

  /** Deletes by the newest receipt of a message; an older one deletes nothing. */
  delete({ queue, row, token }: Receipt): void {
    this.#db.run('DELETE FROM messages WHERE queue = ? AND row = ? AND token = ?', queue, row, token);
  }

  /** Hides a message for so long from now, or shows it at once. False when it is not out under this receipt. */
  changeVisibility({ queue, row, token }: Receipt, seconds: number): boolean {
    const now = this.#nowMs();
    const { changes } = this.#db.run(
      'UPDATE messages SET visible_ms = ? WHERE queue = ? AND row = ? AND token = ? AND visible_ms > ?',
      now + seconds * 1000,
      queue,
      row,
      token,
      now,
    );
    return changes > 0;
  }

  /** Messages live from when they were sent, also in the dead-letter queue, for as long as the queue keeps them. */
  #dropExpired(queue: Queue): void {
    const keptMs = Number(queue.attributes.MessageRetentionPeriod) * 1000;
    this.#db.run('DELETE FROM messages WHERE queue = ? AND sent_ms <= ?', queue.name, this.#nowMs() - keptMs);
  }
}
