import * as z from 'zod/mini';
import { type HostSummary, hostSorts, listOrders } from '#shared/contract/operators/hosts.ts';
import { guid, kbNumber, timestamp } from '#shared/contract/primitives.ts';
import { ProblemError } from '#shared/contract/problem-error.ts';
import { countHosts, unreadableOf } from '#shared/core/fleet/fleet.ts';
import { listHosts } from '#shared/core/fleet/list-hosts.ts';
import { listUpdates } from '#shared/core/fleet/list-updates.ts';
import type { FleetHost } from '#shared/core/fleet/model.ts';
import { receivedBy } from '#shared/core/fleet/received.ts';
import { hostStates, updateStates } from '#shared/core/status/states.ts';
import { ageOf, currentFleet, type FleetPorts, iso } from './current-fleet.ts';
import { groupsApi } from './groups.ts';
import { pageQuery, parameter } from './parameters.ts';
import type { FleetLists } from './ports.ts';

/** `KB5000001`, `5000001`, or an UpdateId, in any case. */
const updateOrKb = z.union([
  z.pipe(
    z.pipe(
      z.string(),
      z.transform((text) => text.replace(/^KB/i, '')),
    ),
    kbNumber,
  ),
  z.pipe(
    z.pipe(
      z.string(),
      z.transform((text) => text.toLowerCase()),
    ),
    guid,
  ),
]);
const part = z.string().check(z.minLength(1), z.maxLength(200));
const order = z.enum(listOrders);
const trueOrFalse = z.enum(['true', 'false']);

/** Not every list shows all of a damaged table; 100 names are enough to see it. */
const maxUnreadable = 100;

/**
 * Lists and counts of the fleet, from its snapshot. A cursor holds where the last row stands in the order of the list, not
 * a place in a snapshot: a list goes on behind that row in whatever snapshot is current then, and a row that moved in the
 * meantime may come twice or not at all.
 */
export function fleetLists(ports: FleetPorts): FleetLists {
  return {
    ...groupsApi(ports),

    async fleetCounts() {
      const fleet = await currentFleet(ports);
      const byState = countHosts(fleet);
      const total = Object.values(byState).reduce((sum, count) => sum + count, 0);
      return { ...ageOf(fleet, ports.now()), total, byState: { ...byState } };
    },

    receivedIn: async (month) => receivedBy(await currentFleet(ports), month),

    async listHosts({ query }) {
      const timeOf = (name: 'seenBefore' | 'seenAfter'): number | undefined => {
        const text = parameter(z.optional(timestamp), name, query[name]);
        return text === undefined ? undefined : Date.parse(text);
      };
      const sort = parameter(z.optional(z.enum(hostSorts)), 'sort', query.sort) ?? 'machineId';
      const value = sort === 'lastSeenAt' || sort === 'reportedAt' ? z.number() : z.string();
      const revoked = parameter(z.optional(trueOrFalse), 'revoked', query.revoked);
      const { cursor, limit } = pageQuery(query);
      const asked = {
        filter: {
          group: parameter(z.optional(part), 'group', query.group),
          state: parameter(z.optional(z.enum(hostStates)), 'state', query.state),
          os: parameter(z.optional(part), 'os', query.os),
          name: parameter(z.optional(part), 'name', query.name),
          update: parameter(z.optional(updateOrKb), 'update', query.update),
          updateState: parameter(z.optional(z.enum(updateStates)), 'updateState', query.updateState),
          revoked: revoked === undefined ? undefined : revoked === 'true',
          seenBefore: timeOf('seenBefore'),
          seenAfter: timeOf('seenAfter'),
        },
        sort,
        descending: parameter(z.optional(order), 'order', query.order) === 'descending',
        after: positionOf(z.tuple([value, z.string()]), cursor),
        limit,
      };
      const fleet = await currentFleet(ports);
      const { total, hosts, next } = listHosts(fleet, asked);
      return {
        version: 2,
        ...ageOf(fleet, ports.now()),
        total,
        hosts: hosts.map(summaryOf),
        unreadable: unreadableOf(fleet).slice(0, maxUnreadable),
        ...(next !== undefined && { next: JSON.stringify(next) }),
      };
    },

    async listReportedUpdates({ query }) {
      const { cursor, limit } = pageQuery(query);
      const filter = {
        kb: parameter(z.optional(kbNumber), 'kb', query.kb),
        state: parameter(z.optional(z.enum(updateStates)), 'state', query.state),
        group: parameter(z.optional(part), 'group', query.group),
      };
      const after = positionOf(z.tuple([z.number(), z.string()]), cursor);
      const fleet = await currentFleet(ports);
      const { total, updates, next } = listUpdates(fleet, { filter, after, limit });
      return {
        version: 1,
        ...ageOf(fleet, ports.now()),
        total,
        updates: updates.map(({ updateId, revision, kbs, title, hosts }) => ({
          updateId,
          revision,
          kbs: [...kbs],
          ...(title !== undefined && { title }),
          hosts: { ...hosts },
        })),
        ...(next !== undefined && { next: JSON.stringify(next) }),
      };
    },
  };
}

function summaryOf(host: FleetHost): HostSummary {
  const { machineId, hostname, os, osVersion, agentVersion, group, state, counts, reportedAt, revokedAt } = host;
  return {
    machineId,
    hostname,
    os,
    osVersion,
    agentVersion,
    group,
    state,
    counts: { ...counts },
    enrolledAt: iso(host.enrolledAt),
    lastSeenAt: iso(host.lastSeenAt),
    ...(reportedAt !== undefined && { reportedAt: iso(reportedAt) }),
    ...(revokedAt !== undefined && { revokedAt: iso(revokedAt) }),
    cloned: host.clones > 0,
  };
}

/** @throws ProblemError `bad-request` */
function positionOf<S extends z.ZodMiniType>(schema: S, cursor: string | undefined): z.output<S> | undefined {
  if (cursor === undefined) return undefined;
  let position: unknown;
  try {
    position = JSON.parse(cursor);
  } catch {
    // Not JSON: the schema below refuses undefined like any other wrong content.
  }
  const parsed = z.safeParse(schema, position);
  if (!parsed.success) throw new ProblemError('bad-request', 'the cursor is not one that this list gave out');
  return parsed.data;
}
