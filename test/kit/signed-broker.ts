import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CliError } from '#cli/cli-error.ts';
import type { OperatorClient } from '#cli/client.ts';
import type { CommandContext } from '#cli/commands/context.ts';
import { testContext } from '#cli/testing/context.ts';
import { openTrustHome } from '#cli/trust/home.ts';
import { publishRepository } from '#functions/publish-repository/publish-repository.ts';
import type { Endpoint } from '#shared/contract/endpoint.ts';
import { operatorEndpoints } from '#shared/contract/operators/endpoints.ts';
import { ProblemError } from '#shared/contract/problem-error.ts';
import { ada, operatorsApi, origin } from './operators-api.ts';

/** A broker in memory with its publisher, and machines of administrators. */
export async function openSignedBroker() {
  const bench = operatorsApi();
  const folder = await mkdtemp(join(tmpdir(), 'kbroker-trust-'));
  const { ports, online } = bench;
  bench.clock.seconds = (Date.now() - Date.UTC(2026, 6, 14, 12)) / 1000;
  let publishing = true;
  const publish = async (): Promise<void> => {
    const { index, catalog, payloads, repository, rules, snapshot, now, publisher } = ports;
    for (const message of publisher.messages.splice(0))
      await publishRepository(
        { repository, signer: online, rules, index, catalog, payloads, fleet: snapshot, now },
        message,
      );
  };
  const call = async (
    endpoint: Endpoint,
    { params = {}, query = {}, body }: NonNullable<Parameters<OperatorClient>[1]> = {},
  ): Promise<unknown> => {
    const name = Object.entries(operatorEndpoints).find(([, one]) => one === endpoint)?.[0] ?? '';
    const run = bench.api[name as keyof typeof bench.api] as (asked: unknown) => Promise<unknown>;
    try {
      const answer = await run({ path: params, query, request: body, caller: ada, ...origin });
      if (publishing) await publish();
      return answer;
    } catch (error) {
      if (error instanceof ProblemError)
        throw new CliError('refused', `${error.code}: ${error.message}`, { cause: error });
      throw error;
    }
  };
  return {
    ...bench,
    folder,
    publish,
    /** Messages stay on the queue from now on, or are worked off at each call. */
    setPublishing(on: boolean): void {
      publishing = on;
    },
    path: (name: string): string => join(folder, name),
    /** The machine of a person; the same name is the same machine. */
    machine(name: string) {
      const made = testContext(() => undefined, { now: ports.now });
      const context: CommandContext = {
        ...made.context,
        call: call as OperatorClient,
        trust: openTrustHome(join(folder, `${name}.trust`)),
      };
      return { context, printed: made.printed };
    },
    close: () => rm(folder, { recursive: true, force: true }),
  };
}
