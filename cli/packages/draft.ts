import { basename } from 'node:path';
import type { PackageManifestDocument } from '#shared/contract/packages.ts';
import { CliError } from '../cli-error.ts';

/** A file of a package before it is read. */
export interface DraftFile {
  /** On this machine. */
  readonly path: string;
  /** As the package calls it. */
  readonly name: string;
  readonly unpack?: true;
}

/** A package before its files are hashed and somebody says its name. */
export type PackageDraft = Omit<PackageManifestDocument, 'version' | 'files' | 'publishedAt'> & {
  readonly files: readonly DraftFile[];
};

/** What flags say of a package, whatever it is built from. */
export interface DraftFlags {
  readonly name?: string;
  readonly packageVersion?: string;
  readonly title?: string;
}

/** Installers of Windows: 3010 asks for a restart, 1641 began one. */
const installerCodes = { success: [0], restart: [3010, 1641], notNeeded: [] };

/**
 * Exit codes of wusa.exe: done; restart needed; installed already (WU_S_ALREADY_INSTALLED); not for this machine
 * (WU_E_NOT_APPLICABLE).
 */
const wusaCodes = { success: [0], restart: [3010], notNeeded: [2_359_302, -2_145_124_329] };

/**
 * Exit codes of pnputil.exe: 259 says that no device wants the driver, or has a better one
 * (https://learn.microsoft.com/windows-hardware/drivers/devtest/pnputil-return-values).
 */
const pnputilCodes = { success: [0], restart: [3010, 1641], notNeeded: [259] };

const hour = 3600;

/** What an .msu says of itself, or whoever builds the package. */
export interface MsuFacts {
  /** Digits. */
  readonly kb: string;
  readonly architecture: 'amd64' | 'x86' | 'arm64';
  /** For instance `Windows 6.1`; absent where it is not known. */
  readonly product?: string;
}

export function msuDraft(path: string, { kb, architecture, product }: MsuFacts, flags: DraftFlags): PackageDraft {
  const file = { path, name: basename(path) };
  return {
    name: flags.name ?? `kb${kb}-${architecture}`,
    packageVersion: flags.packageVersion ?? '1',
    kind: 'msu',
    title: flags.title ?? `KB${kb}${product === undefined ? '' : ` for ${product}`} (${architecture})`,
    files: [file],
    command: { program: 'wusa.exe', arguments: [`{file:${file.name}}`, '/quiet', '/norestart'] },
    detection: { kind: 'hotfix', kb },
    prerequisites: { architectures: [architecture], ...windowsOf(product) },
    exitCodes: wusaCodes,
    reboot: 'can',
    timeoutSeconds: hour,
  };
}

/** `Windows 6.1` is Windows 7 and nothing later; all since Windows 10 call themselves 10.0. */
function windowsOf(product: string | undefined): PackageDraft['prerequisites'] {
  const [, major, minor] = /^Windows (\d{1,2})\.(\d{1,2})$/.exec(product ?? '') ?? [];
  if (major === undefined || minor === undefined) return {};
  const from = { windowsAtLeast: `${major}.${minor}` };
  return major === '10' ? from : { ...from, windowsBelow: `${major}.${Number(minor) + 1}` };
}

export interface ZipFlags extends DraftFlags {
  /** Of the installer inside the zip. */
  readonly command?: string;
  /** The zip has .inf files, which pnputil adds. */
  readonly inf?: boolean;
}

