import { gzipSync } from 'node:zlib';
import { agentEndpoints } from '#shared/contract/agent/endpoints.ts';
import { enrolmentAudience, type HostPublicKey } from '#shared/contract/agent/identity.ts';
import type { HostFacts } from '#shared/contract/agent/report.ts';
import { newTestKey, type ProofRequest, proofOf } from './host-proof.ts';

/**
 * A host without an agent: it speaks the agents' API by hand, and so can say what no agent would. For the security suite
 * and for load.
 */
export interface RawHost {
  readonly machineId: string;
  readonly publicKey: HostPublicKey;
  readonly thumbprint: string;
  /** Of the last request that was made; may be set back, to make the next one a replay. */
  sequence: number;
  /** How the broker wants to be named; known after {@link enrol}. */
  audience: string;
  /** Enrols with a token. @throws Error when the broker does not answer 200 */
  enrol(token: string): Promise<void>;
  /** One request with a good proof, but for what `tweaks` change of it. */
  send(endpoint: ProofRequest['endpoint'], body: unknown, tweaks?: Tweaks): Promise<RawAnswer>;
}

export interface RawAnswer {
  /** The header Authorization that the request had. */
  readonly authorization: string | null;
  readonly status: number;
  readonly headers: Headers;
  /** Parsed, when it is JSON. */
  readonly json: unknown;
  readonly text: string;
}

/** What is different from a good request. */
export interface Tweaks extends Pick<ProofRequest, 'claims' | 'header' | 'signWith'> {
  /** The whole header Authorization, or `null` for none. */
  readonly authorization?: string | null;
  /** Sent in place of what was signed. */
  readonly bodyAfterSigning?: Uint8Array | string;
  /** The body as it stands, without JSON being made of it. */
  readonly rawBody?: Uint8Array | string;
  readonly gzip?: boolean;
  readonly headers?: Readonly<Record<string, string>>;
}

export const factsOf = (machineId: string): HostFacts => ({
  machineId,
  hostname: machineId.toUpperCase(),
  os: 'Windows 11 Enterprise',
  osVersion: '10.0.26100.1742',
  architecture: 'amd64',
  agentVersion: '0.1.0',
});

/** @param apiUrl address of the API, without a slash at the end */
export async function createRawHost(apiUrl: string, machineId: string): Promise<RawHost> {
  const key = await newTestKey();
  const { publicKey, thumbprint } = key;
  const host: RawHost = {
    machineId,
    publicKey,
    thumbprint,
    sequence: 0,
    audience: enrolmentAudience,
    async enrol(token) {
      const body = { version: 1, token, publicKey, host: factsOf(machineId) };
      const { status, json, text } = await host.send(agentEndpoints.enrol, body);
      if (status !== 200) throw new Error(`the enrolment of ${machineId} was answered ${status}: ${text}`);
      host.audience = agentEndpoints.enrol.response.parse(json).audience;
    },
    async send(endpoint, body, tweaks = {}) {
      const plain = tweaks.rawBody ?? JSON.stringify(body);
      const bytes = tweaks.gzip === true ? gzipSync(plain) : Buffer.from(plain);
      host.sequence += 1;
      const { audience, sequence } = host;
      const proof = { endpoint, key, machineId, sequence, audience, now: new Date(), ...tweaks };
      const authorization =
        tweaks.authorization === undefined ? `Bearer ${await proofOf(proof, bytes)}` : tweaks.authorization;
      const response = await fetch(`${apiUrl}${endpoint.path}`, {
        method: endpoint.method,
        headers: {
          'content-type': 'application/json',
          ...(authorization !== null && { authorization }),
          ...(tweaks.gzip === true && { 'content-encoding': 'gzip' }),
          ...tweaks.headers,
        },
        ...(bytes.byteLength > 0 && { body: Buffer.from(tweaks.bodyAfterSigning ?? bytes) }),
      });
      const text = await response.text();
      return { authorization, status: response.status, headers: response.headers, json: jsonOf(text), text };
    },
  };
  return host;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Whoever asked for JSON sees that there is none.
    return undefined;
  }
}
