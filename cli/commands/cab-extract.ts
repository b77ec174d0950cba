import { closeSync, futimesSync, lstatSync, mkdirSync, openSync, statSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { ByteSink, CabMember } from '#shared/cabinet/index.ts';
import { CliError } from '../cli-error.ts';
import { fileFault } from '../file-fault.ts';
import { exitCodes, formatBytes, printLines } from '../io.ts';
import type { CabOptions } from './cab.ts';
import { pathOfMember } from './cab-paths.ts';
import { type CabIo, readCabFile, reportFault } from './cab-read.ts';

interface ExtractOptions extends CabOptions {
  /** Folder to write into; it is made if it is not there. */
  readonly to: string;
}

interface Extracted {
  readonly name: string;
  readonly path: string;
  readonly size: number;
}

interface Refused {
  readonly name: string;
  readonly reason: string;
}

/**
 * `kbroker cab extract`: writes the members below a folder, and never outside of it: names that lead elsewhere are
 * refused, links in the folder are not followed, and files that are there stay as they are. A member whose data are bad
 * leaves no file. Whatever was not written is named on stderr, and the exit code is 1.
 *
 * @returns the exit code
 * @throws CliError `usage` when the target is no folder, `refused` when it cannot be made or written to
 */
export async function extractCab({ file, json, to }: ExtractOptions, io: CabIo): Promise<number> {
  const there = statSync(to, { throwIfNoEntry: false });
  if (there !== undefined && !there.isDirectory())
    throw new CliError('usage', `--to ${to}: it is a file, not a folder`);
  const extracted: Extracted[] = [];
  const refused: Refused[] = [];
  const refuse = (name: string, reason: string): undefined => {
    refused.push({ name, reason });
    reportFault(file, { message: `${name}: not extracted: ${reason}`, code: 'refused' }, io);
  };
  const folders = new Folders(to);
  const fault = await readCabFile(
    file,
    {
      onHeader: () => makeFolder(to),
      onMember(member) {
        const path = pathOfMember(member.name);
        if ('refusal' in path) return refuse(member.name, path.refusal);
        const place = folders.placeFor(path.parts);
        if ('refusal' in place) return refuse(member.name, place.refusal);
        const sink = openFile(place.path, member, () => {
          extracted.push({ name: member.name, path: place.path, size: member.size });
          if (!json) printLines(io, [place.path]);
        });
        return 'refusal' in sink ? refuse(member.name, sink.refusal) : sink;
      },
    },
    io,
  );
  if (json) io.stdout.write(`${JSON.stringify({ file, to, members: extracted, refused, error: fault ?? null })}\n`);
  if (fault !== undefined) reportFault(file, fault, io);
  else if (!json) {
    const bytes = extracted.reduce((sum, { size }) => sum + size, 0);
    io.stdout.write(`${extracted.length} members extracted, ${formatBytes(bytes)}\n`);
  }
  return fault === undefined && refused.length === 0 ? exitCodes.ok : exitCodes.failed;
}

function makeFolder(to: string): void {
  try {
    mkdirSync(to, { recursive: true });
  } catch (cause) {
    const fault = fileFault(cause);
    if (fault === undefined) throw cause;
    throw new CliError('refused', `--to ${to}: the folder cannot be made: ${fault.code}`, { cause });
  }
}

/** Folders below the target that were looked at: made here, or found to be real ones. */
class Folders {
  readonly #root: string;
  readonly #known = new Set<string>();

  constructor(root: string) {
    this.#root = root;
  }

  placeFor(parts: readonly string[]): { readonly path: string } | { readonly refusal: string } {
    let path = this.#root;
    for (const part of parts.slice(0, -1)) {
      path = join(path, part);
      if (this.#known.has(path)) continue;
      try {
        const kind = kindOf(path);
        if (kind === 'nothing') mkdirSync(path);
        else if (kind !== 'folder') return { refusal: `${path} is ${kind}` };
      } catch (error) {
        return refusalOr(path, error);
      }
      this.#known.add(path);
    }
    return { path: join(path, parts.at(-1) ?? '') };
  }
}

function kindOf(path: string): 'nothing' | 'folder' | 'a link' | 'no folder' {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return 'nothing';
  if (stats.isSymbolicLink()) return 'a link';
  return stats.isDirectory() ? 'folder' : 'no folder';
}

/** Why a member cannot be written when something stands there already; a link is something, so it is never followed. */
function openFile(path: string, member: CabMember, onEnd: () => void): ByteSink | { readonly refusal: string } {
  let file: number;
  try {
    file = openSync(path, 'wx');
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return { refusal: 'there is such a file already' };
    return refusalOr(path, error);
  }
  return {
    write(chunk) {
      try {
        for (let at = 0; at < chunk.length; ) at += writeSync(file, chunk, at);
      } catch (error) {
        throw faultOfTarget(path, error);
      }
    },
    end() {
      const { modified } = member;
      try {
        if (modified !== undefined) futimesSync(file, modified, modified);
        closeSync(file);
      } catch (error) {
        throw faultOfTarget(path, error);
      }
      onEnd();
    },
    abort() {
      closeSync(file);
      unlinkSync(path);
    },
  };
}

/** What the system says of a single path: others may well be written. A full disk is none of them. */
const codesOfOnePath: ReadonlySet<string> = new Set([
  'EACCES',
  'EEXIST',
  'EILSEQ',
  'EINVAL',
  'EISDIR',
  'ELOOP',
  'ENAMETOOLONG',
  'ENOENT',
  'ENOTDIR',
  'EPERM',
]);

const codeOf = (error: unknown): string => String(fileFault(error)?.code);

/** @throws CliError when no other member could be written either */
function refusalOr(path: string, error: unknown): { readonly refusal: string } {
  const code = codeOf(error);
  if (codesOfOnePath.has(code)) return { refusal: `the system does not take it: ${code}` };
  throw faultOfTarget(path, error);
}

/** The reader passes on what its sinks throw, and would have it told of the cabinet. */
function faultOfTarget(path: string, cause: unknown): unknown {
  const fault = fileFault(cause);
  return fault === undefined ? cause : new CliError('refused', `${path}: cannot be written: ${fault.code}`, { cause });
}
