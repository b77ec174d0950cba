import * as z from 'zod/mini';
import { sha1 } from '../primitives.ts';

/** What the sweep puts on the queue: the file's key only. Its facts are read from the catalogue when it is fetched. */
export const fetchPayloadMessage = z.object({ version: z.literal(1), sha1 });
export type FetchPayloadMessage = z.infer<typeof fetchPayloadMessage>;
