import { writeFile } from 'node:fs/promises';
import { CliError } from '../cli-error.ts';
import { fileFault } from '../file-fault.ts';
import { type CliIo, type ExitCode, exitCodes, printJson } from '../io.ts';
import { printable } from '../printable.ts';
import { packageJsonSchema } from '../rules/form.ts';
import { readPackageName } from '../rules/ids.ts';
import { importWapt } from '../rules/import-wapt.ts';
import { readText } from '../rules/package-files.ts';
import { writePackage } from '../rules/write-package.ts';

export interface ImportFlags {
  /** Of the package. */
  readonly name: string;
  /** A new file. @default - standard output */
  readonly out?: string;
}

/**
 * `kbroker rules import FILE`: a rule package of WAPT's `wapt-get.ini` or `waptwua_rules.json`, with every option that is not
 * carried over named on stderr and in a comment. Nothing is sent.
 *
 * @throws CliError `usage` with all faults on stderr; `refused` when a file cannot be read or written, or is there already
 */
export async function importRules(io: CliIo, json: boolean, file: string, flags: ImportFlags): Promise<ExitCode> {
  const name = readPackageName(flags.name);
  const imported = importWapt(await readText(file), name);
  const told = (message: string): void => void io.stderr.write(`${printable(`${file}: ${message}`)}\n`);
  if (!imported.success) {
    imported.faults.forEach(told);
    throw new CliError('usage', `${file} was not taken over`);
  }
  imported.notes.forEach(told);
  if (json && flags.out === undefined) {
    printJson(io, { version: 1, package: imported.package, notes: imported.notes });
    return exitCodes.ok;
  }
  const text = writePackage(imported.package, imported.notes.map(printable));
  if (flags.out === undefined) io.stdout.write(text);
  else {
    await writeNew(flags.out, text);
    if (json) printJson(io, { version: 1, package: imported.package, notes: imported.notes });
    else io.stdout.write(`${printable(flags.out)} is written\n`);
  }
  return exitCodes.ok;
}

/** Never over a file that is there: somebody may have worked on it. */
async function writeNew(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text, { flag: 'wx' });
  } catch (cause) {
    const fault = fileFault(cause);
    if (fault === undefined) throw cause;
    const message = fault.code === 'EEXIST' ? 'is there already, and is not written over' : fault.message;
    throw new CliError('refused', `${file}: ${message}`, { cause });
  }
}

/** `kbroker rules schema`: JSON Schema of rule packages, for editors. */
export function showRulesSchema(io: CliIo, json: boolean): ExitCode {
  const schema = packageJsonSchema();
  if (json) printJson(io, schema);
  else io.stdout.write(`${JSON.stringify(schema, undefined, 2)}\n`);
  return exitCodes.ok;
}
