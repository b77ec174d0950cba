import * as z from 'zod/mini';
import { byteCount, sha1, sha256 } from './primitives.ts';

/** A payload file as a row of file facts stores it. */
export const payloadFile = z.object({
  sha1,
  sha256: z.exactOptional(sha256),
  name: z.exactOptional(z.string()),
  size: z.exactOptional(byteCount),
  url: z.exactOptional(z.string()),
});
