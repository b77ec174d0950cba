import { type DynamoDBDocumentClient, ScanCommand, type ScanCommandOutput } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod/mini';
import { unitFacts, unitsOfKb } from '../../contract/catalog-facts.ts';
import { payloadFile } from '../../contract/payload-file.ts';
import {
  filesDiffering,
  kbsDiffering,
  kbsLost,
  mergeFile,
  mergeUnit,
  mergeUnitsOfKb,
  unitsDiffering,
} from '../../core/catalog/diff-facts.ts';
import type { Catalog } from '../../core/catalog/model.ts';
import { type StoredUnit, type UnitOfKb, unitFactsOf } from '../../core/catalog/unit-facts.ts';
import { decodeCursor, encodeCursor } from '../cursor.ts';
import {
  batchGet,
  batchPut,
  chunked,
  type Item,
  inParallel,
  roundsOf,
  type Sleep,
  unlessThrottled,
} from '../dynamodb/batches.ts';
import { parseAll, parseRows } from '../dynamodb/rows.ts';
import { catalogBinding } from './binding.ts';
import type { CatalogStore, FactsWritten, PutFactsOptions } from './port.ts';

const { partitionKey } = catalogBinding.table;

/** One row per payload file, under `file#<sha1>`. */
export const factsRow = z.extend(payloadFile, { version: z.literal(1) });
/**
 * One row per unit, under `update#<UpdateId>`: its newest revision. People speak of an update by its id, and a revision
 * takes the place of the one before; what that said is in the snapshots.
 *
 * Rows that were written before there was a `firstPublishedAt` have none, and the `createdAt` of their revision counts.
 * They are not written anew for that: read so, they compare as equal to what would be written.
 */
export const unitRow = z.extend(unitFacts, {
  version: z.literal(1),
  firstPublishedAt: z.exactOptional(unitFacts.shape.firstPublishedAt),
});
/**
 * One row per KB number, under `kb#<number>`. An index of the table could not hold a unit with two KBs, and would cost
 * a write more for each write of a unit; these rows cost one only where a KB gets or loses a unit.
 */
export const kbRow = z.extend(unitsOfKb, { version: z.literal(1), kb: z.string() });

const kinds = { files: 'file#', units: 'update#', kbs: 'kb#' } as const satisfies Record<keyof FactsWritten, string>;
type Kind = keyof typeof kinds;
const kindNames = ['files', 'units', 'kbs'] as const;

/** Keys in one call of BatchGetItem. */
const keysAtOnce = 100;
/** Such groups at a time; each makes up to four calls of BatchWriteItem. */
const groupsAtOnce = 4;
/** Parts in which a whole table is read at the same time. */
const segments = 4;

export interface FactsTable {
  readonly dynamodb: DynamoDBDocumentClient;
  readonly table: string;
  readonly sleep: Sleep;
  /** In [0, 1); spreads waits. @default Math.random */
  readonly random?: () => number;
}

type FactsMethod = 'fileFacts' | 'unitFacts' | 'unitsById' | 'unitsOfKb' | 'putFacts';