/** @throws CliError `usage` */
export function zipDraft(path: string, detection: PackageDraft['detection'], flags: ZipFlags): PackageDraft {
  const { name, packageVersion, title, command, inf } = flags;
  if (name === undefined || packageVersion === undefined)
    throw new CliError('usage', 'a zip does not say what it is: name --name and --package-version');
  if ((command === undefined) === (inf !== true))
    throw new CliError('usage', 'what installs it: name --command "setup.exe /s", or --inf for a zip with .inf files');
  const common = {
    name,
    packageVersion,
    title: title ?? `${name} ${packageVersion}`,
    files: [{ path, name: basename(path), unpack: true as const }],
    detection,
    prerequisites: {},
    reboot: 'can' as const,
    timeoutSeconds: hour,
  };
  if (command === undefined)
    return {
      ...common,
      kind: 'driver-inf',
      command: { program: 'pnputil.exe', arguments: ['/add-driver', '{folder}\\*.inf', '/subdirs', '/install'] },
      exitCodes: pnputilCodes,
    };
  return { ...common, kind: 'driver-zip', command: inFolder(splitCommand(command)), exitCodes: installerCodes };
}

/** Programs of Windows that installers are started by. */
const ofWindows = /^(cmd|dism|msiexec|pnputil|powershell|reg|rundll32|wusa)(\.exe)?$/i;

/** A program without a path is the one inside the zip, unless it is one of Windows. */
const inFolder = (command: PackageDraft['command']): PackageDraft['command'] =>
  /^([A-Za-z]:|\\|\{)/.test(command.program) || ofWindows.test(command.program)
    ? command
    : { ...command, program: `{folder}\\${command.program}` };

/**
 * A command line in parts: at spaces, unless they stand between double quotes. No shell ever reads it.
 *
 * @throws CliError `usage`
 */
export function splitCommand(text: string): PackageDraft['command'] {
  if ((text.match(/"/g) ?? []).length % 2 !== 0)
    throw new CliError('usage', `command: got ${JSON.stringify(text)}, a double quote is not closed`);
  const parts = [...text.matchAll(/(?:[^\s"]|"[^"]*")+/g)].map(([part]) => part.replaceAll('"', ''));
  const [program, ...rest] = parts;
  if (program !== undefined && program !== '') return { program, arguments: rest };
  throw new CliError('usage', `command: got ${JSON.stringify(text)}, expected a program and its arguments`);
}

/**
 * A detection rule as it is written in one text: `hotfix:KB5034441`, `registry:SOFTWARE\Vendor\Name:Version>=1.2` or `…:Version=text`,
 * `file:C:\Program Files\x.exe>=1.2`, `windows>=10.0.26100`, `command:check.exe /q`.
 *
 * @throws CliError `usage`
 */
export function readDetection(text: string): PackageDraft['detection'] {
  const [, kb] = /^hotfix:(?:KB)?0*(\d{5,8})$/i.exec(text) ?? [];
  if (kb !== undefined) return { kind: 'hotfix', kb };
  const [, windows] = /^windows>=([\d.]+)$/.exec(text) ?? [];
  if (windows !== undefined) return { kind: 'windows', atLeast: windows };
  const [, path, fileAtLeast] = /^file:(.+?)(?:>=([\d.]+))?$/.exec(text) ?? [];
  if (path !== undefined) return { kind: 'file', path, ...(fileAtLeast !== undefined && { atLeast: fileAtLeast }) };
  const [, key, name, atLeast, equals] =
    /^registry:(?:HKLM\\)?([^:]+):([^:>=]*)(?:>=([\d.]+)|=(.*))?$/.exec(text) ?? [];
  if (key !== undefined && name !== undefined)
    return {
      kind: 'registry',
      key,
      name,
      ...(atLeast !== undefined && { atLeast }),
      ...(equals !== undefined && { equals }),
    };
  const [, command] = /^command:(.+)$/.exec(text) ?? [];
  if (command !== undefined) return { kind: 'command', ...splitCommand(command), exitCodes: [0] };
  throw new CliError(
    'usage',
    `detection: got ${JSON.stringify(text)}, expected hotfix:KB5034441, registry:KEY:NAME, registry:KEY:NAME=TEXT, ` +
      'registry:KEY:NAME>=VERSION, file:PATH, file:PATH>=VERSION, windows>=VERSION or command:PROGRAM ARGUMENTS',
  );
}
