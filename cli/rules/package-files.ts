import { readFile, stat } from 'node:fs/promises';
import type { RulePackageDocument } from '#shared/contract/rules.ts';
import { CliError } from '../cli-error.ts';
import { fileFault } from '../file-fault.ts';
import type { CliIo } from '../io.ts';
import { printable } from '../printable.ts';
import { readPackage } from './read-package.ts';

/** What the API takes in one request, which all packages together must fit into; no single file can be larger. */
const maxBytes = 8 * 1024 * 1024;

/**
 * The text of a file.
 *
 * @throws CliError `refused` when it cannot be read or is too large
 */
export async function readText(file: string): Promise<string> {
  try {
    const { size } = await stat(file);
    if (size > maxBytes) throw new CliError('refused', `${file}: has ${size} bytes, at most ${maxBytes} are read`);
    return await readFile(file, 'utf8');
  } catch (cause) {
    const fault = fileFault(cause);
    if (fault === undefined) throw cause;
    throw new CliError('refused', `${file}: ${fault.message}`, { cause });
  }
}

/**
 * The packages of several files. Every fault of every file is a line `FILE:LINE:COLUMN: …` on stderr.
 *
 * @throws CliError `usage` when there was one, or two files have the same package; `refused` when a file cannot be read
 */
export async function readPackageFiles(
  { stderr }: Pick<CliIo, 'stderr'>,
  files: readonly string[],
): Promise<readonly RulePackageDocument[]> {
  const packages = new Map<string, RulePackageDocument>();
  let faults = 0;
  for (const file of files) {
    const read = readPackage(await readText(file));
    const told = (message: string): void => {
      faults += 1;
      stderr.write(`${printable(`${file}${message}`)}\n`);
    };
    if (!read.success) for (const { line, column, message } of read.faults) told(`:${line}:${column}: ${message}`);
    else if (packages.has(read.package.name))
      told(`: the package ${read.package.name} is in another of these files too`);
    else packages.set(read.package.name, read.package);
  }
  if (faults > 0)
    throw new CliError('usage', `${faults} ${faults === 1 ? 'fault' : 'faults'} in the files; nothing was sent`);
  return [...packages.values()];
}