/** Facts of files and units as rows in DynamoDB. */
export function awsFacts(target: FactsTable): Pick<CatalogStore, FactsMethod> {
  const { dynamodb, table, sleep, random } = target;
  const get = (keys: Iterable<string>) => batchGet(dynamodb, table, partitionKey, keys, sleep, { random });

  return {
    async fileFacts(sha1s) {
      const items = await get([...new Set(sha1s)].map((sha1) => kinds.files + sha1));
      const rows = parseAll(factsRow, partitionKey, table, items);
      return new Map(rows.map(({ version: _, ...facts }) => [facts.sha1, facts]));
    },

    async unitFacts(updateId) {
      const items = await get([kinds.units + updateId]);
      return parseAll(unitRow, partitionKey, table, items).map(factsOf)[0];
    },

    async unitsById(updateIds) {
      const items = await get([...updateIds].map((updateId) => kinds.units + updateId));
      return readUnits(items);
    },

    async unitsOfKb(kb, { cursor, limit }) {
      const after = cursor === undefined ? undefined : decodeCursor(z.extend(position, { kb: z.literal(kb) }), cursor);
      const [row] = parseAll(kbRow, partitionKey, table, await get([kinds.kbs + kb]));
      const entries = row?.units ?? [];
      const left = after === undefined ? entries : entries.filter((entry) => comesAfter(entry, after));
      const page = left.slice(0, limit);
      const items = await get(page.map(({ updateId }) => kinds.units + updateId));
      const { units, unreadable } = readUnits(items);
      const last = page.at(-1);
      return {
        units: page.flatMap(({ updateId }) => units.get(updateId) ?? []),
        unreadable,
        total: row?.total ?? entries.length,
        ...(last !== undefined && left.length > limit && { next: encodeCursor({ kb, ...last }) }),
      };
    },

    putFacts: (catalog, options) => putFacts(target, catalog, options),
  };
}

/** A row as its facts. */
const factsOf = ({ version: _, ...facts }: z.output<typeof unitRow>): StoredUnit => ({
  ...facts,
  firstPublishedAt: facts.firstPublishedAt ?? facts.createdAt,
});

function readUnits(items: readonly Item[]): {
  readonly units: ReadonlyMap<string, StoredUnit>;
  readonly unreadable: readonly string[];
} {
  const { rows, unreadable } = parseRows(unitRow, partitionKey, items);
  return {
    units: new Map(rows.map((row) => [row.updateId, factsOf(row)])),
    unreadable: unreadable.map((key) => key.slice(kinds.units.length)),
  };
}

const position = z.object({ updateId: z.string(), createdAt: z.string() });

/** In the order of the row: the newest first, then by UpdateId. */
const comesAfter = (entry: UnitOfKb, other: UnitOfKb): boolean =>
  entry.createdAt < other.createdAt || (entry.createdAt === other.createdAt && entry.updateId > other.updateId);

type Row = Item & { readonly version: 1 };
/** A key without its kind, and the row that is there. */
type Found = readonly [id: string, item: Item | undefined];

