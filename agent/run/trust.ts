import * as z from 'zod/mini';
import type { FileStatus } from '#shared/contract/agent/files.ts';
import { buildKey, type RepositoryKey } from '#shared/contract/keys.ts';
import { groupPackages, hostsPackages, packageManifest, packagePaths } from '#shared/contract/packages.ts';
import {
  groupCatalog,
  groupRules,
  hostAssignments,
  indexFacts,
  revisionOfRules,
  rulesVersionOf,
  targetPaths,
} from '#shared/contract/signed-documents.ts';
import { packageRef } from '#shared/core/packages/model.ts';
import type { TrustedVersion } from '#shared/repository/client.ts';
import { RepositoryError } from '#shared/repository/repository-error.ts';
import { binOfHost } from '#shared/repository/targets.ts';
import { AgentError } from '../ports/agent-error.ts';
import type { Agent } from './agent.ts';
import type { IdentityDocument, StoredPackages, StoredRules } from './documents.ts';
import type { OfferedIndex } from './pull.ts';
import { withRetries } from './retry.ts';
import { provedRevision } from './rules.ts';
import { provedPackages } from './stored-packages.ts';

/** What the signed repository offers one host. */
export interface Offer {
  /** With the group that the host is in. */
  readonly rules: StoredRules;
  /** Administrators' own packages that are for this host. */
  readonly packages: StoredPackages;
  /** Absent while the broker has none. */
  readonly index: OfferedIndex | undefined;
  /** Files that the repository holds for hosts of the group, by SHA-1. */
  readonly held: ReadonlyMap<string, FileStatus>;
}

/**
 * Looks for a newer version of the repository and reads what is for this host: the rules of its group and its own, the
 * index, and files that are held. What is not signed as it must be is refused as a whole, and what was believed before stays.
 * So are rules of an older revision than this root proved here before.
 *
 * @throws AgentError `untrusted` with the role and what is wrong with it; what went wrong on the network
 */
export async function readOffer(agent: Agent, identity: IdentityDocument, signal?: AbortSignal): Promise<Offer> {
  const { rootSha256 } = identity;
  if (rootSha256 === undefined)
    throw new AgentError(
      'untrusted',
      'no root of the repository is pinned here, so nothing of it is believed: enrol with a token that was made after "kbroker trust init"',
    );
  const trusted = agent.adapters.openTrust(rootSha256, (key, maxBytes) => fetchWhole(agent, key, maxBytes, signal));
  try {
    const { documents } = agent.adapters;
    const proved = {
      revision: await provedRevision(documents, rootSha256),
      packages: await provedPackages(documents, rootSha256),
    };
    return await offerOf(await trusted.refresh(), { ...identity, rootSha256 }, proved);
  } catch (error) {
    if (error instanceof RepositoryError) throw new AgentError('untrusted', error.message, { cause: error });
    throw error;
  }
}

async function offerOf(
  version: TrustedVersion,
  { group: enrolled, machineId, rootSha256 }: IdentityDocument & { readonly rootSha256: string },
  proved: { readonly revision: number; readonly packages: number },
): Promise<Offer> {
  const revision = await revisionAfter(version, proved.revision);
  const bin = await version.document(targetPaths.hostAssignments(binOfHost(machineId)), hostAssignments);
  const own = bin !== undefined && Object.hasOwn(bin.hosts, machineId) ? bin.hosts[machineId] : undefined;
  const group = own?.group ?? enrolled;
  const ofGroup = (await version.document(targetPaths.groupRules(group), groupRules))?.packages ?? [];
  const names = new Set(ofGroup.map(({ name }) => name));
  const packages = [...ofGroup, ...(own?.packages ?? []).filter(({ name }) => !names.has(name))];
  const catalog = await version.document(targetPaths.groupCatalog(group), groupCatalog);
  const held = (catalog?.files ?? []).map((file): [string, FileStatus] => [file.sha1, { ...file, state: 'held' }]);
  return {
    packages: {
      version: 1,
      rootSha256,
      enrolment: { machineId, group: enrolled },
      ...(await packagesOf(version, { machineId, group }, proved.packages)),
    },
    rules: { version: 3, rootSha256, enrolment: { machineId, group: enrolled }, group, revision, packages },
    index: await indexOf(version),
    held: new Map(held),
  };
}

