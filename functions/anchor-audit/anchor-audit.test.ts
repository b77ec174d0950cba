import { expect, it } from 'vitest';
import { auditRecordOf } from '#shared/stores/audit/contract-suite.ts';
import { MemoryAuditAnchorStore, MemoryAuditLog } from '#test/kit/memory-audit.ts';
import { anchorAudit } from './anchor-audit.ts';

const make = (time: string) => {
  const ports = {
    audit: new MemoryAuditLog(),
    anchors: new MemoryAuditAnchorStore(),
    now: () => new Date(time),
  };
  return ports;
};

it('the last entry is anchored under its day', async () => {
  const ports = make('2026-11-26T23:59:59.000Z');
  await ports.audit.append(auditRecordOf(1));
  const { number, hash } = await ports.audit.append(auditRecordOf(2));
  const anchor = { version: 1, date: '2026-11-26', number, hash, at: '2026-11-26T23:59:59.000Z' };
  expect(await anchorAudit(ports)).toEqual({ outcome: 'anchored', anchor });
  expect((await ports.anchors.list({ limit: 10 })).items).toEqual([anchor]);
});

it('an empty log is anchored as such, so that nobody can put entries before the first', async () => {
  expect((await anchorAudit(make('2026-11-26T00:00:00.000Z'))).anchor).toMatchObject({
    number: 0,
    hash: '0'.repeat(64),
  });
});

it('a second run of a day leaves the first anchor', async () => {
  const ports = make('2026-11-26T01:00:00.000Z');
  await anchorAudit(ports);
  await ports.audit.append(auditRecordOf(1));
  expect((await anchorAudit(ports)).outcome).toBe('already');
  expect((await ports.anchors.list({ limit: 10 })).items).toMatchObject([{ number: 0 }]);
});
