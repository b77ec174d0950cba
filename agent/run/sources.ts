import type { RepositoryKey } from '#shared/contract/keys.ts';
import { httpsTwinOf, microsoftAddress } from '#shared/upstream/hosts.ts';
import { UpstreamError } from '#shared/upstream/upstream-error.ts';
import { AgentError } from '../ports/agent-error.ts';
import type { BodyAnswer, Resume } from '../ports/repository.ts';
import type { Agent } from './agent.ts';

/** Where an object is downloaded from: one code path proves it, whoever gives it. */
export interface Source {
  readonly name: 'repository' | 'microsoft';
  /** @throws AgentError */
  open(resume: Resume | undefined, signal: AbortSignal | undefined): Promise<BodyAnswer>;
}

export const repositorySource = ({ adapters }: Agent, key: RepositoryKey): Source => ({
  name: 'repository',
  open: (resume, signal) => adapters.repository.open(key, resume, signal),
});

/**
 * A file at Microsoft, at the address that the index names: by https where Microsoft has the same path there, else, or when that
 * fails, as the index spells it. Only Microsoft's hosts are contacted, also after redirects.
 */
export const microsoftSource = (agent: Agent, address: string): Source => ({
  name: 'microsoft',
  async open(resume, signal) {
    const spelt = allowed(address);
    const twin = httpsTwinOf(spelt);
    if (twin === undefined) return openFollowing(agent, spelt, resume, signal);
    try {
      return await openFollowing(agent, twin, resume, signal);
    } catch (error) {
      if (!(error instanceof AgentError) || error.code === 'stopped') throw error;
      agent.adapters.log({ level: 'debug', message: `${error.message}; trying ${spelt.origin}` });
      return openFollowing(agent, spelt, resume, signal);
    }
  },
});

const maxRedirects = 5;

async function openFollowing(
  { adapters }: Agent,
  first: URL,
  resume: Resume | undefined,
  signal: AbortSignal | undefined,
): Promise<BodyAnswer> {
  let url = first;
  for (let redirects = 0; redirects <= maxRedirects; redirects += 1) {
    const answer = await adapters.web.open(url, resume, signal);
    if (!('location' in answer)) return answer;
    const next = allowed(answer.location, url);
    if (url.protocol === 'https:' && next.protocol === 'http:')
      throw new AgentError('forbidden-host', `${url.origin} redirects from https to plain ${next.origin}`);
    url = next;
  }
  throw new AgentError('bad-answer', `${first.origin}${first.pathname} redirects more than ${maxRedirects} times`);
}

/** @throws AgentError `forbidden-host` */
function allowed(address: string, base?: URL): URL {
  try {
    return microsoftAddress(address, base);
  } catch (cause) {
    if (cause instanceof UpstreamError) throw new AgentError('forbidden-host', cause.message, { cause });
    throw cause;
  }
}
