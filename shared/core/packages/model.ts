/**
 * Packages of an administrator's own: what the index does not hold. Plain data, as it is signed and as hosts read it.
 */

/** What kind of input a package was built from; hosts treat all the same. */
export const packageKinds = ['msu', 'driver-zip', 'driver-inf', 'os-upgrade', 'command'] as const;
type PackageKind = (typeof packageKinds)[number];

export const architectures = ['amd64', 'x86', 'arm64'] as const;
export type Architecture = (typeof architectures)[number];

/** A program and its arguments, one text each: no shell reads them, so that nothing in them is interpreted. */
export interface PackageCommand {
  /** A name that Windows finds by itself, or a path. `{folder}` and `{file:NAME}` are replaced; see {@link commandFor}. */
  readonly program: string;
  readonly arguments: readonly string[];
}

/** What a host looks at to say whether a package is installed. */
export type Detection =
  /** The update with this KB number is installed (digits alone). */
  | { readonly kind: 'hotfix'; readonly kb: string }
  /** A value below HKEY_LOCAL_MACHINE is there, has this text, or a version that is no lower. */
  | {
      readonly kind: 'registry';
      readonly key: string;
      readonly name: string;
      readonly equals?: string;
      readonly atLeast?: string;
    }
  /** A file is there, and its version is no lower. */
  | { readonly kind: 'file'; readonly path: string; readonly atLeast?: string }
  /** Windows has this version or a later one. */
  | { readonly kind: 'windows'; readonly atLeast: string }
  /** A command ends with one of these codes. Only the host can run it. */
  | ({ readonly kind: 'command'; readonly exitCodes: readonly number[] } & PackageCommand);

/** What must hold before a package is downloaded. What is left out may be anything. */
interface Prerequisites {
  readonly architectures?: readonly Architecture[];
  /** Versions of Windows: this one or later, and before that one. */
  readonly windowsAtLeast?: string;
  readonly windowsBelow?: string;
  /** `EditionID` of Windows, for instance `Professional`; in any case. */
  readonly editions?: readonly string[];
  /** Language of Windows, for instance `en-US`; in any case. */
  readonly languages?: readonly string[];
  /** Bytes that are free on the system's disk before the download. */
  readonly freeBytes?: number;
  /** Packages that are installed, as `name/version`. */
  readonly packages?: readonly string[];
}

/**
 * What an exit code means. `restart`: done but for a restart. `not-needed`: the installer found that it has nothing to do
 * here. A code that is in no list is a failure.
 */
export interface ExitCodes {
  readonly success: readonly number[];
  readonly restart: readonly number[];
  readonly notNeeded: readonly number[];
}

/** A file of a package: its bytes by their digest. */
export interface PackageFile {
  readonly name: string;
  readonly sha256: string;
  /** Bytes. */
  readonly size: number;
  /** A zip, unpacked into the folder of the package before the command runs. */
  readonly unpack?: true;
}

export interface PackageManifest {
  readonly name: string;
  readonly packageVersion: string;
  readonly kind: PackageKind;
  readonly title: string;
  readonly files: readonly PackageFile[];
  readonly command: PackageCommand;
  readonly detection: Detection;
  readonly prerequisites: Prerequisites;
  readonly exitCodes: ExitCodes;
  /** Whether it restarts the host by itself (`always`), may ask for a restart (`can`), or needs none. */
  readonly reboot: 'never' | 'can' | 'always';
  /** After that the command is ended. Seconds. */
  readonly timeoutSeconds: number;
  /** When it was built, ISO 8601: deferrals count from then. */
  readonly publishedAt: string;
}

/** How a package of one version is called. */
export const packageRef = ({ name, packageVersion }: Pick<PackageManifest, 'name' | 'packageVersion'>): string =>
  `${name}/${packageVersion}`;

/** A command as it is run: `{folder}` is the folder of the package, `{file:NAME}` the path of one of its files. */
export function commandFor(
  { program, arguments: given }: PackageCommand,
  folder: string,
  pathOf: (name: string) => string | undefined,
): PackageCommand {
  const put = (text: string): string =>
    text.replaceAll(/\{folder\}|\{file:([^}]+)\}/g, (whole, name: string | undefined) =>
      name === undefined ? folder : (pathOf(name) ?? whole),
    );
  return { program: put(program), arguments: given.map(put) };
}

/** Names of files that a command mentions and the package does not have. */
export function unknownFiles({ files, command }: Pick<PackageManifest, 'files' | 'command'>): readonly string[] {
  const known = new Set(files.map(({ name }) => name));
  return [command.program, ...command.arguments].flatMap((text) =>
    [...text.matchAll(/\{file:([^}]+)\}/g)].flatMap(([, name]) => (name === undefined || known.has(name) ? [] : name)),
  );
}
