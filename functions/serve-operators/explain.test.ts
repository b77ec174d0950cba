import { beforeEach, describe, expect, it } from 'vitest';
import type { ReportedUpdate } from '#shared/contract/agent/report.ts';
import { operatorEndpoints } from '#shared/contract/operators/endpoints.ts';
import type { RuleBook } from '#shared/contract/rules.ts';
import type { UpdateState } from '#shared/core/status/states.ts';
import { get, operatorsApi } from '#test/kit/operators-api.ts';
import { at, catalogOf, guid, hostKeyOf, reportOf, sha1, sha256, unit } from '#test/kit/values.ts';

let { ports, api, enrol, clock } = operatorsApi();
beforeEach(async () => {
  ({ ports, api, enrol, clock } = operatorsApi());
  await enrol('pc-1');
});

const book: RuleBook = {
  packages: [
    { name: 'all', priority: 0, rules: [], settings: { defaultAllow: true } },
    {
      name: 'pilot',
      priority: 5,
      rules: [{ effect: 'forbid', when: { kbs: ['5000002'] }, comment: 'see ticket 17' }],
      settings: { installDelaySeconds: 60 },
    },
    { name: 'own', priority: 9, rules: [{ effect: 'allow', when: { title: 'Update 3*' } }] },
    { name: 'elsewhere', priority: 9, rules: [{ effect: 'forbid', when: { title: '*' } }] },
  ],
  assignments: { groups: { pilots: ['pilot', 'all'], servers: ['elsewhere'] }, hosts: { 'pc-1': ['own'] } },
};
const putRules = () => ports.rules.put({ book, changedAt: at(0), changedBy: 'ada' }, 0);

const reportedAs = (n: number, state: UpdateState): ReportedUpdate => ({
  updateId: guid(n),
  revision: 200,
  kbs: [String(5_000_000 + n)],
  state,
  reason: `as it was: ${state}`,
  files: [],
});
async function report(...updates: readonly ReportedUpdate[]): Promise<void> {
  const whole = reportOf('pc-1', { updates: [...updates] });
  const stored = await ports.hosts.putReport(
    'pc-1',
    { thumbprint: hostKeyOf('pc-1').thumbprint, sequence: 2, after: 1, at: at(60), allowance: { left: 1, at: 0 } },
    { replaces: 0, report: whole, hash: sha256('report'), scan: { at: at(59), milliseconds: 1 }, refused: [] },
  );
  expect(stored).toBe('stored');
}
const publish = (...units: Parameters<typeof catalogOf>[0]) =>
  ports.catalog.putFacts(catalogOf(units), { previous: undefined, at: at(0) });
const explain = async (query: Record<string, string> = {}, machineId = 'pc-1') => {
  const answer = await api.explainRules(get({ path: { machineId }, query }));
  operatorEndpoints.explainRules.response.parse(answer);
  return answer;
};

