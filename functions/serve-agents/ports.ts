import type { HostPublicKey, ProofClaims } from '#shared/contract/agent/identity.ts';
import type { HostRecord } from '#shared/contract/host-records.ts';
import type { AuditLog } from '#shared/stores/audit/port.ts';
import type { CatalogStore } from '#shared/stores/catalog/port.ts';
import type { CommandStore } from '#shared/stores/commands/port.ts';
import type { CookieIssuer } from '#shared/stores/cookies/port.ts';
import type { EventSink } from '#shared/stores/events/port.ts';
import type { HostStore, Seen } from '#shared/stores/hosts/port.ts';
import type { PayloadStore } from '#shared/stores/payloads/port.ts';
import type { RequestStore } from '#shared/stores/requests/port.ts';

/** What answering hosts needs of the outside. */
export interface AgentPorts {
  readonly hosts: HostStore;
  readonly commands: Pick<CommandStore, 'active' | 'find' | 'putOutcome'>;
  readonly audit: Pick<AuditLog, 'append'>;
  readonly cookies: CookieIssuer;
  /**
   * Told of each host that lacks cookies and gets none, because they cannot be signed. Must not throw.
   *
   * @param why with the failure when it was tried just now; without one, a try failed some seconds ago
   */
  readonly onNoCookies: (why: { readonly error?: unknown }) => void;
  readonly events: EventSink;
  readonly catalog: Pick<CatalogStore, 'fileFacts' | 'unitsById'>;
  readonly payloads: Pick<PayloadStore, 'held'>;
  readonly requests: Pick<RequestStore, 'open' | 'get'>;
  /** Files that nobody asked for before and one host may have fetched on a day. */
  readonly filesPerDay: number;
  /** How the broker wants to be named in `aud`. */
  readonly audience: string;
  /** Address of the repository, without a slash at the end. */
  readonly repositoryUrl: string;
  /**
   * How long active commands are kept in memory: what a person orders reaches hosts that much later. A fleet of
   * thousand hosts comes once in seven seconds, so that a shorter time would read them for each.
   */
  readonly keepMilliseconds: number;
  readonly now: () => Date;
}

/** An enrolled host, as the proof of its request showed. Nothing of the request is written down yet. */
export interface HostCaller {
  readonly kind: 'host';
  /** As it was when the request came. */
  readonly record: HostRecord;
  /** What the request leaves on the row. */
  readonly seen: Seen;
}

/** Somebody who wants to come in; the key is in the body, which is not parsed yet. */
export interface Newcomer {
  readonly kind: 'newcomer';
  /** @throws ProblemError unless the request was signed with this key, which belongs to nobody else then */
  readonly prove: (publicKey: HostPublicKey) => Promise<ProofClaims>;
}

export type AgentCaller = HostCaller | Newcomer;
