import { beforeEach, describe, expect, it } from 'vitest';
import { operatorEndpoints } from '#shared/contract/operators/endpoints.ts';
import type { RuleBook } from '#shared/contract/rules.ts';
import type { FleetChange } from '#shared/core/fleet/model.ts';
import type { UpdateState } from '#shared/core/status/states.ts';
import { StoreError } from '#shared/stores/store-error.ts';
import { fleetHostOf, operatorsApi, post } from '#test/kit/operators-api.ts';
import { at, catalogOf, guid, unit } from '#test/kit/values.ts';

let { ports, api, setRows, clock } = operatorsApi();
beforeEach(() => {
  ({ ports, api, setRows, clock } = operatorsApi());
});

type Rules = RuleBook['packages'][number]['rules'];
/** A book with a package for each name, which `groups` and `hosts` refer to. */
const bookOf = (
  packages: Readonly<Record<string, Rules>>,
  groups: Readonly<Record<string, string[]>> = {},
  hosts: Readonly<Record<string, string[]>> = {},
): RuleBook => ({
  packages: Object.entries(packages).map(([name, rules]) => ({ name, priority: 0, rules })),
  assignments: { groups, hosts },
});
const allow = (n: number): Rules[number] => ({ effect: 'allow', when: { kbs: [String(5_000_000 + n)] } });

const hostWith = (
  machineId: string,
  group: string,
  states: Readonly<Record<number, UpdateState>>,
  revision = 200,
): FleetChange[] => [
  { kind: 'host', host: fleetHostOf(machineId, { group }) },
  {
    kind: 'report',
    report: {
      machineId,
      reportVersion: 1,
      reportedAt: Date.parse(at(3)),
      updates: Object.entries(states).map(([n, state]) => ({
        updateId: guid(Number(n)),
        revision,
        kbs: [String(5_000_000 + Number(n))],
        title: `Update ${n}`,
        state,
      })),
    },
  },
];
const publish = (...numbers: readonly number[]) =>
  ports.catalog.putFacts(catalogOf(numbers.map((n) => unit(n))), { previous: undefined, at: at(0) });
const inForce = (book: RuleBook) => ports.rules.put({ book, changedAt: at(0), changedBy: 'ada' }, 0);
const ask = async (book: RuleBook) => {
  const answer = await api.askImpact(post({ version: 2, book }));
  operatorEndpoints.askImpact.response.parse(answer);
  return answer;
};
const rows = ({ changes }: Awaited<ReturnType<typeof ask>>) =>
  changes.map(({ updateId, group, hosts, before, after }) => [updateId, group, hosts, before.code, after.code]);

