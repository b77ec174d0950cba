import { timestamp } from '#shared/contract/primitives.ts';
import type { UpdateLookupAnswer } from '#shared/contract/rules.ts';
import type { AgentPorts } from './ports.ts';

/**
 * When updates were first published, in the order of the question, each once. Left out is what no publication had, and
 * what is kept in a form that cannot be read: for a host, the day of the revision in its own index counts then.
 */
export async function lookUpUpdates(
  { catalog }: Pick<AgentPorts, 'catalog'>,
  asked: readonly string[],
): Promise<UpdateLookupAnswer> {
  const { units } = await catalog.unitsById(asked);
  const updates = [...new Set(asked)].flatMap((updateId) => {
    const firstPublishedAt = asTimestamp(units.get(updateId)?.firstPublishedAt ?? '');
    return firstPublishedAt === undefined ? [] : [{ updateId, firstPublishedAt }];
  });
  return { version: 1, updates };
}

/**
 * An index is free in how it spells a time, the answer is not. What is a timestamp stays as it is spelt: verdicts name it, and
 * should read the same on the host as here.
 */
function asTimestamp(text: string): string | undefined {
  if (timestamp.safeParse(text).success) return text;
  const moment = Date.parse(text);
  return Number.isNaN(moment) ? undefined : new Date(moment).toISOString();
}
