import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { CabError, type CabHandlers, CabReader } from '#shared/cabinet/index.ts';
import { fileFault } from '../file-fault.ts';
import { type CliIo, formatBytes } from '../io.ts';
import { printable } from '../printable.ts';

export type CabIo = Pick<CliIo, 'stdout' | 'stderr'>;

/** From this size on a terminal is shown how far the reading is. */
const PROGRESS_FROM_BYTES = 20_000_000;
const CHUNK_BYTES = 1 << 20;

/** Why a cabinet could not be read, or not to its end; part of what `--json` prints. */
export interface CabFault {
  /** What is wrong and where, in one line. */
  readonly message: string;
  /** A `CabErrorCode`, or what the system said, such as `ENOENT`. */
  readonly code: string;
  /** Byte of the (innermost) cabinet. */
  readonly offset?: number;
  /** Names of the members down to the fault, joined by ` > `. */
  readonly member?: string;
}

/**
 * Reads a cabinet file. On a terminal large ones show progress.
 *
 * @param isEnough asked after each chunk; true ends the reading early
 * @returns what is wrong, or `undefined` when all is well
 */
export async function readCabFile(
  file: string,
  handlers: CabHandlers,
  io: CabIo,
  isEnough: () => boolean = () => false,
): Promise<CabFault | undefined> {
  let showsProgress = false;
  const reader = new CabReader(handlers);
  try {
    const { size } = await stat(file);
    showsProgress = io.stderr.isTTY === true && size >= PROGRESS_FROM_BYTES;
    let read = 0;
    let shown = -1;
    for await (const chunk of createReadStream(file, { highWaterMark: CHUNK_BYTES })) {
      reader.write(chunk);
      if (isEnough()) return undefined;
      read += chunk.length;
      const percent = Math.floor((read / size) * 100);
      if (showsProgress && percent !== shown) io.stderr.write(`\rreading ${percent} % of ${formatBytes(size)}`);
      shown = percent;
    }
    reader.end();
    return undefined;
  } catch (error) {
    const fault = faultOf(error);
    if (fault === undefined) throw error;
    return fault;
  } finally {
    reader.abort();
    // The line of the progress is wiped, whatever comes next.
    if (showsProgress) io.stderr.write('\r\u001b[K');
  }
}

/** Says in one line on stderr what is wrong with a file. */
export function reportFault(file: string, fault: CabFault, io: CabIo): void {
  io.stderr.write(`kbroker: ${printable(file)}: ${printable(fault.message)}\n`);
}

/** `undefined` for faults of this program. */
function faultOf(error: unknown): CabFault | undefined {
  if (error instanceof CabError) {
    const { code, offset, member } = error;
    return {
      message: printable(error.message),
      code,
      ...(offset === undefined ? {} : { offset }),
      ...(member === undefined ? {} : { member }),
    };
  }
  return fileFault(error);
}
