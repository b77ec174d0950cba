/** Versions of Windows, files and packages: four numbers, compared from the left. */
export type Version = readonly [major: number, minor: number, build: number, revision: number];

const form = /^\d{1,10}(?:\.\d{1,10}){0,3}$/;

/**
 * Reads one to four numbers; those that are left out are 0. (Microsoft's schema asks for four, but its rules also compare
 * registry values like `6.3`.)
 *
 * @returns `undefined` when the text is none
 */
export function parseVersion(text: string): Version | undefined {
  const trimmed = text.trim();
  if (!form.test(trimmed)) return undefined;
  const [major = 0, minor = 0, build = 0, revision = 0] = trimmed.split('.').map(Number);
  return [major, minor, build, revision];
}

export const formatVersion = (version: Version): string => version.join('.');

/** Negative, 0 or positive, as `a` is older than, the same as, or newer than `b`. */
export function compareVersions(a: Version, b: Version): number {
  return a[0] - b[0] || a[1] - b[1] || a[2] - b[2] || a[3] - b[3];
}
