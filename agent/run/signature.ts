import { AuthenticodeReader, describeSignature } from '#shared/authenticode/index.ts';
import { AgentError } from '../ports/agent-error.ts';
import type { Slot } from '../ports/file-store.ts';
import type { Agent } from './agent.ts';

/**
 * Proves that Microsoft, or whom else the agent's settings trust, signed an index: who can write to the repository, or
 * speaks for it, cannot make one up.
 * @returns who signed it, in words
 * @throws AgentError `bad-signature`, `disk`
 */
export async function checkSignature(agent: Agent, slot: Slot): Promise<string> {
  const { files, clock } = agent.adapters;
  const reader = new AuthenticodeReader({ policy: agent.settings.indexTrust, now: clock.now() });
  await files.read(slot, (chunk) => reader.write(chunk));
  const signature = await reader.end();
  const words = describeSignature(signature);
  if (signature.state === 'valid') return words;
  throw new AgentError('bad-signature', `the index is not used, its signature is ${words}`);
}
