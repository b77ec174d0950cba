import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { pipeline } from 'node:stream/promises';
import { operatorEndpoints } from '#shared/contract/operators/endpoints.ts';
import { maxPackageFileBytes, type PackageManifestDocument, type UploadsAnswer } from '#shared/contract/packages.ts';
import { CliError } from '../cli-error.ts';
import type { CommandContext } from '../commands/context.ts';
import { fileFault } from '../file-fault.ts';
import { formatBytes } from '../io.ts';
import { createProgressLine } from '../progress-line.ts';
import type { DraftFile } from './draft.ts';

type ManifestFile = PackageManifestDocument['files'][number];

/** A file that was read, and what it is. */
export interface HashedFile extends ManifestFile {
  readonly path: string;
}

/** @throws CliError `usage` for a file that cannot be read, or is longer than one upload may be */
export async function hashFiles(
  { io }: Pick<CommandContext, 'io'>,
  files: readonly DraftFile[],
): Promise<HashedFile[]> {
  const progress = createProgressLine(io);
  const hashed: HashedFile[] = [];
  try {
    for (const { path, name, unpack } of files) {
      const size = await sizeOf(path);
      if (size > maxPackageFileBytes)
        throw new CliError(
          'usage',
          `${path} has ${formatBytes(size)}, one file has at most ${formatBytes(maxPackageFileBytes)}: divide it (install.wim: dism /Split-Image)`,
        );
      if (io.stderr.isTTY) progress.tell(`reading ${name}, ${formatBytes(size)}`);
      const hash = createHash('sha256');
      for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk);
      hashed.push({ path, name, sha256: hash.digest('hex'), size, ...(unpack && { unpack }) });
    }
  } finally {
    progress.end();
  }
  return hashed;
}

async function sizeOf(path: string): Promise<number> {
  try {
    const found = await stat(path);
    if (found.isFile()) return found.size;
  } catch (cause) {
    throw new CliError('usage', `${path} cannot be read: ${fileFault(cause)?.message ?? String(cause)}`, { cause });
  }
  throw new CliError('usage', `${path} is not a file`);
}

/**
 * Puts the files where hosts fetch them from, unless they are there. Doing it again after a failure sends only what is missing.
 *
 * @throws CliError `unreachable`, `refused`
 */
export async function uploadFiles(context: CommandContext, files: readonly HashedFile[]): Promise<void> {
  if (files.length === 0) return;
  const ask = async (some: readonly HashedFile[]): Promise<Map<string, UploadsAnswer['uploads'][number]>> => {
    const body = { version: 1 as const, files: some.map(({ sha256, size }) => ({ sha256, size })) };
    const { uploads } = await context.call(operatorEndpoints.openUploads, { body });
    return new Map(uploads.map((upload) => [upload.sha256, upload]));
  };
  let [asked, uploads] = [context.now().getTime(), await ask(files)];
  const progress = createProgressLine(context.io);
  try {
    for (const [at, file] of files.entries()) {
      if (context.now().getTime() - asked > addressesCountForMilliseconds) {
        asked = context.now().getTime();
        uploads = await ask(files.slice(at));
      }
      const upload = uploads.get(file.sha256);
      if (upload?.state !== 'wanted') continue;
      await put(file, upload, (sent) => {
        if (context.io.stderr.isTTY)
          progress.tell(`sending ${file.name}, ${formatBytes(sent)} of ${formatBytes(file.size)}`);
      });
    }
  } finally {
    progress.end();
  }
}

/** Addresses are not good for ever: after so long others are asked for. */
const addressesCountForMilliseconds = 10 * 60_000;

type Wanted = Extract<UploadsAnswer['uploads'][number], { state: 'wanted' }>;

async function put({ path, name }: HashedFile, { url, headers }: Wanted, told: (sent: number) => void): Promise<void> {
  const send = url.startsWith('https:') ? httpsRequest : httpRequest;
  const request = send(url, { method: 'PUT', headers });
  const answered = new Promise<{ readonly status: number; readonly text: string }>((done, failed) => {
    request.on('error', failed);
    request.on('response', async (response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of response) chunks.push(chunk);
      done({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() });
    });
  });
  let sent = 0;
  const source = createReadStream(path, { highWaterMark: 1 << 20 });
  source.on('data', (chunk) => {
    sent += chunk.length;
    told(sent);
  });
  // A store that refuses may answer and close before all is sent: its answer says more than the broken pipe.
  const piped = pipeline(source, request).then(
    () => undefined,
    (error: unknown) => error,
  );
  let answer: { readonly status: number; readonly text: string };
  try {
    answer = await answered;
  } catch (cause) {
    throw new CliError('unreachable', `${name} could not be sent: ${String((await piped) ?? cause)}`, { cause });
  }
  const { status, text } = answer;
  // 412: somebody else put the same bytes there meanwhile.
  if ((status >= 200 && status < 300) || status === 412) return;
  const reason = /<Message>([^<]*)<\/Message>/.exec(text)?.[1] ?? text.slice(0, 200);
  throw new CliError('refused', `${name} was not taken (${status}): ${reason}`);
}
