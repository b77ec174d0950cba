import { auditAnchorStoreContract, auditLogContract } from '#shared/stores/audit/contract-suite.ts';
import { MemoryAuditAnchorStore, MemoryAuditLog } from './memory-audit.ts';

auditLogContract('memory', async () => new MemoryAuditLog());
auditAnchorStoreContract('memory', async () => new MemoryAuditAnchorStore());
