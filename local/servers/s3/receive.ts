/** Taking in a body: decoding, counting, and proving every digest that the client gave, while it streams. */
import { createHash } from 'node:crypto';
import type { BlobWriter } from './blobs.ts';
import type { S3Call } from './call.ts';
import { collect, header } from './call.ts';
import type { Checksum, ChecksumAlgorithm, Hasher } from './checksums.ts';
import { CHECKSUM_ALGORITHMS, checksumHeader, createHasher, parseAlgorithm } from './checksums.ts';
import { decodeChunked } from './chunked.ts';
import { badDigest, invalidArgument, invalidRequest, S3Error } from './errors.ts';

/** The largest object or part of a single request. */
const MAX_BODY_BYTES = 5 * 1024 ** 3;

export interface Received {
  readonly blob: string;
  readonly size: number;
  /** MD5 in hexadecimal. */
  readonly md5: string;
  /** Of the whole body, when the client gave or asked for one. */
  readonly checksum: Checksum | undefined;
}

interface Expected {
  readonly bytes: number;
  readonly md5: string | undefined;
  readonly sha256: string | undefined;
  readonly algorithm: ChecksumAlgorithm | undefined;
  /** Name of the trailing header that the client announced. */
  readonly trailer: string | undefined;
  /** From a header; one from a trailer is known only at the end. */
  readonly checksum: string | undefined;
}

/**
 * Stores the body of a PUT in a new blob.
 *
 * @param wanted algorithm of an upload, computed also when the client sends no checksum
 * @throws S3Error BadDigest, InvalidDigest, XAmzContentSHA256Mismatch, IncompleteBody, EntityTooLarge, …
 */
export async function receiveBlob(call: S3Call, wanted?: ChecksumAlgorithm): Promise<Received> {
  const { expected, data, trailers } = openBody(call, wanted);
  const writer = await call.room.blobs.create();
  try {
    const proof = new Proof(expected);
    for await (const chunk of data) {
      proof.update(chunk);
      await writer.write(chunk);
    }
    const result = proof.finish(trailers);
    await writer.finish();
    return { blob: writer.blob, ...result };
  } catch (error) {
    await writer.discard();
    throw error;
  }
}

/** Reads the small body of a call (XML) and proves it in the same way. */
export async function receiveText(call: S3Call): Promise<string> {
  const { expected, data, trailers } = openBody(call);
  const body = await collect(data);
  const proof = new Proof(expected);
  proof.update(body);
  proof.finish(trailers);
  return body.toString('utf8');
}

/** Stores bytes that the server itself reads, with their MD5 and the checksum that is asked for. */
export async function copyBlob(
  writer: BlobWriter,
  data: AsyncIterable<Uint8Array>,
  algorithm: ChecksumAlgorithm | undefined,
): Promise<Received> {
  try {
    const md5 = createHash('md5');
    const hasher = algorithm && createHasher(algorithm);
    let size = 0;
    for await (const chunk of data) {
      md5.update(chunk);
      hasher?.update(chunk);
      size += chunk.length;
      await writer.write(chunk);
    }
    await writer.finish();
    return {
      blob: writer.blob,
      size,
      md5: md5.digest('hex'),
      checksum: algorithm && hasher ? fullChecksum(algorithm, hasher.digest()) : undefined,
    };
  } catch (error) {
    await writer.discard();
    throw error;
  }
}

/** MD5, and the checksum that is asked for, of bytes that the server itself reads. */
export async function digestsOf(
  data: AsyncIterable<Uint8Array>,
  algorithm: ChecksumAlgorithm | undefined,
): Promise<Pick<Received, 'md5' | 'checksum'>> {
  const md5 = createHash('md5');
  const hasher = algorithm && createHasher(algorithm);
  for await (const chunk of data) {
    md5.update(chunk);
    hasher?.update(chunk);
  }
  return {
    md5: md5.digest('hex'),
    checksum: algorithm && hasher ? fullChecksum(algorithm, hasher.digest()) : undefined,
  };
}

function fullChecksum(algorithm: ChecksumAlgorithm, digest: Buffer): Checksum {
  return { algorithm, value: digest.toString('base64'), type: 'FULL_OBJECT' };
}

function openBody(call: S3Call, wanted?: ChecksumAlgorithm) {
  const mode = header(call, 'x-amz-content-sha256') ?? 'UNSIGNED-PAYLOAD';
  const chunked = mode.startsWith('STREAMING-');
  const expected: Expected = {
    bytes: expectedLength(call, chunked),
    md5: expectedMd5(call),
    sha256: chunked || mode === 'UNSIGNED-PAYLOAD' ? undefined : mode,
    ...expectedChecksum(call, wanted),
  };
  if (!chunked) return { expected, data: call.body(), trailers: new Map<string, string>() };
  const { data, trailers } = decodeChunked(call.body(), chunkSeed(call, mode));
  return { expected, data, trailers };
}

