import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildKey } from '#shared/contract/keys.ts';
import type { RuleBook } from '#shared/contract/rules.ts';
import { groupCatalog, groupRules, hostAssignments, targetPaths } from '#shared/contract/signed-documents.ts';
import { openTrustedRepository, type TrustedRepository } from '#shared/repository/client.ts';
import { binOfHost } from '#shared/repository/targets.ts';
import { SignedRepository } from '#test/kit/signed-repository.ts';
import { type Bench, type BenchContext, type BenchRow, UsageError } from '../kit/bench.ts';

export const trustBench: Bench = {
  name: 'trust',
  summary: "requests and bytes of a host's look at the signed repository: nothing changed, and one rule changed",
  run,
};

/** Numbers of groups that have rules. */
const sizes = [1, 100, 400] as const;
/** Rules of each group's package: an ordinary one has some ten (bench/rules/inputs.ts). */
const rulesOfPackage = 10;
const host = 'host-1';
const index = { sha256: 'a'.repeat(64), bytes: 650_000_000, publishedAt: '2026-11-26T00:00:00Z' };
const files = Array.from({ length: 20 }, (_, n) => ({
  sha1: String(n % 10).repeat(40),
  sha256: String(n % 10).repeat(64),
  size: 1_000_000,
}));

/** What one look cost. */
interface Cost {
  readonly requests: number;
  /** Of the bodies. */
  readonly bytes: number;
  /** Both ways, with all headers. */
  readonly wireBytes: number;
  /** CPU of the client and of the server beside it, milliseconds. */
  readonly milliseconds: number;
}

async function run({ args, progress }: BenchContext): Promise<readonly BenchRow[]> {
  if (args.length > 0) throw new UsageError(`got ${args.join(' ')}, allowed are no arguments`);
  const rows: BenchRow[] = [];
  for (const groups of sizes) {
    const name = `${groups} ${groups === 1 ? 'group' : 'groups'}`;
    progress(name);
    const { unchanged, oneRule } = await measure(groups);
    const first = groups === 1;
    rows.push(
      ...rowsOf(`${name}, nothing changed`, unchanged, first ? { requests: 2, bytes: 2000 } : undefined),
      ...rowsOf(`${name}, one rule changed`, oneRule, first ? { requests: 4, bytes: 6000 } : undefined),
    );
  }
  return rows;
}

const rowsOf = (
  name: string,
  cost: Cost,
  goal: { readonly requests: number; readonly bytes: number } | undefined,
): readonly BenchRow[] => [
  {
    name: `${name}: requests`,
    value: cost.requests,
    unit: 'requests',
    ...(goal && { goal: { atMost: goal.requests } }),
  },
  { name: `${name}: bytes of bodies`, value: cost.bytes, unit: 'bytes' },
  // With the headers of both sides: the stricter reading of the goal.
  {
    name: `${name}: bytes on the wire, both ways`,
    value: cost.wireBytes,
    unit: 'bytes',
    ...(goal && { goal: { atMost: goal.bytes } }),
  },
  { name: `${name}: CPU of client and server`, value: cost.milliseconds, unit: 'ms' },
];

async function measure(groups: number): Promise<{ readonly unchanged: Cost; readonly oneRule: Cost }> {
  await using cleanup = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'kbroker-bench-trust-'));
  cleanup.defer(() => rm(folder, { recursive: true, force: true }));
  const names = Array.from({ length: groups }, (_, n) => `site-${String(n).padStart(3, '0')}`);
  const catalogs = Object.fromEntries(names.map((name) => [name, files]));
  const repository = await SignedRepository.make({ book: bookOf(names, 0), feed: { index, catalogs } });
  const served = await serve(repository, cleanup);
  const client = openTrustedRepository({
    folder: join(folder, 'trust'),
    rootSha256: repository.rootSha256,
    fetch: async (key) => {
      const response = await fetch(`${served.url}/${buildKey(key)}`);
      const body = await response.arrayBuffer();
      if (!response.ok) return undefined;
      served.count.bytes += body.byteLength;
      return new Uint8Array(body);
    },
  });
  const group = names[0] ?? '';
  const look = async (): Promise<Cost> => {
    const before = { ...served.count, wire: served.wire() };
    const cpu = process.cpuUsage();
    await lookAt(client, group);
    const { user, system } = process.cpuUsage(cpu);
    return {
      requests: served.count.requests - before.requests,
      bytes: served.count.bytes - before.bytes,
      wireBytes: served.wire() - before.wire,
      milliseconds: (user + system) / 1000,
    };
  };
  await look();
  await look();
  const unchanged = await look();
  await repository.publish({ book: bookOf(names, 1) });
  return { unchanged, oneRule: await look() };
}

/** All that an agent reads at its check-in. */
async function lookAt(client: TrustedRepository, group: string): Promise<void> {
  const version = await client.refresh();
  await version.document(targetPaths.hostAssignments(binOfHost(host)), hostAssignments);
  const rules = await version.document(targetPaths.groupRules(group), groupRules);
  const held = await version.document(targetPaths.groupCatalog(group), groupCatalog);
  if (
    rules?.packages.length !== 1 ||
    held?.files.length !== files.length ||
    (await version.target(targetPaths.index)) === undefined
  )
    throw new Error('the look did not find what is there');
}

/** Each group has a package of its own; `revision` changes one rule of the first. */
const bookOf = (names: readonly string[], revision: number): RuleBook => ({
  packages: names.map((name, at) => ({
    name,
    priority: 0,
    rules: Array.from({ length: rulesOfPackage }, (_, n) => ({
      effect: 'allow' as const,
      when: { kbs: [String(5_000_000 + n + (at === 0 && n === 0 ? revision : 0))] },
      comment: `rule ${n} of ${name}`,
    })),
  })),
  assignments: { groups: Object.fromEntries(names.map((name) => [name, [name]])), hosts: {} },
});

async function serve(repository: SignedRepository, cleanup: AsyncDisposableStack) {
  const count = { requests: 0, bytes: 0 };
  const sockets = new Set<{ readonly bytesRead: number; readonly bytesWritten: number }>();
  const server = createServer((request, response) => {
    count.requests += 1;
    const text = repository.objects.get((request.url ?? '/').slice(1));
    response.writeHead(text === undefined ? 404 : 200, { 'content-type': 'application/json' }).end(text);
  });
  server.on('connection', (socket) => sockets.add(socket));
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  cleanup.defer(async () => {
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    count,
    wire: () => [...sockets].reduce((sum, { bytesRead, bytesWritten }) => sum + bytesRead + bytesWritten, 0),
  };
}