async function putFacts(target: FactsTable, catalog: Catalog, options: PutFactsOptions): Promise<FactsWritten> {
  const { dynamodb, table, sleep, random } = target;
  const { previous, at, onProgress } = options;
  const later = unitFactsOf(catalog);
  const unitsByKb = later.byKb();
  const written = { files: 0, units: 0, kbs: 0 };
  /** KB numbers that units lost on the way. */
  const left = new Set<string>();

  /** What to write instead of the row that is there, if anything. */
  const replacement: Readonly<Record<Kind, (...found: Found) => Row | undefined>> = {
    files: (sha1, item) => {
      const said = catalog.files.get(sha1);
      return said && rowOf(factsRow, mergeFile(kept(payloadFile, item), said));
    },
    units: (updateId, item) => {
      const row = kept(unitRow, item);
      const before = row && factsOf(row);
      const merged = mergeUnit(before, later.get(updateId), at);
      for (const kb of kbsLost(before, merged)) left.add(kb);
      return rowOf(unitRow, merged);
    },
    kbs: (kb, item) => {
      const merged = mergeUnitsOfKb(kb, kept(unitsOfKb, item), unitsByKb.get(kb) ?? [], later);
      return merged && rowOf(kbRow, { kb, ...merged });
    },
  };
  const settle = async (kind: Kind, found: readonly Found[], signal: AbortSignal): Promise<void> => {
    const rows = found.flatMap(([id, item]) => {
      const row = replacement[kind](id, item);
      return row === undefined ? [] : [{ [partitionKey]: kinds[kind] + id, ...row }];
    });
    await batchPut(dynamodb, table, rows, sleep, { random, signal });
    written[kind] += rows.length;
    onProgress?.({ ...written });
  };

  if (previous !== undefined && options.compareWithTable !== true) {
    const earlier = unitFactsOf(previous);
    const differing: Readonly<Record<Kind, Iterable<string>>> = {
      files: filesDiffering(previous.files, catalog.files),
      units: unitsDiffering(earlier, later),
      kbs: kbsDiffering(earlier.byKb(), unitsByKb, left),
    };
    // Files come first and lists of units last, so that what a row names is there. Each kind is compared when the one
    // before it is settled: `left` is filled by then.
    for (const kind of kindNames)
      await inParallel(groupsAtOnce, chunked(differing[kind], keysAtOnce), async (ids, signal) => {
        const keys = ids.map((id) => kinds[kind] + id);
        const items = await batchGet(dynamodb, table, partitionKey, keys, sleep, { random, signal });
        const byKey = new Map(items.map((item) => [item[partitionKey], item]));
        const found = ids.map((id): Found => [id, byKey.get(kinds[kind] + id)]);
        await settle(kind, found, signal);
      });
    return written;
  }

  // Rows are settled in the order of the table here: for a moment, a list may name a unit whose row is not there yet.
  // Reading a whole table costs a fraction of asking for each of its rows, and shows what a run that died left of
  // units that neither catalogue has.
  const seen: Readonly<Record<Kind, Set<string>>> = { files: new Set(), units: new Set(), kbs: new Set() };
  await eachPage(target, async (items, signal) => {
    for (const kind of kindNames) {
      const found = items.flatMap((item): Found[] => {
        const key = String(item[partitionKey]);
        return key.startsWith(kinds[kind]) ? [[key.slice(kinds[kind].length), item]] : [];
      });
      for (const [id] of found) seen[kind].add(id);
      await settle(kind, found, signal);
    }
  });
  const said: Readonly<Record<Kind, Iterable<string>>> = {
    files: catalog.files.keys(),
    units: later.keys(),
    kbs: unitsByKb.keys(),
  };
  for (const kind of kindNames)
    await inParallel(groupsAtOnce, chunked(unseen(said[kind], seen[kind]), keysAtOnce), (ids, signal) =>
      settle(
        kind,
        ids.map((id) => [id, undefined]),
        signal,
      ),
    );
  return written;
}

function* unseen(ids: Iterable<string>, seen: ReadonlySet<string>): Generator<string> {
  for (const id of ids) if (!seen.has(id)) yield id;
}

/** The facts of a row. One that does not parse counts as none: it is written anew. */
function kept<S extends z.ZodMiniType>(facts: S, item: Item | undefined): z.output<S> | undefined {
  return item?.version === 1 ? z.safeParse(facts, item).data : undefined;
}

/** Rows are parsed on the way out too: what could not be read back is not written. @throws ZodError */
function rowOf(schema: z.ZodMiniType, facts: object | undefined): Row | undefined {
  return facts === undefined
    ? undefined
    : { ...z.parse(z.looseObject({}), z.parse(schema, { ...facts, version: 1 })), version: 1 };
}

/** All items of the table, some parts at a time. */
async function eachPage(
  { dynamodb, table, sleep, random }: FactsTable,
  take: (items: readonly Item[], signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const parts = Array.from({ length: segments }, (_, segment) => segment);
  await inParallel(segments, parts, async (Segment, signal) => {
    let start: Item | undefined;
    do {
      const rounds = roundsOf(sleep, { random, signal }, `read part ${Segment} of ${table}`);
      let answer: ScanCommandOutput | undefined;
      while (answer === undefined && (await rounds(1)))
        answer = await unlessThrottled(
          dynamodb.send(
            new ScanCommand({
              TableName: table,
              Segment,
              TotalSegments: segments,
              ConsistentRead: true,
              ...(start !== undefined && { ExclusiveStartKey: start }),
            }),
          ),
        );
      await take(answer?.Items ?? [], signal);
      start = answer?.LastEvaluatedKey;
    } while (start !== undefined);
  });
}
