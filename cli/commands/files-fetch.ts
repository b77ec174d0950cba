import * as z from 'zod/mini';
import { operatorEndpoints } from '#shared/contract/operators/endpoints.ts';
import type { FileOrderAnswer } from '#shared/contract/operators/views.ts';
import { guid, kbNumber, sha1 as sha1Shape } from '#shared/contract/primitives.ts';
import { CliError } from '../cli-error.ts';
import { counted } from '../counted.ts';
import { kbDigits } from '../ids.ts';
import { type ExitCode, exitCodes, formatBytes, printJson, printLines, printTable } from '../io.ts';
import { pagesOf } from '../pages.ts';
import type { CommandContext } from './context.ts';
import { listRequests } from './requests.ts';

export interface FetchFlags {
  /** Waits until nothing is to be fetched any more. */
  readonly watch?: boolean;
}

/** As many as one order takes. */
const filesOfOrder = 500;

/**
 * `kbroker files fetch KB…|UPDATE-ID…|SHA1…`: has files fetched that no host asked for, or that were given up, at once. What is
 * held already is left alone. Exit 1 when no index says where one of them is.
 *
 * @throws CliError `usage` for what is none of these; `not-found` for a KB that no index names
 */
export async function fetchFiles(
  context: CommandContext,
  names: readonly string[],
  flags: FetchFlags,
): Promise<ExitCode> {
  const sha1s = new Set<string>();
  for (const name of names) for (const sha1 of await filesOf(context, name)) sha1s.add(sha1);
  const files: FileOrderAnswer['files'] = [];
  const wanted = [...sha1s];
  for (let at = 0; at < wanted.length; at += filesOfOrder) {
    const body = { version: 1, sha1s: wanted.slice(at, at + filesOfOrder) } as const;
    files.push(...(await context.call(operatorEndpoints.requestFiles, { body })).files);
  }
  const asked = files.filter(({ state }) => state === 'requested');
  if (asked.length > 0) await context.call(operatorEndpoints.startSweep, { body: {} });
  if (context.json) printJson(context.io, { version: 1, files });
  else show(context, files);
  if (flags.watch === true && asked.length > 0) await listRequests(context, { watch: true });
  return files.some(({ state }) => state === 'unknown') ? exitCodes.failed : exitCodes.ok;
}

async function filesOf({ call }: CommandContext, name: string): Promise<readonly string[]> {
  const text = name.trim().toLowerCase();
  if (z.safeParse(sha1Shape, text).success) return [text];
  const ofUpdate = async (updateId: string): Promise<readonly string[]> =>
    (await call(operatorEndpoints.getUpdate, { params: { updateId } })).update.files;
  if (z.safeParse(guid, text).success) return ofUpdate(text);
  const kb = kbDigits(text);
  if (!z.safeParse(kbNumber, kb).success)
    throw new CliError('usage', `not a file: got ${JSON.stringify(name)}, allowed are a KB, an UpdateId or a SHA-1`);
  const files: string[] = [];
  for await (const page of pagesOf((at) => call(operatorEndpoints.listUpdates, { query: { kb, ...at } })))
    for (const { updateId } of page.updates) files.push(...(await ofUpdate(updateId)));
  if (files.length > 0) return files;
  throw new CliError('not-found', `no index named an update of KB${kb} with files`);
}

function show({ io }: CommandContext, files: FileOrderAnswer['files']): void {
  printTable(
    io,
    ['STATE', 'SIZE', 'NAME', 'SHA-1'],
    files.map(({ state, size, name, sha1 }) => [state, size === undefined ? '' : formatBytes(size), name ?? '', sha1]),
  );
  const of = (wanted: string) => files.filter(({ state }) => state === wanted);
  const bytes = of('requested').reduce((sum, { size = 0 }) => sum + size, 0);
  printLines(io, [
    `${counted(of('requested').length, 'file')} asked for (${formatBytes(bytes)}), ${of('held').length} held already` +
      (of('unknown').length > 0 ? `, ${of('unknown').length} in no index` : ''),
  ]);
}
