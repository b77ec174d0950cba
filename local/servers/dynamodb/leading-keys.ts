import * as z from 'zod/mini';
import type { Need } from '../json-service.ts';
import type { DynamoBackend } from './backend.ts';
import type { TableNeed } from './needs.ts';

const keySchema = z.object({
  Table: z.object({ KeySchema: z.array(z.object({ AttributeName: z.string(), KeyType: z.string() })) }),
});
/** Strings, numbers and bytes can be keys; each is a text in DynamoDB's JSON. */
const keyValue = z.union([z.object({ S: z.string() }), z.object({ N: z.string() }), z.object({ B: z.string() })]);

/**
 * The condition key `dynamodb:LeadingKeys`: values of the partition keys of the items that a call names.
 *
 * Source: "Using IAM policy conditions for fine-grained access control" of the DynamoDB guide.
 */
export function leadingKeysOf(backend: Pick<DynamoBackend, 'call'>): {
  /** The need with the values, where the call names items of a table that is there. */
  added(need: TableNeed): Promise<Need>;
  /** To be called when a table goes: another may come under its name. */
  forget(): void;
} {
  const known = new Map<string, string>();
  const partitionKeyOf = async (table: string): Promise<string | undefined> => {
    const before = known.get(table);
    if (before !== undefined) return before;
    try {
      const { Table } = z.parse(keySchema, await backend.call('DescribeTable', { TableName: table }));
      const keyName = Table.KeySchema.find(({ KeyType }) => KeyType === 'HASH')?.AttributeName;
      if (keyName !== undefined) known.set(table, keyName);
      return keyName;
    } catch {
      // The call itself will say what is wrong with the table.
      return undefined;
    }
  };
  return {
    async added({ named, ...need }) {
      if (named === undefined) return need;
      const keyName = await partitionKeyOf(named.table);
      if (keyName === undefined) return need;
      const values = named.items.flatMap((item) => Object.values(z.safeParse(keyValue, item[keyName]).data ?? {}));
      return { ...need, context: { 'dynamodb:leadingkeys': values } };
    },
    forget: () => known.clear(),
  };
}
