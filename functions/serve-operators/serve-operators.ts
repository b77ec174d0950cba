import * as z from 'zod/mini';
import { runId, type SyncWishes } from '#shared/contract/messages/sync-index.ts';
import type { operatorEndpoints } from '#shared/contract/operators/endpoints.ts';
import { type IndexView, refusalInForce, type SyncRun } from '#shared/contract/operators/index-sync.ts';
import { summarize } from '#shared/contract/operators/updates.ts';
import { inOneLine, parseInWords } from '#shared/contract/parse.ts';
import { guid, kbNumber, machineId } from '#shared/contract/primitives.ts';
import { ProblemError } from '#shared/contract/problem-error.ts';
import { fileRequestStates } from '#shared/contract/requests.ts';
import type { Implementation } from '#shared/lambda/api-handler.ts';
import type { CatalogStore, IndexStore, SyncJournal } from '#shared/stores/catalog/port.ts';
import type { HostStore } from '#shared/stores/hosts/port.ts';
import type { PayloadStore } from '#shared/stores/payloads/port.ts';
import type { RequestStore } from '#shared/stores/requests/port.ts';
import type { RuleStore } from '#shared/stores/rules/port.ts';
import type { RunStarter } from '#shared/stores/runs/port.ts';
import { StoreError } from '#shared/stores/store-error.ts';

export interface OperatorPorts {
  readonly index: Pick<IndexStore, 'current'>;
  readonly journal: Pick<SyncJournal, 'refusal' | 'putRun' | 'run'>;
  readonly catalog: Pick<CatalogStore, 'fileFacts' | 'unitFacts' | 'unitsOfKb'>;
  readonly hosts: Pick<HostStore, 'get' | 'list' | 'countByState'>;
  readonly requests: Pick<RequestStore, 'list' | 'countByState'>;
  readonly payloads: Pick<PayloadStore, 'totals'>;
  readonly rules: RuleStore;
  readonly runs: RunStarter;
  readonly now: () => Date;
  readonly newRunId: () => string;
}

/** The operators' API. */
export function serveOperators(ports: OperatorPorts): Implementation<typeof operatorEndpoints> {
  const { catalog, hosts, requests, payloads, rules, journal } = ports;
  return {
    async getStatus() {
      const [index, byHostState, byRequestState, totals] = await Promise.all([
        indexView(ports),
        hosts.countByState(),
        requests.countByState(),
        payloads.totals(),
      ]);
      const total = Object.values(byHostState).reduce((sum, count) => sum + count, 0);
      return {
        version: 1,
        index,
        hosts: { total, byState: byHostState },
        requests: { byState: byRequestState },
        payloads: totals,
      };
    },

    getIndex: () => indexView(ports),
    startSync: ({ request }) => startSync(ports, request),

    async getSync({ path }) {
      const id = parameter(runId, 'runId', path.runId);
      return (await journal.run(id)) ?? missing(`there is no run ${id}`);
    },

    async listUpdates({ query }) {
      const kb = parameter(kbNumber, 'kb', query.kb);
      const limit = limitOf(query.limit);
      const { units, unreadable, total, ...page } = await listing(() =>
        catalog.unitsOfKb(kb, { cursor: query.cursor, limit }),
      );
      return { version: 1, kb, updates: units.map(summarize), unreadable: [...unreadable], total, ...nextOf(page) };
    },

    async getUpdate({ path }) {
      const id = parameter(guid, 'updateId', path.updateId);
      const update = (await catalog.unitFacts(id)) ?? missing(`no index named an update ${id} that can be installed`);
      const facts = await catalog.fileFacts(update.files);
      return { version: 1, update, files: update.files.map((sha1) => facts.get(sha1) ?? { sha1 }) };
    },

    async listRequests({ query }) {
      const state = parameter(z.optional(z.enum(fileRequestStates)), 'state', query.state);
      const page = await listing(() => requests.list({ state, cursor: query.cursor, limit: limitOf(query.limit) }));
      return { version: 1, requests: [...page.items], unreadable: [...page.unreadable], ...nextOf(page) };
    },

    startSweep: () => unlessRefused('unavailable', () => ports.runs.sweep()),

    async listHosts({ query }) {
      const page = await listing(() => hosts.list({ cursor: query.cursor, limit: limitOf(query.limit) }));
      return { version: 1, hosts: [...page.items], unreadable: [...page.unreadable], ...nextOf(page) };
    },

    async getHost({ path }) {
      const id = parameter(machineId, 'machineId', path.machineId);
      return (await hosts.get(id)) ?? missing(`no host ${id} has reported`);
    },

    getRules: () => rules.get(),

    async putRules({ request }) {
      const changedAt = ports.now().toISOString();
      try {
        return await rules.put({ ...request.rules, version: 1, changedAt }, request.expectedRevision);
      } catch (error) {
        if (error instanceof StoreError && error.code === 'conflict')
          throw new ProblemError('conflict', error.message, { cause: error });
        throw error;
      }
    },
  };
}

async function indexView({ index, journal }: OperatorPorts): Promise<IndexView> {
  const [current, refusal] = await Promise.all([index.current(), journal.refusal()]);
  const refused = refusalInForce(current?.pointer, refusal);
  return {
    version: 1,
    ...(current !== undefined && { current: current.pointer }),
    ...(refused !== undefined && { refused }),
  };
}

/** The start is noted before the run, so that whoever asks for it at once finds it. */
async function startSync({ journal, runs, now, newRunId }: OperatorPorts, wishes: SyncWishes): Promise<SyncRun> {
  const run: SyncRun = { version: 1, runId: newRunId(), state: 'started', startedAt: now().toISOString() };
  await journal.putRun(run);
  try {
    await runs.startSync(run.runId, wishes);
  } catch (error) {
    const reason = 'the run could not be started';
    await journal.putRun({
      ...run,
      state: 'ended',
      endedAt: now().toISOString(),
      result: { outcome: 'failed', reason },
    });
    throw new ProblemError('unavailable', reason, { cause: error });
  }
  return run;
}

const defaultLimit = 100;
const limit = z.coerce.number().check(z.int(), z.minimum(1), z.maximum(500));

const limitOf = (text: string | undefined): number =>
  text === undefined ? defaultLimit : parameter(limit, 'limit', text);

/** @throws ProblemError `bad-request` that names the parameter, what is allowed and what was got */
function parameter<S extends z.ZodMiniType>(schema: S, name: string, value: string | undefined): z.output<S> {
  const parsed = parseInWords(z.object({ [name]: schema }), { [name]: value });
  if (!parsed.success) throw new ProblemError('bad-request', inOneLine(parsed.faults));
  return z.parse(schema, value);
}

function missing(detail: string): never {
  throw new ProblemError('not-found', detail);
}

function nextOf(page: { readonly next?: string }): { next?: string } {
  return page.next === undefined ? {} : { next: page.next };
}

/** A store refuses a cursor that it did not give out. */
const listing = <T>(list: () => Promise<T>): Promise<T> => unlessRefused('bad-request', list);

async function unlessRefused<T>(code: 'bad-request' | 'unavailable', call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof StoreError && error.code === 'refused')
      throw new ProblemError(code, error.message, { cause: error });
    throw error;
  }
}
