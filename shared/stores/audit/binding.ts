import * as z from 'zod/mini';

/** Names that the construct owning these resources and the store using them share. */
export const auditBinding = {
  /** One chain in one partition; numbers are padded with zeros, so that they sort as text. */
  table: { partitionKey: 'chain', sortKey: 'number' },
  env: { table: 'AUDIT_TABLE', bucket: 'AUDIT_BUCKET' },
} as const;

export const auditEnv = z.object({ AUDIT_TABLE: z.string() });
export const auditAnchorsEnv = z.object({ AUDIT_BUCKET: z.string() });
