import { fileURLToPath } from 'node:url';

/** The root of the project, absolute and without a slash at the end. */
export const projectDir = fileURLToPath(new URL('../..', import.meta.url)).replace(/[\\/]$/, '');

/** One folder per Lambda function. */
export const functionsDir = `${projectDir}/functions`;

/** Where `npm run build` puts the bundles, for people to look at. */
export const defaultBundleDir = `${projectDir}/dist/functions`;
