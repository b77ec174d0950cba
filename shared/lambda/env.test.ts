import { describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { EnvironmentError, parseEnv } from './env.ts';

const schema = z.object({
  TABLE: z.string(),
  QUEUE_URL: z.url(),
  SECONDS: z.coerce.number().check(z.int(), z.positive()),
});

describe('the environment of a function', () => {
  it('is parsed, numbers too, and what nobody asked for is left out', () => {
    const env = parseEnv(schema, { TABLE: 't', QUEUE_URL: 'https://sqs.example/q', SECONDS: '30', OTHER: 'x' });
    expect(env).toEqual({ TABLE: 't', QUEUE_URL: 'https://sqs.example/q', SECONDS: 30 });
  });

  it('shows all its faults at once, and no values', () => {
    const parse = () => parseEnv(schema, { QUEUE_URL: 'hunter2', SECONDS: '-1' });
    expect(parse).toThrow(EnvironmentError);
    expect(parse).toThrow(/^the environment does not fit:\nTABLE: .*\nQUEUE_URL: .*\nSECONDS: .*$/);
    expect(parse).not.toThrow(/hunter2/);
  });

  it('is that of the process unless told otherwise', () => {
    expect(parseEnv(z.object({ PATH: z.string() })).PATH).toBe(process.env.PATH);
  });
});
