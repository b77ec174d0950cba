import { describe, expect, it } from 'vitest';
import { readBatchResult } from './batch-result.ts';

const ids = new Set(['a', 'b']);
const failed = (answer: unknown): string[] | string => {
  const result = readBatchResult(JSON.stringify(answer), ids);
  return result.kind === 'done' ? [...result.failed] : result.kind;
};

describe('the answer of a function about its batch', () => {
  it.each([[null], [{}], [{ batchItemFailures: null }], [{ batchItemFailures: [] }], [{ somethingElse: true }]])(
    '%j means that all is done',
    (answer) => {
      expect(failed(answer)).toEqual([]);
    },
  );

  it('names the records that failed', () => {
    expect(failed({ batchItemFailures: [{ itemIdentifier: 'b' }] })).toEqual(['b']);
    expect(failed({ batchItemFailures: [{ itemIdentifier: 'a' }, { itemIdentifier: 'b' }] })).toEqual(['a', 'b']);
  });

  it.each([
    [{ batchItemFailures: [{ itemIdentifier: 'unknown' }] }],
    [{ batchItemFailures: [{ itemIdentifier: '' }] }],
    [{ batchItemFailures: [{ itemIdentifier: null }] }],
    [{ batchItemFailures: [{ wrongKey: 'a' }] }],
    [{ batchItemFailures: 'a' }],
    ['text'],
  ])('%j makes the whole batch fail', (answer) => {
    expect(failed(answer)).toBe('invalid');
  });
});
