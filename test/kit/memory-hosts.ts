import type { HostRecord } from '#shared/contract/host-records.ts';
import type { HostView } from '#shared/contract/operators/hosts.ts';
import type { Enrolled, HostStore, NewHost, Seen, StoredReport, Unchanged } from '#shared/stores/hosts/port.ts';
import {
  factsOfRow,
  hostViewOf,
  newRecord,
  type OpeningsRow,
  packReport,
  rejectedItem,
  stateOfRow,
  withClone,
  withOpenings,
} from '#shared/stores/hosts/rows.ts';
import { refusalOf } from '#shared/stores/tokens/row.ts';
import { MemoryTokenStore } from './memory-tokens.ts';

type Rejected = Parameters<HostStore['keepRejected']>[1];

/** The store of hosts in memory; it passes the same contract suite as the AWS adapter. */
export class MemoryHostStore implements HostStore {
  /** Rows of hosts, by machine. */
  readonly records = new Map<string, HostRecord>();
  readonly reports = new Map<string, StoredReport>();
  /** Bodies that did not parse, cut as they are kept. */
  readonly rejected = new Map<string, ReturnType<typeof rejectedItem>>();
  readonly #openings = new Map<string, Pick<OpeningsRow, 'day' | 'count'>>();
  readonly #owners = new Map<string, string>();
  readonly #tokens: MemoryTokenStore;

  constructor(tokens: MemoryTokenStore = new MemoryTokenStore()) {
    this.#tokens = tokens;
  }

  async find(machineId: string) {
    return structuredClone(this.records.get(machineId));
  }

  async ownerOf(thumbprint: string) {
    return this.#owners.get(thumbprint);
  }

  async enrol(host: NewHost): Promise<Enrolled> {
    let told = false;
    for (;;) {
      const { machineId } = host.host;
      const owner = this.#owners.get(host.thumbprint);
      if (owner !== undefined && owner !== machineId) {
        const inUse = this.records.get(owner)?.thumbprint === host.thumbprint;
        const noted = inUse && (await this.noteClone(owner, { machineId, at: host.at }));
        return { outcome: 'cloned', owner, noted };
      }
      const before = this.records.get(machineId);
      if (before?.thumbprint === host.thumbprint) return { outcome: 'already', record: structuredClone(before) };
      const token = this.#tokens.rows.get(host.tokenId);
      const reason = refusalOf(token, host.secretSha256, host.at);
      if (token === undefined || reason !== undefined) return { outcome: 'bad-token', reason: reason ?? '' };
      if (before !== undefined && !token.replace) return { outcome: 'taken' };
      const record = newRecord(host, token.group, before);
      if (!told && host.beforeWrite !== undefined) {
        await host.beforeWrite(structuredClone({ ...(before && { before }), after: record }));
        told = true;
        // Others may have come meanwhile: it is decided anew.
        continue;
      }
      this.#tokens.rows.set(host.tokenId, { ...token, used: token.used + 1 });
      this.#owners.set(host.thumbprint, machineId);
      this.records.set(machineId, structuredClone(record));
      return { outcome: 'enrolled', record };
    }
  }

  async seen(machineId: string, seen: Seen, unchanged?: Unchanged) {
    const before = this.#lettingIn(machineId, seen);
    if (before === undefined) return false;
    this.records.set(machineId, { ...before, ...left(seen), ...unchanged });
    return true;
  }

  async report(machineId: string) {
    return structuredClone(this.reports.get(machineId));
  }

  async putReport(machineId: string, seen: Seen, stored: Parameters<HostStore['putReport']>[2]) {
    const { replaces, report, hash, scan, refused } = stored;
    packReport(machineId, { report, refused });
    const before = this.#lettingIn(machineId, seen);
    if (before?.reportVersion !== replaces) return 'lost' as const;
    const [reportVersion, reportedAt] = [replaces + 1, seen.at];
    this.records.set(machineId, {
      ...before,
      ...left(seen),
      ...factsOfRow(report.host),
      ...stateOfRow(report),
      reportVersion,
      reportHash: hash,
      reportedAt,
      scannedAt: scan.at,
    });
    this.reports.set(machineId, structuredClone({ report, refused, hash, reportVersion, reportedAt, scan }));
    return 'stored' as const;
  }

  async keepRejected(machineId: string, rejected: Rejected) {
    this.rejected.set(machineId, rejectedItem(rejected));
  }

  async noteClone(machineId: string, clone: { readonly machineId: string; readonly at: string }) {
    const before = this.records.get(machineId);
    const clones = before && withClone(before.clones ?? [], clone);
    if (before === undefined || clones === undefined) return false;
    this.records.set(machineId, { ...before, clones });
    return true;
  }

  async takeOpenings(machineId: string, asked: Parameters<HostStore['takeOpenings']>[1]) {
    const { taken, after } = withOpenings(this.#openings.get(machineId), asked);
    if (taken > 0) this.#openings.set(machineId, after);
    return taken;
  }

  async returnOpenings(machineId: string, { day, count }: { readonly day: string; readonly count: number }) {
    const before = this.#openings.get(machineId);
    if (before?.day === day && before.count >= count)
      this.#openings.set(machineId, { day, count: before.count - count });
  }

  async view(machineId: string): Promise<HostView | undefined> {
    const record = this.records.get(machineId);
    if (record === undefined) return undefined;
    return structuredClone(hostViewOf(record, this.reports.get(machineId), this.rejected.get(machineId)));
  }

  async revoke(machineId: string, at: string, reason?: string) {
    const before = this.records.get(machineId);
    if (before === undefined) return false;
    const revocationReason = before.revocationReason ?? reason;
    this.records.set(machineId, {
      ...before,
      revokedAt: before.revokedAt ?? at,
      ...(revocationReason !== undefined && { revocationReason }),
    });
    return true;
  }

  /** The row, when it lets the request in. */
  #lettingIn(machineId: string, { sequence, after, thumbprint }: Seen): HostRecord | undefined {
    const before = this.records.get(machineId);
    if (before === undefined || before.revokedAt !== undefined || before.thumbprint !== thumbprint) return undefined;
    return before.sequence === after && before.sequence < sequence ? before : undefined;
  }
}

function left({ sequence, at, allowance, livelyUntil, received }: Seen) {
  return {
    sequence,
    lastSeenAt: at,
    allowance,
    ...(livelyUntil !== undefined && { livelyUntil }),
    ...(received !== undefined && { received }),
  };
}
