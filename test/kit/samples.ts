import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** Folder with the real cabs and index fragments; they are Microsoft's and others' data and never part of the project. */
export const samplesFolder = resolve(process.env.KBROKER_SAMPLES ?? '../shared/data');

/** True when the samples are there. Missing, they are skipped loudly; in CI that is a failure. */
export const haveSamples = existsSync(join(samplesFolder, 'cab')) && existsSync(join(samplesFolder, 'wsusscn2'));

if (!haveSamples) {
  const message = `no samples at ${samplesFolder}: set KBROKER_SAMPLES to the folder that has cab/, msu/ and wsusscn2/`;
  if (process.env.CI === 'true') throw new Error(message);
  process.stderr.write(`\n!!! SKIPPED: ${message}\n\n`);
}

/** Path of one sample. */
export const sample = (...parts: string[]): string => join(samplesFolder, ...parts);