/**
 * Packages of the group and of the host itself, as the role `custom` names them.
 *
 * @param proved the newest version of the role that was proved here, for the same reason as with rules
 * @throws RepositoryError
 */
async function packagesOf(
  version: TrustedVersion,
  { machineId, group }: { readonly machineId: string; readonly group: string },
  proved: number,
): Promise<Pick<StoredPackages, 'customVersion' | 'manifests'>> {
  const { signed } = await version.metadata('custom');
  if (signed.version < proved)
    throw new RepositoryError(
      'rolled-back',
      'custom',
      `custom is refused: version ${signed.version} is less than current version ${proved}, which was proved here`,
    );
  const bin = await version.document(packagePaths.hosts(binOfHost(machineId)), hostsPackages);
  const own = bin !== undefined && Object.hasOwn(bin.hosts, machineId) ? (bin.hosts[machineId] ?? []) : [];
  const ofGroup = (await version.document(packagePaths.group(group), groupPackages))?.packages ?? [];
  const manifests: StoredPackages['manifests'] = [];
  for (const ref of new Set([...ofGroup, ...own])) {
    const [name = '', packageVersion = ''] = ref.split('/');
    const manifest = await version.document(packagePaths.manifest(name, packageVersion), packageManifest);
    if (manifest === undefined)
      throw new RepositoryError('not-found', 'custom', `custom assigns the package ${ref} and does not name it`);
    if (packageRef(manifest) !== ref)
      throw new RepositoryError('mixed', 'custom', `custom has ${packageRef(manifest)} in the place of ${ref}`);
    manifests.push(manifest);
  }
  return { customVersion: signed.version, manifests };
}

/**
 * The revision of the rules that are offered. TUF forgets versions together with an online key, so that numbers a thief of it
 * wrote can be left behind; administrators' numbers are no part of that, and so are remembered beside it.
 *
 * @throws RepositoryError `rolled-back`
 */
async function revisionAfter(version: TrustedVersion, proved: number): Promise<number> {
  const { signed } = await version.metadata('rules');
  const revision = revisionOfRules(signed.version);
  if (revision >= proved) return revision;
  throw new RepositoryError(
    'rolled-back',
    'rules',
    `rules is refused: version ${signed.version} is less than current version ${rulesVersionOf(proved)}, which was proved here`,
  );
}

async function indexOf(version: TrustedVersion): Promise<OfferedIndex | undefined> {
  const target = await version.target(targetPaths.index);
  if (target === undefined) return undefined;
  const facts = z.safeParse(indexFacts, target.custom);
  if (!facts.success) throw new RepositoryError('malformed', 'feed', `feed does not say when the index was published`);
  return { sha256: target.sha256, bytes: target.length, publishedAt: facts.data.publishedAt };
}

/** One small file of the repository; undefined when there is none. */
async function fetchWhole(
  agent: Agent,
  key: RepositoryKey,
  maxBytes: number,
  signal: AbortSignal | undefined,
): Promise<Uint8Array | undefined> {
  const { repository } = agent.adapters;
  const fetch = async (): Promise<Uint8Array | undefined> => {
    try {
      const answer = await repository.open(key, undefined, signal);
      const chunks: Uint8Array[] = [];
      let bytes = 0;
      for await (const chunk of answer.body) {
        bytes += chunk.byteLength;
        // Leaving the loop closes the connection: who sends without an end gets no further.
        if (bytes > maxBytes) throw tooLong(key, maxBytes);
        chunks.push(chunk);
      }
      return Buffer.concat(chunks);
    } catch (error) {
      if (error instanceof AgentError && error.code === 'not-found') return undefined;
      throw error;
    }
  };
  return withRetries(agent, buildKey(key), fetch, signal);
}

const tooLong = (key: RepositoryKey, maxBytes: number): RepositoryError =>
  new RepositoryError('too-long', undefined, `${buildKey(key)} has more than ${maxBytes} bytes`);
