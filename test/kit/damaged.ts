import * as fc from 'fast-check';

/** What stands in the place of a part: any JSON, odd texts, numbers out of every bound. */
const odd = fc.oneof(fc.jsonValue(), fc.string({ unit: 'binary' }), fc.constantFrom('\ud800', -1, 2 ** 60, 1e308, ''));

/** A body with some of its parts replaced, anywhere in it; sometimes none is. */
export function damaged(body: unknown): fc.Arbitrary<unknown> {
  if (Array.isArray(body))
    return fc.oneof({ weight: 4, arbitrary: fc.tuple(...body.map(damaged)) }, { weight: 1, arbitrary: odd });
  if (typeof body === 'object' && body !== null)
    return fc.oneof(
      { weight: 9, arbitrary: fc.record(Object.fromEntries(Object.entries(body).map(([k, v]) => [k, damaged(v)]))) },
      { weight: 1, arbitrary: odd },
    );
  return fc.oneof({ weight: 9, arbitrary: fc.constant(body) }, { weight: 1, arbitrary: odd });
}
