/** From the bytes of an offline index to the catalogue. */
export { type ExaminedCab, IndexExaminer } from './examine-index.ts';
export { IndexError } from './index-error.ts';
export {
  type IndexProgress,
  type Publication,
  type ReadIndexOptions,
  readIndex,
  readPublication,
  whyNotMonthly,
} from './read-index.ts';
