import type { JudgedPackage } from '#shared/core/packages/judge.ts';
import { packageRef } from '#shared/core/packages/model.ts';
import type { StepOf } from './plan.ts';

/** Downloads of all files of wanted packages that are not here, each once. @param stored SHA-256 of files on the disk */
export function planPackageDownloads(
  judged: readonly JudgedPackage[],
  stored: ReadonlySet<string>,
): readonly StepOf<'download-package-file'>[] {
  const steps = new Map<string, StepOf<'download-package-file'>>();
  for (const { manifest, wanted } of judged)
    for (const file of wanted ? manifest.files : [])
      if (!stored.has(file.sha256) && !steps.has(file.sha256))
        steps.set(file.sha256, { kind: 'download-package-file', file, package: packageRef(manifest) });
  return [...steps.values()];
}

/**
 * The next package to run: one at a time, since what it did decides what may follow.
 *
 * @param tried packages of this cycle, as `name/version`
 */
export function planPackageRun(
  judged: readonly JudgedPackage[],
  stored: ReadonlySet<string>,
  tried: ReadonlySet<string>,
): StepOf<'run-package'> | undefined {
  const next = judged.find(
    ({ manifest, wanted }) =>
      wanted && !tried.has(packageRef(manifest)) && manifest.files.every(({ sha256 }) => stored.has(sha256)),
  );
  return next && { kind: 'run-package', manifest: next.manifest };
}

/** Removal of files, whole or begun, that no wanted package needs. */
export function planPackageRemovals(
  judged: readonly JudgedPackage[],
  onDisk: readonly string[],
): readonly StepOf<'remove-package-file'>[] {
  const needed = new Set(
    judged.flatMap(({ manifest, wanted }) => (wanted ? manifest.files.map(({ sha256 }) => sha256) : [])),
  );
  return onDisk.filter((sha256) => !needed.has(sha256)).map((sha256) => ({ kind: 'remove-package-file', sha256 }));
}
