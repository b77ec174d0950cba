import { readFile } from 'node:fs/promises';
import * as z from 'zod/mini';
import { hostFacts } from '#shared/contract/agent/report.ts';
import { guid } from '#shared/contract/primitives.ts';
import { AgentError } from '../../ports/agent-error.ts';

/** A `HRESULT` as Microsoft writes it, for instance `0x80070643`. */
const hresult = z.string().check(z.regex(/^0x[0-9A-Fa-f]{8}$/));

/**
 * A simulated Windows machine, as a JSON file describes it. The file is never written: what gets installed is noted in
 * `<file without .json>.installed.json` beside it.
 */
const simulatedHost = z.object({
  version: z.literal(1),
  /** Facts that the agent reports. */
  host: z.omit(hostFacts, { agentVersion: true }),
  /** UpdateIds of the detectoids and categories that hold on this machine. */
  detectoids: z.array(guid),
  /** Packages of component-based servicing, for instance `Microsoft-Windows-Client-Features-Package`. */
  cbsPackages: z._default(
    z.array(
      z.object({
        name: z.string().check(z.minLength(1)),
        version: z.string().check(z.regex(/^\d+\.\d+\.\d+\.\d+$/)),
        architecture: z.enum(['amd64', 'x86', 'arm64']),
      }),
    ),
    [],
  ),
  /** UpdateIds that are installed from the beginning. */
  installed: z._default(z.array(guid), []),
  /** Updates whose installation fails. */
  failing: z._default(
    z.array(
      z.object({
        updateId: guid,
        hresult,
        message: z._default(z.string(), ''),
        /** So many attempts fail; all when left out. */
        times: z.exactOptional(z.int().check(z.positive())),
      }),
    ),
    [],
  ),
});
export type SimulatedHost = z.infer<typeof simulatedHost>;

/** @throws AgentError `bad-config` that says where the file is wrong */
export async function readHostFile(path: string): Promise<SimulatedHost> {
  let json: unknown;
  try {
    json = JSON.parse(await readFile(path, 'utf8'));
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new AgentError('bad-config', `cannot read the simulated host: ${path}: ${why}`, { cause });
  }
  const parsed = z.safeParse(simulatedHost, json);
  if (parsed.success) return parsed.data;
  throw new AgentError('bad-config', `${path} does not describe a simulated host:\n${z.prettifyError(parsed.error)}`, {
    cause: parsed.error,
  });
}
