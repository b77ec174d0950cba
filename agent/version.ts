import { readFileSync } from 'node:fs';
import * as z from 'zod/mini';

/** Version of this agent, as package.json says. */
export const readAgentVersion = (): string =>
  z.parse(
    z.object({ version: z.string() }),
    JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')),
  ).version;
