import * as z from 'zod/mini';
import type { IndexPointer } from '#shared/contract/index-pointer.ts';
import { AgentError } from '../ports/agent-error.ts';
import type { Expected, Slot } from '../ports/file-store.ts';
import type { Agent } from './agent.ts';
import { indexDocument } from './documents.ts';
import { download } from './download.ts';
import { withRetries } from './retry.ts';

/** The index in the data folder, proved a moment ago. */
export interface CurrentIndex {
  readonly pointer: IndexPointer;
  readonly path: string;
  /** Bytes that came over the network for it; 0 when it was there. */
  readonly bytesReceived: number;
}

const slotOf = (pointer: IndexPointer): Slot => ({ kind: 'index', sha256: pointer.sha256 });
const expectedOf = (pointer: IndexPointer): Expected => ({ bytes: pointer.bytes, sha256: pointer.sha256 });
const parse = (value: unknown) => z.parse(indexDocument, value);

/**
 * Brings the current index: asks for the pointer conditionally, downloads when the bytes are not here (or are damaged),
 * writes the pointer last, and only then removes other indexes.
 */
export async function pullIndex(agent: Agent, signal?: AbortSignal): Promise<CurrentIndex> {
  const { repository, files, documents } = agent.adapters;
  const stored = await documents.read('index', parse);
  const answer = await withRetries(
    agent,
    'pointer to the index',
    () => repository.fetchPointer(stored?.etag, signal),
    signal,
  );
  const pointer = answer.changed ? answer.pointer : stored?.pointer;
  if (pointer === undefined) {
    throw new AgentError('bad-answer', 'the repository says that the pointer did not change, but none is known here');
  }
  if (pointer.bytes > agent.settings.maxIndexBytes) {
    throw new AgentError(
      'too-long',
      `the index has ${pointer.bytes} bytes, allowed are ${agent.settings.maxIndexBytes}`,
    );
  }
  const slot = slotOf(pointer);
  const { bytesReceived } = await download(
    agent,
    { kind: 'index', sha256: pointer.sha256 },
    slot,
    expectedOf(pointer),
    signal,
  );
  if (answer.changed) {
    await documents.write('index', {
      version: 1,
      pointer,
      ...(answer.etag === undefined ? {} : { etag: answer.etag }),
    });
  }
  for (const other of await files.list('index')) {
    if (other.slot.kind === 'index' && other.slot.sha256 !== pointer.sha256) await files.remove(other.slot);
  }
  return { pointer, path: files.pathOf(slot), bytesReceived };
}

/** The index that an earlier cycle left, proved again; undefined when there is none that is whole. */
export async function storedIndex(agent: Agent): Promise<CurrentIndex | undefined> {
  const { files, documents } = agent.adapters;
  const stored = await documents.read('index', parse);
  if (stored === undefined) return undefined;
  const slot = slotOf(stored.pointer);
  if (!(await files.verify(slot, expectedOf(stored.pointer)))) return undefined;
  return { pointer: stored.pointer, path: files.pathOf(slot), bytesReceived: 0 };
}
