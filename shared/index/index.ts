/** From the bytes of an offline index to the catalogue. */
export { IndexError, type IndexErrorCode } from './index-error.ts';
export {
  type IndexLayout,
  type IndexProgress,
  type Publication,
  type ReadIndexOptions,
  readIndex,
  readPublication,
} from './read-index.ts';
