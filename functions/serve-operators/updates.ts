import { summarize } from '#shared/contract/operators/updates.ts';
import { guid, kbNumber } from '#shared/contract/primitives.ts';
import { listing, missing, nextOf, pageQuery, parameter } from './parameters.ts';
import type { OperatorPorts, OperatorsApi } from './ports.ts';

/** Updates that the index named. */
export function updatesApi({
  catalog,
}: Pick<OperatorPorts, 'catalog'>): Pick<OperatorsApi, 'listUpdates' | 'getUpdate'> {
  return {
    async listUpdates({ query }) {
      const kb = parameter(kbNumber, 'kb', query.kb);
      const page = pageQuery(query);
      const { units, unreadable, total, ...rest } = await listing(() => catalog.unitsOfKb(kb, page));
      return { version: 1, kb, updates: units.map(summarize), unreadable: [...unreadable], total, ...nextOf(rest) };
    },

    async getUpdate({ path }) {
      const id = parameter(guid, 'updateId', path.updateId);
      const update = (await catalog.unitFacts(id)) ?? missing(`no index named an update ${id} that can be installed`);
      const facts = await catalog.fileFacts(update.files);
      return { version: 1, update, files: update.files.map((sha1) => facts.get(sha1) ?? { sha1 }) };
    },
  };
}
