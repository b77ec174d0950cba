import { createHash } from 'node:crypto';
import { proofLifeSeconds } from '#shared/contract/agent/identity.ts';
import type { HostKey, SequenceNumbers } from '../../ports/identity.ts';
import type { Clock } from '../../ports/surroundings.ts';

export interface ProofOptions {
  readonly key: HostKey;
  /** How the broker wants to be named. */
  readonly audience: string;
  /** Asks the machine for its id; done once, at the first proof. */
  readonly machineId: () => Promise<string>;
  readonly sequence: SequenceNumbers;
  readonly clock: Pick<Clock, 'now'>;
}

/** A request as it is sent. */
interface ProvenRequest {
  readonly method: string;
  /** Without host and query. */
  readonly path: string;
  /** Compressed, if it is sent so. */
  readonly body: Uint8Array;
}

/** Makes the JWT that each request carries. */
export interface Proofs {
  prove(request: ProvenRequest): Promise<string>;
  /** The broker's clock: proofs go by it from now on, and nothing else does. */
  setTime(serverTime: Date): void;
  goOnAfter(sequence: number): Promise<void>;
}

export function createProofs({ key, audience, machineId, sequence, clock }: ProofOptions): Proofs {
  let offsetMilliseconds = 0;
  let machine: string | undefined;
  return {
    async prove({ method, path, body }) {
      machine ??= await machineId();
      const seq = await sequence.next();
      const iat = Math.floor((clock.now().getTime() + offsetMilliseconds) / 1000);
      return key.sign({
        iss: key.thumbprint,
        sub: machine,
        aud: audience,
        iat,
        exp: iat + proofLifeSeconds,
        seq,
        htm: method,
        htp: path,
        bh: createHash('sha256').update(body).digest('base64url'),
      });
    },
    setTime(serverTime) {
      offsetMilliseconds = serverTime.getTime() - clock.now().getTime();
    },
    goOnAfter: (last) => sequence.goOnAfter(last),
  };
}
