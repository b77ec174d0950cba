import type { AllowedAccess, StackLogLine } from '#local/types.ts';

/** What one stretch of a run used, as AWS would count it. */
export interface Used {
  /** Items read and written by the agents' function, by table and action, for instance `Hosts GetItem`. */
  readonly items: ReadonlyMap<string, number>;
  readonly s3: number;
  readonly events: number;
  readonly secrets: number;
  /** Invocations of the agents' function, and what they took together. */
  readonly invocations: number;
  readonly milliseconds: number;
  /** Lines that it logged. */
  readonly logBytes: number;
}

const actionsThatRead = new Set(['GetItem', 'BatchGetItem', 'Query', 'Scan']);

/** Listens to the stack and adds up what the agents' function does. */
export class Ledger {
  #items = new Map<string, number>();
  #s3 = 0;
  #events = 0;
  #secrets = 0;
  #invocations = 0;
  #milliseconds = 0;
  #logBytes = 0;

  readonly onAccess = ({ caller, action, resource }: AllowedAccess): void => {
    const [service = '', name = ''] = action.split(':');
    if (!/ServeAgents/.test(caller)) return;
    if (service === 's3') this.#s3 += 1;
    else if (service === 'events') this.#events += 1;
    else if (service === 'secretsmanager') this.#secrets += 1;
    else if (service === 'dynamodb') {
      const key = `${tableOf(resource)} ${name}`;
      this.#items.set(key, (this.#items.get(key) ?? 0) + 1);
    }
  };

  readonly log = ({ source, message }: StackLogLine): void => {
    if (!/ServeAgents/.test(source)) return;
    const took = /^invoked, (\d+) ms$/.exec(message)?.[1];
    if (took === undefined) {
      this.#logBytes += Buffer.byteLength(message);
      return;
    }
    this.#invocations += 1;
    this.#milliseconds += Number(took);
  };

  /** What was used since the last reading. */
  read(): Used {
    const used = {
      items: this.#items,
      s3: this.#s3,
      events: this.#events,
      secrets: this.#secrets,
      invocations: this.#invocations,
      milliseconds: this.#milliseconds,
      logBytes: this.#logBytes,
    };
    this.#items = new Map();
    this.#s3 = this.#events = this.#secrets = this.#invocations = this.#milliseconds = this.#logBytes = 0;
    return used;
  }
}

/** `arn:aws:dynamodb:…:table/KBroker-HostsTable1A2B/index/x` → `Hosts`: names of the stack end in a digest. */
const tableOf = (arn: string): string => /table\/[A-Za-z]+-([A-Za-z]+?)Table/.exec(arn)?.[1] ?? arn;

export const readsOf = (used: Used, table?: string): number =>
  sum(used, (name, action) => actionsThatRead.has(action) && (table === undefined || table === name));

export const writesOf = (used: Used): number => sum(used, (_, action) => !actionsThatRead.has(action));

function sum(used: Used, counts: (table: string, action: string) => boolean): number {
  let total = 0;
  for (const [key, count] of used.items) {
    const [table = '', action = ''] = key.split(' ');
    if (counts(table, action)) total += count;
  }
  return total;
}
