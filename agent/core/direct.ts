import type { PayloadFile } from '#shared/core/catalog/model.ts';
import type { Journal } from './journal.ts';

/**
 * Whether files may come from Microsoft itself.
 *
 * - `never`: from the repository only.
 * - `fallback`: where the repository cannot be reached or does not have them.
 * - `first`: from the repository only where Microsoft cannot be reached.
 */
export type DirectPolicy = 'never' | 'fallback' | 'first';

/** A file of which the index says where Microsoft has it, and all that it is proved by. */
export interface DirectFile extends PayloadFile {
  readonly sha256: string;
  readonly size: number;
  readonly url: string;
}

/** Whether the file may come from Microsoft. What an old index names by its SHA-1 alone may not: that proves too little. */
export const mayComeDirectly = (file: PayloadFile, direct: DirectPolicy): file is DirectFile =>
  direct !== 'never' && file.sha256 !== undefined && file.size !== undefined && file.url !== undefined;

/** Why the last download of a file failed, unless this host itself was to blame; undefined when it did not. */
export const sourceFailure = ({ downloads }: Journal, sha1: string): string | undefined =>
  downloads.find((one) => one.sha1 === sha1 && one.noRoom !== true)?.error;

/** Whether nothing speaks against getting the file from Microsoft: it may come from there, and was not tried in vain. */
export const comesDirectly = (
  file: PayloadFile,
  { direct, journal }: { readonly direct: DirectPolicy; readonly journal: Journal },
): boolean => mayComeDirectly(file, direct) && sourceFailure(journal, file.sha1) === undefined;

/** Whether the broker is left out of it: it is neither asked for the file nor told that it is needed. */
export const passesBroker = (
  file: PayloadFile,
  knowledge: { readonly direct: DirectPolicy; readonly journal: Journal },
): boolean => knowledge.direct === 'first' && comesDirectly(file, knowledge);
