import * as z from 'zod/mini';
import { hostStates, updateStates } from '../../core/status/states.ts';
import { groupName } from '../agent/identity.ts';
import { commandId } from '../commands.ts';
import type { Endpoint } from '../endpoint.ts';
import { runId } from '../messages/sync-index.ts';
import { hostSorts, listOrders } from '../operators/hosts.ts';
import { guid, kbNumber, machineId, sha1, timestamp } from '../primitives.ts';
import { fileRequestStates } from '../requests.ts';
import { updateName } from '../rules.ts';
import { tokenId } from '../tokens.ts';

/** A parameter of a path or query, as the OpenAPI document tells it. */
interface ParameterText {
  readonly shape: z.core.$ZodType;
  readonly description: string;
}

const pathParameters: Readonly<Record<string, ParameterText>> = {
  machineId: { shape: machineId, description: 'Identity of a host.' },
  updateId: { shape: guid, description: 'UpdateId of an update, lower case.' },
  sha1: { shape: sha1, description: 'SHA-1 of a payload file, lower-case hex.' },
  runId: { shape: runId, description: 'Names a run of the synchronisation.' },
  group: { shape: groupName, description: 'Name of a group of hosts.' },
  commandId: { shape: commandId, description: 'Names a command.' },
  tokenId: { shape: tokenId, description: 'Names an enrolment token; it is the second part of it.' },
  revision: { shape: z.int().check(z.nonnegative()), description: 'Revision of the rules; 0 is the empty book.' },
};

const part = z.string().check(z.minLength(1), z.maxLength(200));

const queryParameters: Readonly<Record<string, ParameterText>> = {
  cursor: { shape: z.string(), description: 'Where the page starts: `next` of the page before. The first has none.' },
  limit: {
    shape: z._default(z.int().check(z.minimum(1), z.maximum(500)), 100),
    description: 'Items of a page at most.',
  },
  kb: { shape: kbNumber, description: 'KB number, without "KB".' },
  group: { shape: groupName, description: 'Only hosts of this group.' },
  os: { shape: part, description: "Only hosts whose operating system's name or version has this part, in any case." },
  name: { shape: part, description: 'Only hosts whose hostname or machine id has this part, in any case.' },
  update: {
    shape: z.union([guid, kbNumber]),
    description: 'Only hosts that reported this update: its UpdateId, or a KB number without "KB".',
  },
  updateState: {
    shape: z.enum(updateStates),
    description: 'Only hosts that have that update in this state; without `update`, any.',
  },
  revoked: {
    shape: z.enum(['true', 'false']),
    description: 'Only hosts whose key was revoked (`true`), or only those that are let in (`false`).',
  },
  seenBefore: { shape: timestamp, description: 'Only hosts that checked in last before then.' },
  seenAfter: { shape: timestamp, description: 'Only hosts that checked in after then.' },
  sort: { shape: z._default(z.enum(hostSorts), 'machineId'), description: 'What the list is ordered by.' },
  order: {
    shape: z._default(z.enum(listOrders), 'ascending'),
    description: 'Direction of the order.',
  },
  key: {
    shape: z.string(),
    description: 'Key of a signed file in the repository, such as `metadata/timestamp.json`.',
  },
  from: { shape: z._default(z.int().check(z.minimum(1)), 1), description: 'Number of the first entry.' },
};

/** Parameters that mean something else for one path. */
const exceptions: Readonly<Record<string, Readonly<Record<string, ParameterText>>>> = {
  '/v1/requests': { state: { shape: z.enum(fileRequestStates), description: 'Only requests in this state.' } },
  '/v1/hosts': { state: { shape: z.enum(hostStates), description: 'Only hosts in this state.' } },
  '/v1/updates/reported': {
    kb: { shape: kbNumber, description: 'Only updates of this KB; its number without "KB".' },
    state: { shape: z.enum(updateStates), description: 'Only updates that at least one host has in this state.' },
    group: { shape: groupName, description: 'Counts of the hosts of this group alone.' },
  },
  '/v1/rules/explanations/{machineId}': {
    kb: {
      shape: kbNumber,
      description: 'Only updates of this KB; its number without "KB". Not together with `update`.',
    },
    update: {
      shape: updateName,
      description:
        'Only this update: its UpdateId, or `UpdateId_revision`. Without it and `kb`, those that the host needs.',
    },
  },
  '/v1/audit': {
    from: { shape: z.int().check(z.minimum(1)), description: 'Number of the first entry, in the order asked for.' },
  },
};

/** Query parameters that a call cannot do without, by path. */
const required: Readonly<Record<string, readonly string[]>> = { '/v1/updates': ['kb'], '/v1/trust/files': ['key'] };

/** A parameter of one endpoint. */
export interface EndpointParameter extends ParameterText {
  readonly name: string;
  readonly in: 'path' | 'query';
  readonly required: boolean;
}

/**
 * Parameters of an endpoint, those of the path first.
 *
 * @throws Error for one that is not described here
 */
export function parametersOf({ path, query = [] }: Endpoint): readonly EndpointParameter[] {
  const names = [...path.matchAll(/\{([A-Za-z0-9]+)\}/g)].map(([, name = '']) => name);
  const known = (name: string, text: ParameterText | undefined): ParameterText => {
    if (text === undefined) throw new Error(`the parameter ${name} of ${path} is not described`);
    return text;
  };
  return [
    ...names.map((name) => ({ name, in: 'path' as const, required: true, ...known(name, pathParameters[name]) })),
    ...query.map((name) => ({
      name,
      in: 'query' as const,
      required: required[path]?.includes(name) ?? false,
      ...known(name, exceptions[path]?.[name] ?? queryParameters[name]),
    })),
  ];
}