describe('the impact of a change', () => {
  it('is which updates change verdict on how many hosts of which group, with both reasons', async () => {
    await publish(1, 2);
    await inForce(bookOf({ pilot: [allow(1)] }, { pilots: ['pilot'] }));
    setRows([
      ...hostWith('pc-1', 'pilots', { 1: 'PENDING', 2: 'DISCARDED' }),
      ...hostWith('pc-2', 'pilots', { 2: 'DISCARDED' }),
      ...hostWith('pc-3', 'others', { 1: 'DISCARDED', 2: 'DISCARDED' }),
    ]);
    const answer = await ask(bookOf({ pilot: [allow(2)] }, { pilots: ['pilot'] }));
    expect(answer).toEqual({
      version: 1,
      asOf: at(90),
      ageSeconds: 10,
      revision: 1,
      changes: [
        {
          updateId: guid(2),
          kbs: ['5000002'],
          title: 'Update 2',
          group: 'pilots',
          hosts: 2,
          before: expect.objectContaining({ allowed: false, code: 'default-deny' }),
          after: {
            allowed: true,
            code: 'allowed',
            reason: 'allowed by rule 1 of "pilot": KB5000002',
            by: { package: 'pilot', rule: 1 },
          },
        },
        {
          updateId: guid(1),
          kbs: ['5000001'],
          title: 'Update 1',
          group: 'pilots',
          hosts: 1,
          before: expect.objectContaining({ allowed: true, code: 'allowed' }),
          after: expect.objectContaining({ allowed: false, code: 'default-deny' }),
        },
      ],
      hosts: 2,
      total: 2,
    });
  });

  it('of the book in force is none, and of a fleet that nothing is known of, too', async () => {
    const book = bookOf({ pilot: [allow(1)] }, { pilots: ['pilot'] }, { 'pc-1': ['pilot'] });
    expect(await ask(book)).toMatchObject({ changes: [], hosts: 0, total: 0, revision: 0 });
    await publish(1);
    await inForce(book);
    setRows(hostWith('pc-1', 'pilots', { 1: 'PENDING' }));
    expect(await ask(book)).toMatchObject({ changes: [], hosts: 0, total: 0, revision: 1 });
    // Of what cannot change nothing is looked up either.
    const { unitsById } = ports.catalog;
    const asked: string[][] = [];
    ports.catalog.unitsById = (ids) => {
      asked.push([...ids]);
      return unitsById.call(ports.catalog, ids);
    };
    expect((await ask(book)).changes).toEqual([]);
    expect(asked).toEqual([]);
    // Not even when a package moves, or a rule that decides the same gets another number.
    const moved = bookOf({ other: [], pilot: [allow(9), allow(1)] }, { pilots: ['pilot', 'other'] });
    expect(await ask(moved)).toMatchObject({ changes: [], total: 0 });
    expect(asked).toEqual([[guid(1)]]);
  });

  it('counts hosts that need an update, not those that have it or for which another replaces it', async () => {
    await publish(1);
    const states: UpdateState[] = ['OK', 'PENDING', 'MISSING', 'DISCARDED', 'ERROR', 'SUPERSEDED'];
    setRows(states.flatMap((state, n) => hostWith(`pc-${n}`, 'pilots', { 1: state })));
    const answer = await ask(bookOf({ pilot: [allow(1)] }, { pilots: ['pilot'] }));
    expect(answer).toMatchObject({ changes: [{ hosts: 4 }], hosts: 4, total: 1 });
  });

  it('counts a host with packages of its own by itself, in whichever book it has them', async () => {
    await publish(1);
    setRows(['pc-1', 'pc-2', 'pc-3', 'pc-4'].flatMap((id) => hostWith(id, 'pilots', { 1: 'DISCARDED' })));
    await inForce(
      bookOf(
        { own: [allow(1)], pilot: [] },
        { pilots: ['pilot'] },
        { 'pc-1': ['own'], 'pc-3': ['own'], 'pc-9': ['own'] },
      ),
    );
    const answer = await ask(
      bookOf({ own: [allow(1)], pilot: [allow(1)] }, { pilots: ['pilot'] }, { 'pc-1': ['own'], 'pc-2': ['own'] }),
    );
    expect(answer.changes.map(({ machineId, hosts, group }) => [machineId, hosts, group])).toEqual([
      [undefined, 1, 'pilots'],
      ['pc-2', 1, 'pilots'],
    ]);
    expect(answer).toMatchObject({ hosts: 2, total: 2 });
  });

  it('has changes of most hosts first, at most 500, and says how many there are', async () => {
    const numbers = Array.from({ length: 600 }, (_, n) => n + 1);
    await publish(...numbers);
    const all = Object.fromEntries(numbers.map((n) => [n, 'DISCARDED' as const]));
    setRows([...hostWith('pc-1', 'a', all), ...hostWith('pc-2', 'b', { 599: 'MISSING', 600: 'MISSING' })]);
    const open: Rules = [{ effect: 'allow', when: { title: '*' } }];
    const answer = await ask(bookOf({ open }, { a: ['open'], b: ['open'] }));
    expect(answer).toMatchObject({ total: 602, hosts: 2 });
    expect(answer.changes).toHaveLength(500);
    setRows([...hostWith('pc-1', 'a', all), ...hostWith('pc-2', 'a', { 600: 'MISSING' })]);
    expect(rows(await ask(bookOf({ open }, { a: ['open'] })))[0]).toEqual([
      guid(600),
      'a',
      2,
      'default-deny',
      'allowed',
    ]);
  });

  it('is one of steps and of times, too', async () => {
    await publish(1);
    setRows(hostWith('pc-1', 'pilots', { 1: 'DISCARDED' }));
    const delayed = (installDelaySeconds: number): RuleBook => ({
      packages: [{ name: 'p', priority: 0, rules: [], settings: { defaultAllow: true, installDelaySeconds } }],
      assignments: { groups: { pilots: ['p'] }, hosts: {} },
    });
    await inForce(delayed(150));
    expect((await ask(delayed(200))).changes).toMatchObject([
      { before: { until: at(150) }, after: { until: at(200) } },
    ]);
    clock.seconds = 300;
    expect((await ask(delayed(200))).changes).toEqual([]);
    const held = bookOf({ p: [{ effect: 'hold', when: { title: '*' } }] }, { pilots: ['p'] });
    expect(rows(await ask(held))).toEqual([[guid(1), 'pilots', 1, 'default-allow', 'held']]);
  });

  it('judges the revision that hosts reported, and says how many updates nobody knows', async () => {
    await publish(1);
    setRows([
      ...hostWith('pc-1', 'pilots', { 1: 'DISCARDED', 7: 'DISCARDED' }, 199),
      ...hostWith('pc-2', 'pilots', { 1: 'DISCARDED' }),
    ]);
    const rules: Rules = [{ effect: 'forbid', when: { updates: [`${guid(1)}_199`] } }];
    const answer = await ask(bookOf({ p: rules }, { pilots: ['p'] }));
    expect(answer).toMatchObject({ total: 1, hosts: 1, unknown: 1 });
  });

  it('is not known while the snapshot is damaged', async () => {
    ports.snapshot.current = async () => {
      throw new StoreError('corrupt', 'partition 3 is lost');
    };
    await expect(ask(bookOf({}))).rejects.toMatchObject({ name: 'ProblemError', code: 'unavailable' });
  });

  it('of a switch is every update that hosts begin or cease to install, and no other', async () => {
    await publish(1, 2);
    const pilot = bookOf({ pilot: [allow(1)] }, { pilots: ['pilot'] });
    const freeze = { name: 'freeze', priority: 1000, rules: [], settings: { enabled: false } };
    const frozen: RuleBook = {
      packages: [...pilot.packages, freeze],
      assignments: { groups: { pilots: ['pilot', 'freeze'] }, hosts: {} },
    };
    await inForce(pilot);
    setRows(hostWith('pc-1', 'pilots', { 1: 'PENDING', 2: 'DISCARDED' }));
    const off = 'nothing is installed on this host: "freeze" sets enabled to false';
    const freezing = await ask(frozen);
    expect(freezing).toMatchObject({
      hosts: 1,
      total: 1,
      changes: [{ updateId: guid(1), after: { switchedOff: off } }],
    });
    expect(freezing.changes[0]?.before).not.toHaveProperty('switchedOff');
    await ports.rules.put({ book: frozen, changedAt: at(1), changedBy: 'ada' }, 1);
    const thawing = await ask(pilot);
    expect(thawing).toMatchObject({
      hosts: 1,
      total: 1,
      changes: [{ updateId: guid(1), before: { switchedOff: off } }],
    });
    expect(thawing.changes[0]?.after).not.toHaveProperty('switchedOff');
    // Of what stays off, the verdict of what nobody installs is still told.
    const more = bookOf({ pilot: [allow(1), allow(2)] });
    const changed = await ask({ ...frozen, packages: [...more.packages, freeze] });
    expect(changed.changes).toMatchObject([
      { updateId: guid(2), before: { switchedOff: off }, after: { code: 'allowed', switchedOff: off } },
    ]);
  });
});
