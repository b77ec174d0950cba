import { type AuditListFlags, listAudit, showAudit } from '../commands/audit.ts';
import { type AuditVerifyFlags, verifyAudit } from '../commands/audit-verify.ts';
import type { AddCommands } from './kit.ts';

/** `kbroker audit`. */
export const addAuditCommands: AddCommands = (program, { sub, online }) => {
  const audit = sub(program, 'audit', 'who changed what');
  sub(audit, 'list', 'entries of the log, the oldest first')
    .option('--from <number>', 'number of the first entry')
    .option('--newest', 'the newest first')
    .option('--limit <count>', 'how many at most', '100')
    .action(online((context, flags: AuditListFlags) => listAudit(context, flags)));
  sub(audit, 'show', 'one entry with what was before and after')
    .argument('<number>')
    .action(online((context, number: string) => showAudit(context, number)));
  sub(audit, 'verify', 'recompute the hash chain over all entries and compare it with the anchors')
    .option('--anchors-file <file>', 'compare also with these anchors, fetched from their bucket by other means')
    .option('--require-anchors', 'end with 1 when no anchor vouches for the chain')
    .action(online((context, flags: AuditVerifyFlags) => verifyAudit(context, flags)));
};
