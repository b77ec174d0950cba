import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { updateStates } from '../../core/status/states.ts';
import { type HostReport, hostReport, reportChanges } from './report.ts';
import { applyReportChanges, changesBetween, orderReport, reportText } from './report-changes.ts';

const hash = (report: HostReport): string => createHash('sha256').update(reportText(report)).digest('hex');

/** From few letters, so that two reports have much in common. */
const digest = (length: number) => fc.constantFrom('a', 'b', 'c', 'd').map((letter) => letter.repeat(length));
const guids = fc.nat(6).map((number) => `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`);
const text = fc.string({ maxLength: 5, unit: 'grapheme' });
const absent = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });

const update = fc
  .record({
    updateId: guids,
    revision: fc.constantFrom(1, 2, 10, 100),
    kbs: fc.uniqueArray(fc.constantFrom('5000001', '5000002'), { maxLength: 2 }),
    title: absent(text),
    state: fc.constantFrom(...updateStates),
    reason: text.map((words) => `because ${words}`),
    files: fc.array(digest(40), { maxLength: 2 }),
  })
  .map(({ title, ...rest }) => ({ ...rest, ...(title !== undefined && { title }) }));

const report: fc.Arbitrary<HostReport> = fc
  .record({
    version: fc.constant(2 as const),
    host: fc.record({
      machineId: fc.constant('host-1'),
      hostname: text,
      os: text,
      osVersion: fc.constantFrom('10.0.26100.1', '10.0.26100.2'),
      architecture: fc.constantFrom('amd64', 'arm64'),
      agentVersion: fc.constant('1.0.0'),
    }),
    indexSha256: absent(digest(64)),
    indexProblem: absent(text.map((words) => `refused ${words}`)),
    rulesRevision: fc.nat(3),
    updates: fc.array(update, { maxLength: 12 }),
    needs: fc.array(digest(40), { maxLength: 6 }),
  })
  .map(({ indexSha256, indexProblem, ...rest }) => ({
    ...rest,
    ...(indexSha256 !== undefined && { indexSha256 }),
    ...(indexProblem !== undefined && { indexProblem }),
  }))
  .filter(({ indexSha256, indexProblem }) => indexSha256 !== undefined || indexProblem !== undefined);

/** As it arrives in another process. */
const travelled = <S extends z.ZodMiniType>(schema: S, value: z.output<S>): z.output<S> =>
  z.parse(schema, JSON.parse(JSON.stringify(value)));

describe('changes of a report', () => {
  it('lead from any report to any other, also over the wire, to the same hash', () => {
    fc.assert(
      fc.property(report, report, (first, second) => {
        const [base, next] = [orderReport(first), orderReport(second)];
        const result = applyReportChanges(
          travelled(hostReport, base),
          travelled(reportChanges, changesBetween(base, next)),
        );
        expect(result).toEqual(next);
        expect(hash(result)).toBe(hash(next));
        expect(z.parse(hostReport, result)).toEqual(next);
      }),
    );
  });

  it('between equal reports are none, and the other way round', () => {
    fc.assert(
      fc.property(report, report, (first, second) => {
        const [base, next] = [orderReport(first), orderReport(second)];
        const none = { updates: { set: [], removed: [] }, needs: { added: [], removed: [] } };
        expect(changesBetween(base, structuredClone(base))).toEqual(none);
        expect(hash(base) === hash(next)).toBe(JSON.stringify(changesBetween(base, next)) === JSON.stringify(none));
      }),
    );
  });

  it('name each thing once', () => {
    fc.assert(
      fc.property(report, report, (first, second) => {
        const { updates, needs } = changesBetween(orderReport(first), orderReport(second));
        const ids = [...updates.set, ...updates.removed].map(({ updateId, revision }) => `${updateId} ${revision}`);
        expect(new Set(ids).size).toBe(ids.length);
        expect(new Set([...needs.added, ...needs.removed]).size).toBe(needs.added.length + needs.removed.length);
      }),
    );
  });
});

describe('the order of a report', () => {
  it('does not depend on the order in which it was found, and is kept by a second ordering', () => {
    fc.assert(
      fc.property(report, fc.infiniteStream(fc.nat()), (found, chances) => {
        const once = orderReport(found);
        // Of two entries for one update the later counts, so only different ones may be shuffled.
        const keyed = once.updates.map((entry) => [chances.next().value, entry] as const);
        const shuffled = keyed.toSorted(([a], [b]) => a - b).map(([, entry]) => entry);
        const again = orderReport({ ...once, updates: shuffled, needs: once.needs.toReversed() });
        expect(again).toEqual(once);
        expect(hash(again)).toBe(hash(once));
      }),
    );
  });

  it('makes equal texts of equal values, whatever the order of their members', () => {
    fc.assert(
      fc.property(report, (found) => {
        const once = orderReport(found);
        const turned = Object.fromEntries(Object.entries(once).toReversed());
        expect(reportText(z.parse(hostReport, turned))).toBe(reportText(once));
        expect(JSON.parse(reportText(once))).toEqual(JSON.parse(JSON.stringify(once)));
      }),
    );
  });

  it('goes by revisions as numbers, and keeps the later of two equal entries', () => {
    const entry = (revision: number, reason: string) => ({
      updateId: '00000000-0000-4000-8000-000000000001',
      revision,
      kbs: [],
      state: 'OK' as const,
      reason,
      files: [],
    });
    const [sample] = fc.sample(report, 1);
    if (sample === undefined) throw new Error('no sample');
    const ordered = orderReport({ ...sample, updates: [entry(10, 'a'), entry(9, 'b'), entry(10, 'c')] });
    expect(ordered.updates.map(({ revision, reason }) => `${revision}${reason}`)).toEqual(['9b', '10c']);
  });
});
