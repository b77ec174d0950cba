import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { type ByteSink, CabError, type CabMember, CabReader } from '#shared/cabinet/index.ts';
import {
  IndexError,
  type IndexProgress,
  type Publication,
  type ReadIndexOptions,
  readPublication,
} from '#shared/index/index.ts';
import { CliError } from './cli-error.ts';
import { fileFault } from './file-fault.ts';
import { type CliIo, formatBytes } from './io.ts';
import { printable } from './printable.ts';

/** From this size on a terminal is shown how far the reading is. */
const progressFromBytes = 20_000_000;
/** Larger ones would lie about in memory until the garbage collector comes by. */
const chunkBytes = 1 << 17;
/** Of a package, what a chunk unpacks to is held at once: up to some thousand times as much. */
const packageChunkBytes = 1 << 14;

/** The index inside an .msu; Windows does not mind the case of its name. */
const isScanCab = ({ name }: Pick<CabMember, 'name'>): boolean => name.toLowerCase() === 'wsusscan.cab';

export interface ReadIndexFileOptions extends Pick<ReadIndexOptions, 'depth'> {
  /** Gets each chunk of the index before the reader does. */
  readonly onChunk?: (chunk: Uint8Array) => void;
}

/** A publication, and where in the file it was found. */
export interface ReadIndexFile extends Publication {
  /** Name of the member that is the index, when the file is an update package (.msu). */
  readonly member?: string;
}

/**
 * Reads an index file, or the one in an update package (.msu), with progress on a terminal.
 *
 * @throws CliError `refused` with one line, when the file cannot be read or is no index
 */
export async function readIndexFile(
  file: string,
  io: Pick<CliIo, 'stderr'>,
  { depth, onChunk }: ReadIndexFileOptions = {},
): Promise<ReadIndexFile> {
  try {
    const member = await scanCabOf(file);
    const size = member?.size ?? (await stat(file)).size;
    const chunks = member === undefined ? chunksOf(file) : chunksOfScanCab(file);
    const shown = io.stderr.isTTY === true && size >= progressFromBytes;
    try {
      const publication = await readPublication(heard(chunks, onChunk), {
        ...(depth === undefined ? {} : { depth }),
        ...(shown ? { onProgress: progressLine(file, size, io) } : {}),
      });
      return member === undefined ? publication : { ...publication, member: member.name };
    } finally {
      // The line of the progress is wiped, whatever comes next.
      if (shown) io.stderr.write('\r\u001b[K');
    }
  } catch (cause) {
    const reason = faultOf(cause);
    if (reason === undefined) throw cause;
    throw new CliError('refused', `${file}: ${reason}`, { cause });
  }
}

const chunksOf = (file: string, highWaterMark = chunkBytes): AsyncIterable<Uint8Array> =>
  createReadStream(file, { highWaterMark });

async function* heard(
  chunks: AsyncIterable<Uint8Array>,
  onChunk: ReadIndexFileOptions['onChunk'],
): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    onChunk?.(chunk);
    yield chunk;
  }
}

/** Tells by the list of members, without reading on; `undefined` also for what is no cabinet, of which the reader tells. */
async function scanCabOf(file: string): Promise<CabMember | undefined> {
  let members: readonly CabMember[] | undefined;
  const reader = new CabReader({
    onHeader: (header) => {
      members = header.members;
    },
    onMember: () => undefined,
  });
  try {
    for await (const chunk of chunksOf(file)) {
      reader.write(chunk);
      if (members !== undefined) break;
    }
  } catch (error) {
    if (!(error instanceof CabError)) throw error;
  } finally {
    reader.abort();
  }
  return members?.find(isScanCab);
}

/** The bytes of the index in an update package, as they are unpacked; what follows them is not read. */
async function* chunksOfScanCab(file: string): AsyncGenerator<Uint8Array> {
  const unpacked: Uint8Array[] = [];
  let ended = false;
  let taken = false;
  const sink: ByteSink = {
    write: (chunk) => void unpacked.push(chunk.slice()),
    end: () => {
      ended = true;
    },
  };
  const reader = new CabReader({
    onMember(member) {
      if (taken || !isScanCab(member)) return undefined;
      taken = true;
      return sink;
    },
  });
  try {
    for await (const chunk of chunksOf(file, packageChunkBytes)) {
      reader.write(chunk);
      yield* unpacked.splice(0);
      if (ended) return;
    }
    reader.end();
  } finally {
    reader.abort();
  }
}

function progressLine(file: string, total: number, io: Pick<CliIo, 'stderr'>): (progress: IndexProgress) => void {
  let shown = -1;
  return ({ bytes, members }) => {
    const percent = Math.floor((bytes / total) * 100);
    if (percent === shown) return;
    shown = percent;
    io.stderr.write(`\r${printable(file)}: ${percent} % of ${formatBytes(total)}, ${members} members`);
  };
}

/** One line for faults of the file; `undefined` for faults of this program. */
function faultOf(error: unknown): string | undefined {
  if (error instanceof IndexError || error instanceof CabError) return error.message;
  return fileFault(error)?.message;
}
