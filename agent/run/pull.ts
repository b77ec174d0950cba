import * as z from 'zod/mini';
import { AgentError } from '../ports/agent-error.ts';
import type { Expected, Slot } from '../ports/file-store.ts';
import type { Agent } from './agent.ts';
import { type CycleResult, indexDocument } from './documents.ts';
import { download } from './download.ts';
import { checkSignature } from './signature.ts';
import { repositorySource } from './sources.ts';

/** The index that the signed repository names. */
export interface OfferedIndex {
  readonly sha256: string;
  readonly bytes: number;
  /** When the broker published it, ISO 8601. */
  readonly publishedAt: string;
}

/** The index in the data folder, proved a moment ago. */
export interface CurrentIndex {
  readonly pointer: OfferedIndex;
  readonly path: string;
  /** Bytes that came over the network for it; 0 when it was there. */
  readonly bytesReceived: number;
  /** Bytes of earlier attempts. */
  readonly bytesResumed: number;
}

/** What a cycle's result says of its index. */
export const summaryOfIndex = ({ pointer, bytesReceived }: CurrentIndex): CycleResult['index'] & object => ({
  sha256: pointer.sha256,
  bytes: pointer.bytes,
  publishedAt: pointer.publishedAt,
  bytesReceived,
});

const slotOf = (pointer: OfferedIndex): Slot => ({ kind: 'index', sha256: pointer.sha256 });
const expectedOf = (pointer: OfferedIndex): Expected => ({ bytes: pointer.bytes, sha256: pointer.sha256 });
const parse = (value: unknown) => z.parse(indexDocument, value);

/**
 * Brings the index that the signed repository names: downloads when the bytes are not here (or are damaged), checks the
 * signature of what is new, writes down which it is last, and only then removes other indexes. What is refused stays until
 * the repository offers something else, so that it is not downloaded at every cycle.
 */
export async function pullIndex(agent: Agent, pointer: OfferedIndex, signal?: AbortSignal): Promise<CurrentIndex> {
  const { files, documents } = agent.adapters;
  const stored = await documents.read('index', parse);
  if (pointer.bytes > agent.settings.maxIndexBytes) {
    throw new AgentError(
      'too-long',
      `the index has ${pointer.bytes} bytes, allowed are ${agent.settings.maxIndexBytes}`,
    );
  }
  const slot = slotOf(pointer);
  const { bytesReceived, bytesResumed } = await download(
    agent,
    repositorySource(agent, { kind: 'index', sha256: pointer.sha256 }),
    slot,
    expectedOf(pointer),
    signal,
  );
  const known = stored?.pointer.sha256 === pointer.sha256 ? stored.signature : undefined;
  const signature = known ?? (await checkOrKeep(agent, slot, stored?.pointer));
  if (known === undefined) await documents.write('index', { version: 1, pointer, signature });
  await removeAllBut(agent, [pointer]);
  return { pointer, path: files.pathOf(slot), bytesReceived, bytesResumed };
}

/** The signature in words; when it is refused, the index that was good before stays beside the refused one. */
async function checkOrKeep(agent: Agent, slot: Slot, before: OfferedIndex | undefined): Promise<string> {
  try {
    return await checkSignature(agent, slot);
  } catch (error) {
    if (slot.kind === 'index') await removeAllBut(agent, [slot, ...(before === undefined ? [] : [before])]);
    throw error;
  }
}

async function removeAllBut({ adapters }: Agent, kept: readonly { readonly sha256: string }[]): Promise<void> {
  for (const { slot } of await adapters.files.list('index')) {
    if (slot.kind === 'index' && !kept.some(({ sha256 }) => sha256 === slot.sha256)) await adapters.files.remove(slot);
  }
}

/** The index that an earlier cycle left, proved again; undefined when there is none that is whole. */
export async function storedIndex(agent: Agent): Promise<CurrentIndex | undefined> {
  const { files, documents } = agent.adapters;
  const stored = await documents.read('index', parse);
  if (stored === undefined) return undefined;
  const slot = slotOf(stored.pointer);
  if (!(await files.verify(slot, expectedOf(stored.pointer)))) return undefined;
  if (stored.signature === undefined) await checkSignature(agent, slot);
  return { pointer: stored.pointer, path: files.pathOf(slot), bytesReceived: 0, bytesResumed: 0 };
}
