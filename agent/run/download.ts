import { AgentError } from '../ports/agent-error.ts';
import type { Expected, Origin, PartFile, Slot } from '../ports/file-store.ts';
import type { BodyAnswer } from '../ports/repository.ts';
import type { Agent } from './agent.ts';
import { checkStopped, withRetries } from './retry.ts';
import type { Source } from './sources.ts';

export interface Download {
  /** Bytes that came over the network; 0 when the file was there. */
  readonly bytesReceived: number;
  /** Bytes of an earlier attempt that were used. */
  readonly bytesResumed: number;
}

/**
 * Brings one object from a source to its slot: resumed from what an earlier attempt left, capped at the expected
 * length, hashed as it streams, proved, flushed and renamed. When the whole turns out damaged it starts from nothing,
 * once: the beginning may have been damaged on the disk.
 *
 * @throws AgentError; what came so far stays for the next attempt unless it is known to be wrong
 */
export async function download(
  agent: Agent,
  source: Source,
  slot: Slot,
  expected: Expected,
  signal?: AbortSignal,
): Promise<Download> {
  const { files, log } = agent.adapters;
  if (await files.verify(slot, expected)) return { bytesReceived: 0, bytesResumed: 0 };
  const part = await files.openPart(slot);
  try {
    await ensureRoom(agent, name(slot), expected.bytes - part.bytes);
    const bytesResumed = part.bytes;
    let bytesReceived = 0;
    const receive = (): Promise<void> =>
      withRetries(
        agent,
        `download of ${name(slot)}`,
        () =>
          fetchRest(source, part, expected, signal, (bytes) => {
            bytesReceived += bytes;
          }),
        signal,
      );
    await receive();
    try {
      await part.commit(expected);
    } catch (error) {
      if (!(error instanceof AgentError) || error.code !== 'damaged') throw error;
      log({ level: 'warn', message: `${name(slot)}: ${error.message}; starting again` });
      await part.restart(undefined);
      await receive();
      await commitOrDrop(part, expected);
    }
    return { bytesReceived, bytesResumed };
  } finally {
    await part.close();
  }
}

/**
 * Makes sure that bytes can come without filling the disk to its brim.
 *
 * @param what is to come, for people
 * @throws AgentError `no-space`
 */
export async function ensureRoom({ adapters, settings }: Agent, what: string, bytes: number): Promise<void> {
  const { diskReserveBytes } = settings;
  const free = bytes <= 0 ? Infinity : await adapters.files.freeBytes();
  if (free >= bytes + diskReserveBytes) return;
  throw new AgentError(
    'no-space',
    `${what} needs ${bytes} bytes on the disk, and ${diskReserveBytes} are to stay free; free are ${free}`,
  );
}

const name = (slot: Slot): string => `${slot.kind} ${slot.kind === 'payload' ? slot.sha1 : slot.sha256}`;

async function commitOrDrop(part: PartFile, expected: Expected): Promise<void> {
  try {
    await part.commit(expected);
  } catch (error) {
    // Twice wrong: the source itself has wrong bytes. Nothing of them is worth keeping.
    if (error instanceof AgentError && error.code === 'damaged') await part.restart(undefined);
    throw error;
  }
}

/** Appends what is missing of the part, until it is as long as expected. */
async function fetchRest(
  source: Source,
  part: PartFile,
  expected: Expected,
  signal: AbortSignal | undefined,
  received: (bytes: number) => void,
): Promise<void> {
  if (part.bytes > expected.bytes) await part.restart(undefined);
  if (part.bytes === expected.bytes && expected.bytes > 0) return;
  const answer = await openAt(source, part, expected, signal);
  if (answer.totalBytes !== undefined && answer.totalBytes !== expected.bytes) {
    await part.restart(undefined);
    await answer.discard();
    throw wrongLength(expected, answer.totalBytes);
  }
  for await (const chunk of answer.body) {
    checkStopped(signal);
    if (part.bytes + chunk.byteLength > expected.bytes) {
      await part.restart(undefined);
      throw wrongLength(expected);
    }
    await part.append(chunk);
    received(chunk.byteLength);
  }
  if (part.bytes < expected.bytes) {
    throw new AgentError('cut', `the body ended after ${part.bytes} of ${expected.bytes} bytes`);
  }
}

/** @param announced bytes that the server announced; undefined when it just sent more */
const wrongLength = (expected: Expected, announced?: number): AgentError =>
  new AgentError(
    announced !== undefined && announced < expected.bytes ? 'damaged' : 'too-long',
    `expected are ${expected.bytes} bytes, but ${announced === undefined ? 'more arrive' : `${announced} are announced`}; nothing of it is kept`,
  );

/**
 * Opens the object where the part ends, or at its beginning when it is not the object that the part came from. What came from
 * another source is gone on with where the lengths agree: the digests prove the whole, and so tell when it was another object.
 */
async function openAt(
  source: Source,
  part: PartFile,
  expected: Expected,
  signal: AbortSignal | undefined,
): Promise<BodyAnswer> {
  const { bytes, origin } = part;
  if (bytes > 0 && origin !== undefined) {
    const same = origin.source === source.name;
    const answer = await source.open({ from: bytes, ...(same && { etag: origin.etag }) }, signal);
    if (answer.from === bytes && same && answer.etag === origin.etag) return answer;
    if (answer.from === bytes && !same && answer.totalBytes === expected.bytes) {
      await part.goOn(originOf(source, answer));
      return answer;
    }
    if (answer.from === 0) {
      await part.restart(originOf(source, answer));
      return answer;
    }
    // A range of another object, or another range: of no use, whatever If-Range promised.
    await answer.discard();
  }
  const whole = await source.open(undefined, signal);
  if (whole.from !== 0) {
    await whole.discard();
    throw new AgentError('bad-answer', `the whole object was asked for, and the answer begins at byte ${whole.from}`);
  }
  await part.restart(originOf(source, whole));
  return whole;
}

const originOf = ({ name }: Source, { etag }: BodyAnswer): Origin | undefined =>
  etag === undefined ? undefined : { source: name, etag };
