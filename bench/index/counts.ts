import type { RunCounts } from './runner.ts';

/** What both sides must have counted in a mode: all that they do alike. */
const common: Readonly<Record<string, readonly (keyof RunCounts)[]>> = {
  package: ['members', 'updates', 'locations'],
  decode: ['members', 'bytes'],
  selective: ['members', 'updates', 'locations', 'payloadFiles', 'sha256s', 'references', 'titles', 'kbs'],
  full: ['members', 'updates', 'locations', 'payloadFiles', 'sha256s', 'references', 'titles', 'kbs'],
  // Compared with what the peer counts in `full`.
  tokens: ['members', 'bytes', 'elements', 'attributes', 'textBytes'],
};

/**
 * @param generated what the generator knows; counts that it has not are left out
 * @throws Error when a side lacks a count of the mode, or when two differ
 */
export function assertAgree(mode: string, ours: RunCounts, peer: RunCounts, generated: RunCounts = {}): void {
  const names = common[mode];
  if (names === undefined) throw new Error(`${mode} is no mode; there are: ${Object.keys(common).join(', ')}`);
  for (const name of names) {
    const count = ours[name];
    if (count === undefined) throw new Error(`${mode}: we counted no ${name}`);
    if (peer[name] !== count) throw new Error(`${mode}: we counted ${count} ${name}, the peer ${peer[name] ?? 'none'}`);
    const known = generated[name];
    if (known !== undefined && known !== count) {
      throw new Error(`${mode}: we counted ${count} ${name}, the generator ${known}`);
    }
  }
}
