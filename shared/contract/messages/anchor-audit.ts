import * as z from 'zod/mini';

/** Event of `anchor-audit`: nothing in it is read. */
export const anchorAuditEvent = z.object({});
