import * as z from 'zod/mini';
import { agentAuthentication } from '#functions/serve-agents/authenticate.ts';
import type { AgentPorts } from '#functions/serve-agents/ports.ts';
import { nameOf, refusedBodies, serveAgents } from '#functions/serve-agents/serve-agents.ts';
import { agentEndpoints } from '#shared/contract/agent/endpoints.ts';
import { joinToken } from '#shared/contract/agent/enrolment.ts';
import type { Problem } from '#shared/contract/problem.ts';
import { apiHandler } from '#shared/lambda/api-handler.ts';
import { createTelemetry } from '#shared/lambda/telemetry.ts';
import { newTestKey, type TestKey } from './host-proof.ts';
import { invoke } from './invoke.ts';
import { MemoryAuditLog } from './memory-audit.ts';
import { MemoryCommandStore } from './memory-commands.ts';
import { MemoryCookieIssuer } from './memory-cookies.ts';
import { MemoryEventSink } from './memory-events.ts';
import { MemoryHostStore } from './memory-hosts.ts';
import { MemoryRequestStore } from './memory-requests.ts';
import { MemoryCatalogStore, MemoryPayloadStore } from './memory-stores.ts';
import { MemoryTokenStore } from './memory-tokens.ts';
import { type SignedRequest, signedEvent } from './signed-host.ts';
import { at, hostFactsOf, sha256, tokenOf } from './values.ts';

export const testAudience = 'urn:kbroker:111122223333:eu-west-1:tests';
export const testSecret = 'S'.repeat(43);
export const testToken = (n: number): string => joinToken({ tokenId: tokenOf(n).tokenId, secret: testSecret });

/** Ports of the agents' API in memory, at a time that a test sets. */
export function memoryAgentPorts() {
  const clock = { seconds: 100 };
  const tokens = new MemoryTokenStore();
  /** What was said of hosts that got no cookies. */
  const notIssued: { readonly error?: unknown }[] = [];
  return {
    clock,
    tokens,
    notIssued,
    ports: {
      hosts: new MemoryHostStore(tokens),
      audit: new MemoryAuditLog(),
      commands: new MemoryCommandStore(),
      cookies: new MemoryCookieIssuer(),
      onNoCookies: (why) => void notIssued.push(why),
      events: new MemoryEventSink(),
      catalog: new MemoryCatalogStore(),
      payloads: new MemoryPayloadStore(),
      requests: new MemoryRequestStore({ retryFailedAfterSeconds: 1000 }),
      filesPerDay: 500,
      audience: testAudience,
      keepMilliseconds: 5000,
      repositoryUrl: 'https://repository.example',
      now: () => new Date(at(clock.seconds)),
    } satisfies AgentPorts,
  };
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** The answer, or a problem. */
  readonly body: Partial<Problem> & Readonly<Record<string, unknown>>;
}

type Name = keyof typeof agentEndpoints;
type Tweaks = Partial<Omit<SignedRequest, 'endpoint' | 'body' | 'now'>>;

/** A host that speaks to the function by events, each signed and numbered. */
export interface TestHost {
  readonly machineId: string;
  readonly key: TestKey;
  /** Of its last request. */
  sequence: number;
  /** @param tweaks what is different from a good request */
  send(name: Name, body: unknown, tweaks?: Tweaks): Promise<Answer>;
  enrol(token?: string, tweaks?: Tweaks): Promise<Answer>;
}

const answer = z.object({ statusCode: z.int(), headers: z.record(z.string(), z.string()), body: z.string() });

/** The function that answers hosts, behind its real bundle, on any ports. */
export function agentsApi(ports: AgentPorts, rate = { burst: 1000, perMinute: 600 }) {
  const handler = apiHandler({
    telemetry: createTelemetry('serve-agents'),
    endpoints: agentEndpoints,
    implementation: serveAgents(ports),
    authenticate: agentAuthentication({ ...ports, rate }),
    nameOf,
    onRefusedBody: refusedBodies(ports),
  });
  const call = async (event: unknown): Promise<Answer> => {
    const { statusCode, headers, body } = z.parse(answer, await invoke(handler, event));
    return { status: statusCode, headers, body: JSON.parse(body) };
  };
  const newHost = (machineId: string, key: TestKey): TestHost => {
    const host: TestHost = {
      machineId,
      key,
      sequence: 0,
      async send(name, body, tweaks = {}) {
        host.sequence += 1;
        const endpoint = agentEndpoints[name];
        const audience = name === 'enrol' ? undefined : ports.audience;
        const { sequence } = host;
        return call(
          await signedEvent({ endpoint, body, key, machineId, sequence, audience, now: ports.now(), ...tweaks }),
        );
      },
      enrol: (token = testToken(1), tweaks) =>
        host.send('enrol', { version: 1, token, publicKey: key.publicKey, host: hostFactsOf(machineId) }, tweaks),
    };
    return host;
  };
  return { call, newHost: async (machineId: string, key?: TestKey) => newHost(machineId, key ?? (await newTestKey())) };
}

/** The API on memory ports, with a token and an enrolled host. */
export async function agentsApiWithHost(rate?: { readonly burst: number; readonly perMinute: number }) {
  const memory = memoryAgentPorts();
  await memory.tokens.create(tokenOf(1), sha256(testSecret));
  const api = agentsApi(memory.ports, rate);
  const host = await api.newHost('pc-1');
  const { status, body } = await host.enrol();
  if (status !== 200) throw new Error(`the host was not enrolled: ${JSON.stringify(body)}`);
  return { ...memory, api, host };
}
