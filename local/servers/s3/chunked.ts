/**
 * Bodies with the content encoding `aws-chunked`: chunks with their own signatures, then trailing headers.
 *
 * Source: "Signature Calculations for the Authorization Header: Transferring Payload in Multiple Chunks" and the same
 * "with trailing headers" in the Amazon S3 API Reference.
 */
import type { Hash } from 'node:crypto';
import { createHash } from 'node:crypto';
import type { SignatureSeed } from '../sigv4.ts';
import { hmac, sameSignature, sha256Hex } from '../sigv4.ts';
import { S3Error } from './errors.ts';

const MAX_LINE_BYTES = 16 * 1024;
const EMPTY_SHA256 = sha256Hex('');

export interface ChunkedBody {
  readonly data: AsyncIterable<Uint8Array>;
  /** Trailing headers with names in lower case; complete when the data has been read to its end. */
  readonly trailers: ReadonlyMap<string, string>;
}

/**
 * @param seed where the chain of chunk signatures begins; undefined when chunks are not signed
 *   (`STREAMING-UNSIGNED-PAYLOAD-TRAILER`)
 */
export function decodeChunked(source: AsyncIterable<Uint8Array>, seed: SignatureSeed | undefined): ChunkedBody {
  const trailers = new Map<string, string>();
  return { data: readChunks(new ByteReader(source), seed, trailers), trailers };
}

async function* readChunks(
  reader: ByteReader,
  seed: SignatureSeed | undefined,
  trailers: Map<string, string>,
): AsyncIterable<Uint8Array> {
  let previous = seed?.signature ?? '';
  for (;;) {
    const line = await reader.line();
    const { size, signature } = readChunkHead(line);
    const hash = seed ? createHash('sha256') : undefined;
    for (let left = size; left > 0; ) {
      const part = await reader.upTo(left);
      left -= part.length;
      hash?.update(part);
      yield part;
    }
    if (seed && hash) {
      checkChunk(seed, previous, hash, signature);
      previous = signature ?? '';
    }
    if (size === 0) break;
    if ((await reader.line()) !== '') throw incomplete('a chunk is longer than it says');
  }
  await readTrailers(reader, seed, previous, trailers);
}

function readChunkHead(line: string): { readonly size: number; readonly signature: string | undefined } {
  const match = /^([0-9a-fA-F]{1,13})(?:;chunk-signature=([0-9a-f]{64}))?$/.exec(line);
  if (!match?.[1]) throw incomplete(`'${line.slice(0, 80)}' is not the head of a chunk`);
  return { size: Number.parseInt(match[1], 16), signature: match[2] };
}

function checkChunk(seed: SignatureSeed, previous: string, hash: Hash, given: string | undefined): void {
  const text = ['AWS4-HMAC-SHA256-PAYLOAD', seed.timestamp, seed.scope, previous, EMPTY_SHA256, hash.digest('hex')];
  checkSignature(seed, text.join('\n'), given, 'chunk');
}

async function readTrailers(
  reader: ByteReader,
  seed: SignatureSeed | undefined,
  previous: string,
  trailers: Map<string, string>,
): Promise<void> {
  let signed = '';
  let signature: string | undefined;
  for (;;) {
    const line = await reader.lineOrEnd();
    if (line === undefined || line === '') break;
    const at = line.indexOf(':');
    if (at < 1) throw incomplete(`'${line.slice(0, 80)}' is not a trailing header`);
    const name = line.slice(0, at).trim().toLowerCase();
    const value = line.slice(at + 1).trim();
    if (name === 'x-amz-trailer-signature') {
      signature = value;
    } else {
      trailers.set(name, value);
      signed += `${name}:${value}\n`;
    }
  }
  if (!seed || trailers.size === 0) return;
  const text = ['AWS4-HMAC-SHA256-TRAILER', seed.timestamp, seed.scope, previous, sha256Hex(signed)];
  checkSignature(seed, text.join('\n'), signature, 'trailer');
}

function checkSignature(seed: SignatureSeed, text: string, given: string | undefined, what: string): void {
  const expected = hmac(seed.signingKey, text).toString('hex');
  if (given === undefined || !sameSignature(expected, given)) {
    throw new S3Error('SignatureDoesNotMatch', 403, `The signature of a ${what} of the body does not match.`);
  }
}

function incomplete(why: string): S3Error {
  return new S3Error('IncompleteBody', 400, `The aws-chunked body is broken: ${why}.`);
}

/** Lines and counted bytes from a stream of chunks, without keeping more than one of them. */
class ByteReader {
  readonly #source: AsyncIterator<Uint8Array>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  async #more(): Promise<boolean> {
    const next = await this.#source.next();
    if (next.done) return false;
    const chunk = Buffer.from(next.value.buffer, next.value.byteOffset, next.value.length);
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    return true;
  }

  /** At least one byte and at most so many. */
  async upTo(bytes: number): Promise<Uint8Array> {
    while (this.#rest.length === 0) {
      if (!(await this.#more())) throw incomplete('it ends in the middle of a chunk');
    }
    const part = this.#rest.subarray(0, bytes);
    this.#rest = this.#rest.subarray(part.length);
    return part;
  }

  async line(): Promise<string> {
    const line = await this.lineOrEnd();
    if (line === undefined) throw incomplete('it ends before its last chunk');
    return line;
  }

  /** A line without its CR LF; undefined at the end of the body. */
  async lineOrEnd(): Promise<string | undefined> {
    for (;;) {
      const at = this.#rest.indexOf('\n');
      if (at >= 0) {
        const line = this.#rest.subarray(0, at).toString('latin1');
        this.#rest = this.#rest.subarray(at + 1);
        return line.endsWith('\r') ? line.slice(0, -1) : line;
      }
      if (this.#rest.length > MAX_LINE_BYTES) throw incomplete('a line is too long');
      if (!(await this.#more())) {
        if (this.#rest.length > 0) throw incomplete('it ends in the middle of a line');
        return undefined;
      }
    }
  }
}
