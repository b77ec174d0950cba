import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { AuditAnchor, AuditEntry, AuditRecord } from '#shared/contract/audit.ts';
import { chainStart, nextAuditEntry } from '#shared/contract/audit-chain.ts';
import { at } from '#test/kit/values.ts';
import { openApi, type TestApi } from '../testing/api.ts';
import { testContext } from '../testing/context.ts';
import { listAudit, showAudit } from './audit.ts';
import { verifyAudit } from './audit-verify.ts';

const digest = (text: string): string => createHash('sha256').update(text).digest('hex');

const recordOf = (n: number): AuditRecord => ({
  at: at(n),
  actor: { kind: 'person', subject: 'sub-1', name: 'Ann', role: 'administrator' },
  action: 'rules.put',
  target: 'rules',
  before: { revision: n },
  after: { revision: n + 1 },
  from: { address: '192.0.2.1' },
  requestId: `request-${n}`,
});

function chainOf(length: number): AuditEntry[] {
  const entries: AuditEntry[] = [];
  for (let n = 1; n <= length; n += 1) entries.push(nextAuditEntry(recordOf(n), entries.at(-1) ?? chainStart, digest));
  return entries;
}

const anchorOf = (entry: Pick<AuditEntry, 'number' | 'hash'>, more: Partial<AuditAnchor> = {}): AuditAnchor => ({
  version: 1,
  date: '2026-07-14',
  number: entry.number,
  hash: entry.hash,
  at: at(99),
  ...more,
});

let api: TestApi;
let folder: string;
beforeAll(async () => {
  api = await openApi();
  folder = await mkdtemp(join(tmpdir(), 'kbroker-audit-'));
});
afterAll(async () => {
  await api.close();
  await rm(folder, { recursive: true });
});
beforeEach(() => api.sent.splice(0));

/** A broker with this log and these anchors, three items a page. */
function broker(entries: readonly AuditEntry[], anchors: readonly AuditAnchor[] = [], unreadable: string[] = []) {
  return ({ url }: { readonly url: string }): unknown => {
    const { pathname, searchParams } = new URL(url, 'http://x');
    const isDown = searchParams.get('order') === 'descending';
    const from = Number(searchParams.get('from') ?? (isDown ? Number.MAX_SAFE_INTEGER : 1));
    const all = isDown
      ? entries.filter(({ number }) => number <= from).toReversed()
      : entries.filter(({ number }) => number >= from);
    const start = Number(searchParams.get('cursor') ?? 0);
    const size = Math.min(3, Number(searchParams.get('limit') ?? 100));
    const items: readonly unknown[] = pathname.endsWith('/anchors') ? anchors : all;
    return {
      version: 1,
      [pathname.endsWith('/anchors') ? 'anchors' : 'entries']: items.slice(start, start + size),
      unreadable: pathname.endsWith('/anchors') || start > 0 ? [] : unreadable,
      ...(start + size < items.length && { next: String(start + size) }),
    };
  };
}

describe('kbroker audit list and show', () => {
  it('lists the oldest first, over all pages', async () => {
    const { context, printed } = testContext(broker(chainOf(7)));
    expect(await listAudit(context, { limit: '100' })).toBe(0);
    const rows = printed.stdout.trimEnd().split('\n').slice(1);
    expect(rows.map((row) => Number(row.split(' ')[0]))).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(rows[0]).toMatch(/Ann \(administrator\) +rules\.put +rules +192\.0\.2\.1$/);
    expect(printed.stderr).toBe('');
  });

  it('lists so many of the newest, and says that there are more', async () => {
    const { context, printed, calls } = testContext(broker(chainOf(7)), { json: true });
    await listAudit(context, { newest: true, from: '6', limit: '4' });
    expect(JSON.parse(printed.stdout).entries.map(({ number }: AuditEntry) => number)).toEqual([6, 5, 4, 3]);
    expect(calls[0]?.url).toBe('/v1/audit?limit=4&from=6&order=descending');
    expect(printed.stderr).toBe('there are more than these 4; --limit and --from show others\n');
  });

  it('says which entry tells of another one that it ended in a failure, and no more than is known', async () => {
    const [first] = chainOf(1);
    const failed = { number: 1, reason: 'the table did not answer' };
    const second = nextAuditEntry({ ...recordOf(2), failed }, first ?? chainStart, digest);
    const { context, printed } = testContext(broker([...chainOf(1), second]));
    await listAudit(context, { limit: '100' });
    expect(printed.stdout).toMatch(/ 1 is not known to be made: the table did not answer\n$/);
    const shown = testContext(broker([...chainOf(1), second]));
    await showAudit(shown.context, '2');
    expect(shown.printed.stdout).toContain('  change 1 is not known to be made: the table did not answer\n');
  });

  it('shows an entry with what was before and after', async () => {
    const { context, printed } = testContext(broker(chainOf(5)));
    expect(await showAudit(context, '4')).toBe(0);
    expect(printed.stdout).toMatch(/^4: rules\.put of rules\n/);
    expect(printed.stdout).toContain('  before   {"revision":4}\n  after    {"revision":5}\n');
    await expect(showAudit(context, '6')).rejects.toMatchObject({ code: 'not-found' });
  });

  it.each([
    [['list', '--from', '0'], /--from: got "0", expected a whole number from 1 on/],
    [['list', '--limit', 'all'], /--limit: got "all"/],
    [['show', 'x'], /the number of an entry: got "x"/],
  ])('%j is a usage error, and nothing is sent', async (args, message) => {
    const { exitCode, stderr } = await api.ask('audit', ...args);
    expect(stderr).toMatch(message);
    expect({ exitCode, sent: api.sent }).toEqual({ exitCode: 2, sent: [] });
  });
});

