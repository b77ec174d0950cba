import { createHash } from 'node:crypto';
import { closeSync, createReadStream, openSync, writeSync } from 'node:fs';
import { copyFile, mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type ByteSink, CabError, CabReader, readCab } from '#shared/cabinet/index.ts';
import { UpstreamError } from './upstream-error.ts';

/** A real index, taken over byte for byte, and the payload files that came with it. */
export interface RealFile {
  readonly indexFile: string;
  readonly payloads: readonly { readonly url: string; readonly file: string; readonly size: number }[];
}

/** The index inside an .msu. */
const scanCab = 'wsusscan.cab';

/**
 * Copies a real index into the folder: a wsusscn2.cab as it is, or the WSUSSCAN.cab of an .msu together with those of
 * its other members that the index names by their SHA-1 (an .msu is a cabinet with an index and its payload).
 * @throws UpstreamError `unusable-file` when the file is neither.
 */
export async function takeRealFile(path: string, folder: string): Promise<RealFile> {
  await mkdir(folder, { recursive: true });
  const indexFile = join(folder, 'index.cab');
  try {
    if ((await kindOf(path)) === 'msu') return { indexFile, payloads: await takeMsu(path, folder, indexFile) };
    await copyFile(path, indexFile);
    return { indexFile, payloads: [] };
  } catch (error) {
    // A bad cabinet, or a file that cannot be opened; a full disk under our own files is told by its path as well.
    if (!(error instanceof CabError) && !(error instanceof Error && 'syscall' in error)) throw error;
    throw new UpstreamError('unusable-file', `${path} cannot be read: ${error.message}`, { cause: error });
  }
}

/** Tells by the list of members, without reading on. */
async function kindOf(path: string): Promise<'msu' | 'index'> {
  let names: readonly string[] | undefined;
  const reader = new CabReader({
    onHeader: ({ members }) => {
      names = members.map((member) => member.name.toLowerCase());
    },
    onMember: () => undefined,
  });
  for await (const chunk of createReadStream(path)) {
    reader.write(chunk);
    if (names) break;
  }
  if (names?.includes(scanCab)) return 'msu';
  if (names?.includes('package.cab')) return 'index';
  throw new UpstreamError(
    'unusable-file',
    `${path} is neither an index (with a package.cab) nor an .msu (with a WSUSSCAN.cab); it holds: ${names?.join(', ')}`,
  );
}

async function takeMsu(path: string, folder: string, indexFile: string): Promise<RealFile['payloads']> {
  let packageXml = '';
  const members: { file: string; sha1: string; size: number }[] = [];
  await readCab(createReadStream(path), {
    onMember: ({ name, size }) => {
      if (name.toLowerCase() === scanCab) {
        const nested = packageXmlReader((text) => {
          packageXml = text;
        });
        return both(
          fileSink(indexFile, () => undefined),
          nested,
        );
      }
      const file = join(folder, `member-${members.length}`);
      const member = { file, sha1: '', size };
      members.push(member);
      return fileSink(file, (sha1) => {
        member.sha1 = sha1;
      });
    },
  });
  const locations = fileLocations(packageXml);
  const payloads: { url: string; file: string; size: number }[] = [];
  for (const { file, sha1, size } of members) {
    const url = locations.get(Buffer.from(sha1, 'hex').toString('base64'));
    if (url === undefined) {
      await rm(file);
      continue;
    }
    const kept = join(folder, sha1);
    await rename(file, kept);
    payloads.push({ url, file: kept, size });
  }
  if (payloads.length === 0) {
    throw new UpstreamError(
      'unusable-file',
      `${path}: the index in it names none of its ${members.length} other members`,
    );
  }
  return payloads;
}

/** Address of each payload file by base64 SHA-1. These tags hold two attributes and no text, whatever their order. */
function fileLocations(packageXml: string): ReadonlyMap<string, string> {
  const locations = new Map<string, string>();
  for (const [tag] of packageXml.matchAll(/<FileLocation\s[^>]*>/g)) {
    const id = /\sId="([^"]*)"/.exec(tag)?.[1];
    const url = /\sUrl="([^"]*)"/.exec(tag)?.[1];
    if (id !== undefined && url !== undefined) locations.set(id, url.replaceAll('&amp;', '&'));
  }
  return locations;
}

/** Reads an index cabinet down to its package.xml, which for a single update is small. */
const packageXmlReader = (take: (text: string) => void): ByteSink =>
  new CabReader({
    onMember: ({ name }) =>
      name.toLowerCase() === 'package.cab'
        ? new CabReader({
            onMember: (inner) => (inner.name.toLowerCase() === 'package.xml' ? textSink(take) : undefined),
          })
        : undefined,
  });

function textSink(take: (text: string) => void): ByteSink {
  const chunks: Buffer[] = [];
  return {
    write: (chunk) => {
      chunks.push(Buffer.from(chunk));
    },
    end: () => take(Buffer.concat(chunks).toString('utf8')),
  };
}

/** Writes to a file and tells the SHA-1 (hex) at the end. The reader is synchronous, so this is too. */
function fileSink(file: string, done: (sha1: string) => void): ByteSink {
  const descriptor = openSync(file, 'w');
  const hash = createHash('sha1');
  return {
    write(chunk) {
      hash.update(chunk);
      for (let at = 0; at < chunk.byteLength; ) at += writeSync(descriptor, chunk, at);
    },
    end() {
      closeSync(descriptor);
      done(hash.digest('hex'));
    },
  };
}

const both = (first: ByteSink, second: ByteSink): ByteSink => ({
  write(chunk) {
    first.write(chunk);
    second.write(chunk);
  },
  end() {
    first.end();
    second.end();
  },
});
