import * as z from 'zod/mini';
import { auditAnchorsEnv, auditEnv } from '#shared/stores/audit/binding.ts';

/** Environment of `anchor-audit`. */
export const anchorAuditEnv = z.extend(auditEnv, auditAnchorsEnv.shape);
