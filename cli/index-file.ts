import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
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

export interface ReadIndexFileOptions extends Pick<ReadIndexOptions, 'depth'> {
  /** Gets each chunk of the file before the reader does. */
  readonly onChunk?: (chunk: Uint8Array) => void;
}

/**
 * Reads an index file, with progress on a terminal.
 *
 * @throws CliError `refused` with one line, when the file cannot be read or is no index
 */
export async function readIndexFile(
  file: string,
  io: Pick<CliIo, 'stderr'>,
  { depth, onChunk }: ReadIndexFileOptions = {},
): Promise<Publication> {
  try {
    const { size } = await stat(file);
    const shown = io.stderr.isTTY === true && size >= progressFromBytes;
    try {
      return await readPublication(chunksOf(file, onChunk), {
        ...(depth === undefined ? {} : { depth }),
        ...(shown ? { onProgress: progressLine(file, size, io) } : {}),
      });
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

async function* chunksOf(file: string, onChunk: ReadIndexFileOptions['onChunk']): AsyncGenerator<Uint8Array> {
  for await (const chunk of createReadStream(file, { highWaterMark: chunkBytes })) {
    onChunk?.(chunk);
    yield chunk;
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
  if (error instanceof IndexError) return error.message;
  return fileFault(error)?.message;
}
