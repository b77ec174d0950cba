import { describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { enrolmentToken } from './agent/enrolment.ts';
import { inOneLine, parseInWords } from './parse.ts';
import { sha1 } from './primitives.ts';

const shape = z.object({ state: z.enum(['open', 'done']), limit: z.int().check(z.maximum(5)), files: z.array(sha1) });

describe('parsing in words', () => {
  it('gives what fits', () => {
    const value = { state: 'open', limit: 5, files: [] };
    expect(parseInWords(shape, value)).toEqual({ success: true, data: value });
  });

  it('says what is allowed and what was got, for every fault', () => {
    const parsed = parseInWords(shape, { state: 'lost', limit: 6, files: ['ABC'] });
    expect(!parsed.success && parsed.faults).toEqual([
      expect.stringMatching(/^state: .*"open"\|"done".* \(got "lost"\)$/),
      expect.stringMatching(/^limit: .*5 \(got 6\)$/),
      expect.stringMatching(/^files\.0: .*pattern.* \(got "ABC"\)$/),
    ]);
  });

  it('quotes neither secrets nor novels', () => {
    const parsed = parseInWords(z.object({ key: sha1 }), { key: 'a secret' }, { quote: false });
    expect(!parsed.success && parsed.faults.join()).not.toContain('a secret');
    const long = parseInWords(z.object({ key: sha1 }), { key: 'x'.repeat(1000) });
    expect(!long.success && inOneLine(long.faults).length).toBeLessThan(200);
    const object = parseInWords(sha1, { deep: 'value' });
    expect(!object.success && object.faults.join()).toMatch(/^value: .*string/);
  });

  it('does not quote an enrolment token that is nearly right', () => {
    const parsed = parseInWords(enrolmentToken, ` kbt1_${'a'.repeat(16)}_${'S'.repeat(43)} `);
    expect(!parsed.success && parsed.faults.join()).toMatch(/got " kbt1_…"/);
  });

  it('ends a list of many', () => {
    expect(inOneLine(Array.from({ length: 12 }, (_, n) => `${n}`))).toMatch(/9; and 2 more$/);
    expect(inOneLine(['a', 'b'])).toBe('a; b');
  });
});
