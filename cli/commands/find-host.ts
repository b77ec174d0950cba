import { operatorEndpoints } from '#shared/contract/operators/endpoints.ts';
import type { HostSummary, HostView } from '#shared/contract/operators/hosts.ts';
import { CliError } from '../cli-error.ts';
import { pagesOf } from '../pages.ts';
import type { CommandContext } from './context.ts';

/**
 * A host by its id as it stands, which is one request; else by an id or hostname in any case, which the list is asked for.
 *
 * @param name read by `readHostName`
 * @throws CliError `not-found` when no host has it, `refused` when several have
 */
export async function findHost({ call }: Pick<CommandContext, 'call'>, name: string): Promise<HostView> {
  const get = (machineId: string): Promise<HostView> => call(operatorEndpoints.getHost, { params: { machineId } });
  try {
    return await get(name);
  } catch (error) {
    if (!(error instanceof CliError) || error.code !== 'not-found') throw error;
  }
  const isName = (text: string): boolean => text.toLowerCase() === name.toLowerCase();
  const found: HostSummary[] = [];
  for await (const page of pagesOf((at) => call(operatorEndpoints.listHosts, { query: { name, ...at } }))) {
    found.push(...page.hosts.filter(({ machineId, hostname }) => isName(machineId) || isName(hostname)));
  }
  const [first, ...others] = found;
  if (first === undefined) throw new CliError('not-found', `no host is called ${name}; kbroker hosts list has all`);
  if (others.length > 0) {
    const ids = found.map(({ machineId }) => machineId).join(', ');
    throw new CliError('refused', `${found.length} hosts are called ${name}; name one by its machine id: ${ids}`);
  }
  return get(first.machineId);
}
