/** From the bytes of an offline index to the catalogue. */
export { IndexError } from './index-error.ts';
export { type IndexProgress, type Publication, readIndex, readPublication } from './read-index.ts';