function chunkSeed(call: S3Call, mode: string) {
  switch (mode) {
    case 'STREAMING-UNSIGNED-PAYLOAD-TRAILER':
      return undefined;
    case 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD':
    case 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER':
      if (!call.seed) throw invalidRequest('Signed chunks need a signed request.');
      return call.seed;
    default:
      throw invalidArgument(
        `x-amz-content-sha256 must be UNSIGNED-PAYLOAD, a STREAMING- mode or a SHA-256, got '${mode}'.`,
      );
  }
}

function expectedLength(call: S3Call, chunked: boolean): number {
  const name = chunked ? 'x-amz-decoded-content-length' : 'content-length';
  const text = header(call, name);
  if (text === undefined || !/^\d+$/.test(text)) {
    throw new S3Error('MissingContentLength', 411, `You must provide the ${name} HTTP header.`);
  }
  const bytes = Number(text);
  if (bytes > MAX_BODY_BYTES) {
    throw new S3Error('EntityTooLarge', 400, 'Your proposed upload exceeds the maximum allowed object size.', {
      details: { ProposedSize: text, MaxSizeAllowed: String(MAX_BODY_BYTES) },
    });
  }
  return bytes;
}

function expectedMd5(call: S3Call): string | undefined {
  const text = header(call, 'content-md5');
  if (text === undefined) return undefined;
  const bytes = Buffer.from(text, 'base64');
  if (bytes.length !== 16) {
    throw new S3Error('InvalidDigest', 400, 'The Content-MD5 you specified was invalid.');
  }
  return bytes.toString('hex');
}

function expectedChecksum(
  call: S3Call,
  wanted: ChecksumAlgorithm | undefined,
): Pick<Expected, 'algorithm' | 'checksum' | 'trailer'> {
  const trailer = header(call, 'x-amz-trailer')?.trim().toLowerCase();
  const inHeaders = CHECKSUM_ALGORITHMS.filter((one) => header(call, checksumHeader(one)) !== undefined);
  const inTrailer = CHECKSUM_ALGORITHMS.filter((one) => checksumHeader(one) === trailer);
  const [given, ...others] = [...inHeaders, ...inTrailer];
  if (others.length > 0) {
    throw invalidRequest('Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.');
  }
  const named = header(call, 'x-amz-sdk-checksum-algorithm');
  if (given === undefined && named !== undefined && parseAlgorithm(named) === undefined) {
    throw invalidRequest(`Checksum algorithm provided is unsupported: '${named}'.`);
  }
  const checksum = given === undefined ? undefined : header(call, checksumHeader(given));
  if (given !== undefined && checksum !== undefined) {
    const bytes = createHasher(given).digest().length;
    if (Buffer.from(checksum, 'base64').length !== bytes) {
      throw invalidRequest(`Value for ${checksumHeader(given)} header is invalid.`);
    }
  }
  return { algorithm: given ?? wanted, checksum, trailer };
}

/** Digests of a body as it goes by, compared at its end with what the client said. */
class Proof {
  readonly #expected: Expected;
  readonly #md5 = createHash('md5');
  readonly #sha256;
  readonly #hasher: Hasher | undefined;
  #size = 0;

  constructor(expected: Expected) {
    this.#expected = expected;
    this.#sha256 = expected.sha256 === undefined ? undefined : createHash('sha256');
    this.#hasher = expected.algorithm && createHasher(expected.algorithm);
  }

  update(chunk: Uint8Array): void {
    this.#size += chunk.length;
    if (this.#size > this.#expected.bytes) throw this.#wrongLength();
    this.#md5.update(chunk);
    this.#sha256?.update(chunk);
    this.#hasher?.update(chunk);
  }

  finish(trailers: ReadonlyMap<string, string>): Omit<Received, 'blob'> {
    const { bytes, md5, sha256, algorithm } = this.#expected;
    if (this.#size !== bytes) throw this.#wrongLength();
    const hex = this.#md5.digest('hex');
    if (md5 !== undefined && md5 !== hex) throw badDigest('Content-MD5');
    if (sha256 !== undefined && this.#sha256?.digest('hex') !== sha256) {
      throw new S3Error(
        'XAmzContentSHA256Mismatch',
        400,
        "The provided 'x-amz-content-sha256' header does not match what was computed.",
      );
    }
    const checksum = algorithm && this.#hasher ? fullChecksum(algorithm, this.#hasher.digest()) : undefined;
    if (checksum) {
      const name = checksumHeader(checksum.algorithm);
      const given = this.#expected.checksum ?? trailers.get(name);
      if (given === undefined && this.#expected.trailer === name) {
        throw new S3Error('MalformedTrailerError', 400, `The trailing header ${name} that was announced did not come.`);
      }
      if (given !== undefined && given !== checksum.value) throw badDigest(checksum.algorithm);
    }
    return { size: this.#size, md5: hex, checksum };
  }

  #wrongLength(): S3Error {
    return new S3Error(
      'IncompleteBody',
      400,
      'You did not provide the number of bytes specified by the Content-Length HTTP header.',
    );
  }
}
