import { summarize } from '#shared/contract/operators/updates.ts';
import { guid, kbNumber } from '#shared/contract/primitives.ts';
import type { FileRequest } from '#shared/contract/requests.ts';
import { unitProgressOf } from '#shared/core/status/progress.ts';
import { listing, missing, nextOf, pageQuery, parameter } from './parameters.ts';
import type { OperatorPorts, OperatorsApi } from './ports.ts';

/** States of a request whose file is still to come. */
const coming: ReadonlySet<FileRequest['state'] | undefined> = new Set(['open', 'queued', 'fetching']);

/** Updates that the index named. */
export function updatesApi({
  catalog,
  payloads,
  requests,
}: Pick<OperatorPorts, 'catalog' | 'payloads' | 'requests'>): Pick<OperatorsApi, 'listUpdates' | 'getUpdate'> {
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
      const [facts, held, asked] = await Promise.all([
        catalog.fileFacts(update.files),
        payloads.held(update.files),
        requests.get(update.files),
      ]);
      const files = update.files.map((sha1) => facts.get(sha1) ?? { sha1 });
      const unit = files.map(({ sha1, size }) => ({
        size: size ?? held.get(sha1)?.size,
        isHeld: held.has(sha1),
        isComing: coming.has(asked.get(sha1)?.state),
        progress: asked.get(sha1)?.progress,
      }));
      return { version: 1, update, files, progress: unitProgressOf(unit) };
    },
  };
}
