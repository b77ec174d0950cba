import { operatorEndpoints } from '#shared/contract/operators/endpoints.ts';
import type { FileView } from '#shared/contract/operators/views.ts';
import { counted } from '../counted.ts';
import { readSha1 } from '../ids.ts';
import { type ExitCode, exitCodes, formatBytes, printJson, printLines, printTable, printUnreadable } from '../io.ts';
import { pagesOf } from '../pages.ts';
import type { CommandContext } from './context.ts';

/** `kbroker files list`: payload files that the repository holds, all pages. */
export async function listFiles(context: CommandContext): Promise<ExitCode> {
  const files: NonNullable<FileView['held']>[] = [];
  const unreadable: string[] = [];
  for await (const page of pagesOf((at) => context.call(operatorEndpoints.listFiles, { query: at }))) {
    files.push(...page.files);
    unreadable.push(...page.unreadable);
  }
  if (context.json) printJson(context.io, { version: 1, files, unreadable });
  else if (files.length === 0) context.io.stdout.write('the repository holds no files yet\n');
  else
    printTable(
      context.io,
      ['NAME', 'SIZE', 'HELD SINCE', 'SHA-1', 'SHA-256'],
      files.map(({ name, sha1, size, heldAt, sha256 }) => [name ?? 'unnamed', formatBytes(size), heldAt, sha1, sha256]),
    );
  printUnreadable(context.io, unreadable);
  return exitCodes.ok;
}

/**
 * `kbroker files show SHA1`: what the index says of a file, whether it is held, and how its request stands.
 *
 * @throws CliError `usage` when it is no SHA-1
 */
export async function showFile(context: CommandContext, sha1: string): Promise<ExitCode> {
  const view = await context.call(operatorEndpoints.getFile, { params: { sha1: readSha1(sha1) } });
  if (context.json) printJson(context.io, view);
  else printLines(context.io, describe(view));
  return exitCodes.ok;
}

function describe({ sha1, name, size, sha256, url, held, retiredAt, request }: FileView): string[] {
  return [
    name ?? 'unnamed',
    `  SHA-1    ${sha1}`,
    `  SHA-256  ${sha256 ?? held?.sha256 ?? 'not given'}`,
    `  size     ${size === undefined ? 'unknown' : formatBytes(size)}`,
    `  source   ${url ?? 'no location'}`,
    held !== undefined
      ? `  held     since ${held.heldAt}, ${formatBytes(held.size)}`
      : retiredAt === undefined
        ? '  held     no'
        : `  held     no; retired ${retiredAt}, and back when a host asks`,
    request === undefined
      ? '  request  none'
      : `  request  ${request.state}, since ${request.requestedAt} by ${request.requestedBy}, ${counted(request.attempts, 'attempt')}`,
    ...(request?.lastError === undefined ? [] : [`           last error: ${request.lastError}`]),
  ];
}