describe('an explanation', () => {
  it('of a host whose report cannot be read is not empty, but refused; an update that is named is explained', async () => {
    await putRules();
    await publish(unit(2, { createdAt: at(7) }));
    await report(reportedAs(2, 'DISCARDED'));
    ports.hosts.reports.delete('pc-1');
    await expect(explain()).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(/the report of pc-1 cannot be read.*name an update or a KB/),
    });
    expect((await explain({ kb: '5000002' })).updates).toMatchObject([{ updateId: guid(2) }]);
  });

  it('says by which packages an update is judged on the host, each step, and what the host said', async () => {
    await putRules();
    await publish(unit(2, { createdAt: at(7) }));
    await report(reportedAs(2, 'DISCARDED'));
    const answer = await explain();
    expect(answer).toEqual({
      version: 1,
      machineId: 'pc-1',
      group: 'pilots',
      revision: 1,
      packages: ['own', 'pilot', 'all'],
      updates: [
        {
          updateId: guid(2),
          revision: 200,
          kbs: ['5000002'],
          title: 'Update 2 (KB5000002)',
          firstPublishedAt: at(7),
          verdict: {
            allowed: false,
            code: 'forbidden',
            reason: 'forbidden by rule 1 of "pilot": KB5000002; comment: see ticket 17',
            by: { package: 'pilot', rule: 1 },
          },
          steps: [
            {
              step: 'forbid',
              decided: true,
              said: 'forbidden by rule 1 of "pilot": KB5000002; comment: see ticket 17',
            },
          ],
          reported: { state: 'DISCARDED', reason: 'as it was: DISCARDED' },
        },
      ],
    });
  });

  it('without a question is of all that the host needs, and of nothing else', async () => {
    await putRules();
    const states = ['OK', 'PENDING', 'MISSING', 'DISCARDED', 'ERROR', 'SUPERSEDED'] as const;
    await publish(...states.map((_, n) => unit(n + 10)));
    await report(...states.map((state, n) => reportedAs(n + 10, state)));
    const { updates, total } = await explain();
    expect(updates.map(({ reported }) => reported?.state)).toEqual(['PENDING', 'MISSING', 'DISCARDED', 'ERROR']);
    expect(total).toBeUndefined();
  });

  it('has at most 100 updates, and says how many there are', async () => {
    const numbers = Array.from({ length: 130 }, (_, n) => n + 1);
    await publish(...numbers.map((n) => unit(n)));
    await report(...numbers.map((n) => reportedAs(n, 'DISCARDED')));
    const { updates, total } = await explain();
    expect([updates.length, total]).toEqual([100, 130]);
  });

  it('counts delays from the first publication, and says until when one runs', async () => {
    await putRules();
    await publish(unit(1, { createdAt: at(70) }));
    const verdict = async () => (await explain({ update: guid(1) })).updates[0]?.verdict;
    expect(await verdict()).toMatchObject({ allowed: false, code: 'delayed', until: at(130) });
    clock.seconds = 130;
    expect(await verdict()).toMatchObject({ allowed: true, code: 'default-allow' });
    const first = catalogOf([unit(1, { createdAt: at(70) })]);
    const revised = catalogOf([unit(1, { createdAt: at(120), revision: 201 })]);
    await ports.catalog.putFacts(revised, { previous: first, at: at(120) });
    expect(await explain({ update: guid(1) })).toMatchObject({
      updates: [{ revision: 201, firstPublishedAt: at(70), verdict: { allowed: true } }],
    });
  });

  it('says that nothing is installed on a host that is switched off, and by which package', async () => {
    const freeze = { name: 'freeze', priority: 1000, rules: [], settings: { enabled: false } };
    const { packages, assignments } = book;
    const groups = { ...assignments.groups, pilots: ['pilot', 'all', 'freeze'] };
    const frozen = { packages: [...packages, freeze], assignments: { ...assignments, groups } };
    await ports.rules.put({ book: frozen, changedAt: at(0), changedBy: 'ada' }, 0);
    await publish(unit(1));
    const { switchedOff, updates } = await explain({ update: guid(1) });
    expect(switchedOff).toBe('nothing is installed on this host: "freeze" sets enabled to false');
    // What would be, were it not so.
    expect(updates).toMatchObject([{ verdict: { allowed: true } }]);
  });

  it('judges by size as hosts do: not where one is not known, and what has no files has none to load', async () => {
    const small = { name: 'small', priority: 0, rules: [{ effect: 'allow' as const, when: { maxBytes: 9 } }] };
    const assigned = { groups: { pilots: ['small'] }, hosts: {} };
    await ports.rules.put(
      { book: { packages: [small], assignments: assigned }, changedAt: at(0), changedBy: 'ada' },
      0,
    );
    const [known, lost] = [sha1('of known size'), sha1('of unknown size')];
    const units = [
      unit(1, { payload: [] }),
      unit(2, { payload: [known] }),
      unit(3, { payload: [lost] }),
      unit(4, { payload: [known, lost] }),
    ];
    const files = new Map([[known, { sha1: known, size: 9 }]]);
    await ports.catalog.putFacts({ ...catalogOf(units), files }, { previous: undefined, at: at(0) });
    const allowed = async (n: number) => (await explain({ update: guid(n) })).updates[0]?.verdict.allowed;
    expect([await allowed(1), await allowed(2), await allowed(3), await allowed(4)]).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });

  it('is given of an update whose date is no date: no delay of it ends, and the reason says why', async () => {
    await putRules();
    await publish(unit(1, { createdAt: 'in spring' }));
    const { updates } = await explain({ update: guid(1) });
    expect(updates).toMatchObject([{ firstPublishedAt: 'in spring', verdict: { allowed: false, code: 'delayed' } }]);
    expect(updates[0]?.verdict.reason).toContain('since when it is published is not known ("in spring")');
  });

  it('says which updates left the index, and which the catalogue does not know', async () => {
    const first = catalogOf([unit(1), unit(2)]);
    await ports.catalog.putFacts(first, { previous: undefined, at: at(0) });
    await ports.catalog.putFacts(catalogOf([unit(1)]), { previous: first, at: at(9) });
    await report(reportedAs(1, 'DISCARDED'), reportedAs(2, 'DISCARDED'), reportedAs(3, 'DISCARDED'));
    const { updates, unknown } = await explain();
    expect(updates.map(({ updateId, withdrawnAt }) => [updateId, withdrawnAt])).toEqual([
      [guid(1), undefined],
      [guid(2), at(9)],
    ]);
    expect(unknown).toEqual([{ updateId: guid(3), revision: 200, kbs: ['5000003'] }]);
    expect(await explain({ update: guid(3) })).toMatchObject({ updates: [], unknown: [{ updateId: guid(3) }] });
  });

  it('of a KB has what the host reported of it first, then the other units of the KB', async () => {
    const kbs = ['5000001'];
    await publish(...[1, 2, 3].map((n) => unit(n, { kbs, createdAt: at(n) })));
    await report({ ...reportedAs(1, 'OK'), kbs }, reportedAs(9, 'DISCARDED'));
    for (const kb of ['5000001', 'KB5000001', 'kb5000001']) {
      const { updates } = await explain({ kb });
      expect(updates.map(({ updateId, reported }) => [updateId, reported?.state])).toEqual([
        [guid(1), 'OK'],
        [guid(3), undefined],
        [guid(2), undefined],
      ]);
    }
  });

  it('of a revision judges that one', async () => {
    await putRules();
    const by = {
      packages: [{ name: 'p', priority: 0, rules: [] }],
      assignments: { groups: { pilots: ['p'] }, hosts: {} },
    };
    const rules = [{ effect: 'forbid' as const, when: { updates: [`${guid(1)}_200`] } }];
    const packages = [{ name: 'p', priority: 0, rules }];
    await ports.rules.put({ book: { ...by, packages }, changedAt: at(1), changedBy: 'ada' }, 1);
    await publish(unit(1, { revision: 201 }));
    const code = async (update: string) => (await explain({ update })).updates[0]?.verdict.code;
    expect(await code(`${guid(1)}_200`.toUpperCase())).toBe('forbidden');
    expect(await code(guid(1))).toBe('default-deny');
    await report(reportedAs(1, 'DISCARDED'));
    expect(await code(guid(1))).toBe('forbidden');
    expect(await code(`${guid(1)}_201`)).toBe('default-deny');
  });

  it.each([
    ['pc-9', {}, 'not-found', /no host pc-9/],
    ['no machine id', {}, 'bad-request', /machineId/],
    ['pc-1', { update: guid(8) }, 'not-found', /no index named an update 0{8}-.*pc-1 did not report/],
    ['pc-1', { kb: '5999999' }, 'not-found', /KB5999999/],
    ['pc-1', { update: 'KB5000001' }, 'bad-request', /update: /],
    ['pc-1', { kb: 'all' }, 'bad-request', /kb: /],
    ['pc-1', { kb: '5000001', update: guid(1) }, 'bad-request', /kb and update were both given/],
  ])('of %s with %j: %s', async (machineId, query, code, message) => {
    await expect(explain(query, machineId)).rejects.toMatchObject({
      name: 'ProblemError',
      code,
      message: expect.stringMatching(message),
    });
  });
});