describe('kbroker audit verify', () => {
  const verified = async (
    entries: readonly AuditEntry[],
    anchors: readonly AuditAnchor[] = [],
    { file, unreadable = [], ...flags }: { file?: string; unreadable?: string[]; requireAnchors?: boolean } = {},
  ) => {
    const { context, printed } = testContext(broker(entries, anchors, unreadable));
    const exitCode = await verifyAudit(context, { ...flags, ...(file !== undefined && { anchorsFile: file }) });
    return { exitCode, ...printed };
  };
  const chain = chainOf(8);
  const [third, last] = [chain[2], chain.at(-1)];
  if (third === undefined || last === undefined) throw new Error('the chain is too short');
  const without = (...numbers: number[]) => chain.filter(({ number }) => !numbers.includes(number));
  const anchorsFile = async (text: string): Promise<string> => {
    const file = join(folder, 'anchors.json');
    await writeFile(file, text);
    return file;
  };

  it('proves a whole chain whole', async () => {
    const { exitCode, stdout, stderr } = await verified(chain, [
      anchorOf({ ...chainStart }),
      anchorOf(third),
      anchorOf(last),
    ]);
    expect(stdout).toBe(`whole: 8 entries up to 8 ${last.hash}; 3 anchors agree\n`);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  });

  it('says that nothing vouches for a chain without anchors, and takes an empty log', async () => {
    const { exitCode, stdout, stderr } = await verified([]);
    expect(stdout).toBe(`whole: 0 entries up to 0 ${'0'.repeat(64)}; 0 anchors agree\n`);
    expect(stderr).toBe('there is no anchor: only the chain itself was checked, which may be a new one\n');
    expect(exitCode).toBe(0);
  });

  it('with --require-anchors takes no chain that nothing vouches for', async () => {
    const requireAnchors = true;
    const fault = 'no anchor names an entry of this chain, and --require-anchors asks for one';
    for (const anchors of [[], [anchorOf({ ...chainStart })]])
      expect(await verified(chain, anchors, { requireAnchors })).toMatchObject({
        exitCode: 1,
        stdout: `${fault}\nnot whole: 1 fault in 8 entries and ${anchors.length === 1 ? '1 anchor' : '0 anchors'}\n`,
      });
    expect(await verified([], [], { requireAnchors })).toMatchObject({ exitCode: 1 });
    // A log without entries has no other head to anchor.
    expect(await verified([], [anchorOf({ ...chainStart })], { requireAnchors })).toMatchObject({ exitCode: 0 });
    expect(await verified(chain, [anchorOf(third)], { requireAnchors })).toMatchObject({
      exitCode: 0,
      stdout: `whole: 8 entries up to 8 ${last.hash}; 1 anchor agrees\n`,
    });
    api.answer = () => ({ body: { version: 1, anchors: [], entries: [], unreadable: [] } });
    expect((await api.ask('audit', 'verify', '--require-anchors')).exitCode).toBe(1);
  });

  const changed = chain.map((entry) => (entry.number === 5 ? { ...entry, target: 'nothing' } : entry));
  const rehashed = nextAuditEntry({ ...recordOf(5), target: 'nothing' }, chain[3] ?? chainStart, digest);
  it.each([
    ['an entry that was changed', changed, 'entry 5 was changed: its content does not give its hash'],
    [
      'one that was changed with its hash',
      chain.map((entry) => (entry.number === 5 ? rehashed : entry)),
      'entry 6 does not follow entry 5: one of the two was replaced',
    ],
    ['one that is missing', without(4), 'entry 4 is missing'],
    ['several that are', without(4, 5, 6), 'entries 4 to 6 are missing'],
    ['the first ones', without(1, 2), 'entries 1 to 2 are missing'],
    ['one that comes twice', [...chain.slice(0, 4), ...chain.slice(2)], 'entry 3 comes again after entry 4'],
  ])('finds %s', async (_, entries, fault) => {
    const { exitCode, stdout } = await verified(entries, [anchorOf(last)]);
    expect(stdout.split('\n')[0]).toBe(fault);
    expect(stdout).toMatch(/\nnot whole: (1 fault|\d faults) in \d+ entries and 1 anchor\n$/);
    expect(exitCode).toBe(1);
  });

  it('finds a cut end and a chain that was written anew, by the anchors', async () => {
    const cut = await verified(without(7, 8), [anchorOf(third), anchorOf(last)]);
    expect(cut.stdout).toMatch(
      /^the anchor of 2026-07-14 names entry 8, which the chain does not have: its end was cut off\n/,
    );
    const first = nextAuditEntry({ ...recordOf(1), target: 'other' }, chainStart, digest);
    const anew = [first, nextAuditEntry(recordOf(2), first, digest)];
    const written = await verified(anew, [anchorOf(chain[1] ?? last)]);
    expect(written.stdout).toMatch(
      /^the anchor of 2026-07-14 has another hash for entry 2: the chain was written anew/,
    );
    expect([cut.exitCode, written.exitCode]).toEqual([1, 1]);
  });

  it('names rows that cannot be read', async () => {
    const { exitCode, stdout } = await verified(chain, [], { unreadable: ['chain 9'] });
    expect(stdout).toMatch(/^the row chain 9 of the log cannot be read\nnot whole: 1 fault in/);
    expect(exitCode).toBe(1);
  });

  it.each([
    ['one after the other', (anchors: readonly AuditAnchor[]) => anchors.map((one) => JSON.stringify(one)).join('')],
    ['on lines', (anchors: readonly AuditAnchor[]) => anchors.map((one) => `${JSON.stringify(one)}\n`).join('')],
    ['as a list', (anchors: readonly AuditAnchor[]) => JSON.stringify(anchors, undefined, 2)],
  ])('compares with anchors of a file, %s, whatever the API says', async (_, write) => {
    const good = await anchorsFile(write([anchorOf(third), anchorOf(last)]));
    const first = await verified(chain, [], { file: good });
    expect(first).toMatchObject({ exitCode: 0, stderr: '' });
    const bad = await anchorsFile(write([anchorOf(third), anchorOf(last, { hash: third.hash })]));
    expect((await verified(chain, [anchorOf(last)], { file: bad })).stdout).toMatch(/has another hash for entry 8/);
  });

  it.each([
    ['', /has no anchors/],
    ['[]', /has no anchors/],
    ['{"a":{}}', /has no anchors|is none/],
    ['{"version":1}', /anchor 1 is none: date: /],
    ['{version}', /anchor 1 is none: /],
    ['junk {}', /has no anchors, or something else/],
  ])('sends nothing when the file holds %j', async (text, message) => {
    const { exitCode, stderr } = await api.ask('audit', 'verify', '--anchors-file', await anchorsFile(text));
    expect(stderr).toMatch(message);
    expect({ exitCode, sent: api.sent }).toEqual({ exitCode: 2, sent: [] });
  });

  it('says that there is no such file', async () => {
    const { exitCode, stderr } = await api.ask('audit', 'verify', '--anchors-file', '/nowhere/anchors.json');
    expect({ exitCode, stderr }).toEqual({ exitCode: 2, stderr: 'kbroker: /nowhere/anchors.json: no such file\n' });
  });

  it('has a verdict for scripts', async () => {
    const { context, printed } = testContext(broker(without(4), [anchorOf(last)]), { json: true });
    expect(await verifyAudit(context, {})).toBe(1);
    expect(JSON.parse(printed.stdout)).toMatchObject({
      whole: false,
      entries: 7,
      head: { number: 8, hash: last.hash },
      anchors: 1,
      faults: ['entry 4 is missing'],
    });
  });

  it('tells on a terminal how far it is', async () => {
    const { context, printed } = testContext(broker(chain, [anchorOf(last)]), { isTTY: true });
    await verifyAudit(context, {});
    expect(printed.stderr).toBe(
      '\r\u001b[K3 entries looked at, 0 faults\r\u001b[K6 entries looked at, 0 faults\r\u001b[K8 entries looked at, 0 faults\n',
    );
  });
});
