import type { PackageFacts } from '#shared/core/packages/judge.ts';
import type { Detection, PackageManifest } from '#shared/core/packages/model.ts';

/** A file of a package on the local disk, with what it must be. */
export interface RunnableFile {
  readonly path: string;
  /** As the package calls it. */
  readonly name: string;
  readonly sha256: string;
  /** Bytes. */
  readonly size: number;
  readonly unpack?: true;
}

export type RunOutcome =
  | { readonly outcome: 'ended'; readonly exitCode: number }
  /** It ran longer than it may, and was ended. */
  | { readonly outcome: 'timed-out' }
  /** It was not begun: a file is missing or wrong, or there is no such program. Nothing changed. */
  | { readonly outcome: 'not-started'; readonly reason: string };

/**
 * What a machine does with administrators' own packages. Results of the machine are values; AgentError is thrown only when it
 * could not even be asked.
 */
export interface PackageRunner {
  /** What prerequisites ask about, apart from the disk. */
  facts(): Promise<Omit<PackageFacts, 'freeBytes'>>;
  /** Whether a detection rule holds now. */
  detect(rule: Detection): Promise<boolean>;
  /**
   * Puts the files into a folder of their own under their names, unpacks those that say so, and runs the command there, without a
   * shell. It needs every file of the package and refuses wrong ones before it changes anything.
   */
  run(manifest: PackageManifest, files: readonly RunnableFile[]): Promise<RunOutcome>;
}
