import { readFile } from 'node:fs/promises';
import * as z from 'zod/mini';
import { hostFacts } from '#shared/contract/agent/report.ts';
import { parseInWords } from '#shared/contract/parse.ts';
import { guid } from '#shared/contract/primitives.ts';
import { AgentError } from '../../ports/agent-error.ts';
import { hostState } from './host-state.ts';
import { distinctEntries } from './names.ts';

/** A `HRESULT` as Microsoft writes it, for instance `0x80070643`. */
const hresult = z.string().check(z.regex(/^0x[0-9A-Fa-f]{8}$/));

/**
 * A simulated Windows machine, as a JSON file describes it. The file is never written: what installations change is noted
 * in `<file without .json>.installed.json` beside it.
 *
 * Version 1 listed the detectoids that hold; now they are found out, by evaluating their rules on the described state.
 */
const simulatedHost = z.strictObject({
  version: z.literal(2),
  /** Facts that the agent reports. */
  host: z.strictObject(z.omit(hostFacts, { agentVersion: true }).shape),
  /** What the rules of the index are asked about. */
  state: hostState,
  /** Updates whose installation fails. */
  failing: z._default(
    z
      .array(
        z.strictObject({
          updateId: guid,
          hresult,
          message: z._default(z.string(), ''),
          /** So many attempts fail; all when left out. */
          times: z.exactOptional(z.int().check(z.positive())),
        }),
      )
      .check(distinctEntries(({ updateId }) => updateId)),
    [],
  ),
  /** Edition (`EditionID`) of its Windows, for packages. */
  edition: z.exactOptional(z.string()),
  /** Packages whose command ends otherwise than well. */
  packages: z._default(
    z
      .array(
        z.strictObject({
          name: z.string(),
          exitCode: z.union([z.int(), z.literal('timeout')]),
          /** So many runs end so; all when left out. */
          times: z.exactOptional(z.int().check(z.positive())),
        }),
      )
      .check(distinctEntries(({ name }) => name)),
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
  if (z.safeParse(z.object({ version: z.literal(1) }), json).success) {
    throw new AgentError(
      'bad-config',
      `${path} describes a simulated host in version 1, which only listed detectoids; allowed is version 2: ` +
        'describe the state of the machine (docs/simulated-hosts.md)',
    );
  }
  const parsed = parseInWords(simulatedHost, json);
  if (parsed.success) return parsed.data;
  throw new AgentError('bad-config', `${path} does not describe a simulated host:\n${parsed.faults.join('\n')}`, {
    cause: parsed.error,
  });
}
