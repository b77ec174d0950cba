import type { HostState } from '#shared/core/catalog/applicability/host-state.ts';
import type { ApplicabilityRules, Rule, RuleLookup } from '#shared/core/catalog/applicability/model.ts';
import type { Catalog, CatalogUpdate, PayloadFile } from '#shared/core/catalog/model.ts';
import { type HostScan, scanHost } from '#shared/core/catalog/scan.ts';

/** An update and its rules. */
interface Ruled {
  readonly update: CatalogUpdate;
  readonly rules: ApplicabilityRules;
}
type Changes = Partial<CatalogUpdate> & { readonly rules?: ApplicabilityRules };

/** True on hosts whose registry says so. */
export const flag = (id: string): Rule => ({
  op: 'b.RegDword',
  value: { root: 'machine', subkey: 'SOFTWARE\\Test', view32: false, value: id },
  comparison: 'EqualTo',
  data: 1,
});
export const always: Rule = { op: 'True' };

/** Installed where the registry has its id; installable everywhere. */
export const update = (revisionId: number, { rules, ...changes }: Changes = {}): Ruled => {
  const updateId = changes.updateId ?? `u${revisionId}`;
  return {
    update: {
      updateId,
      revision: 100,
      revisionId,
      type: 'software',
      action: 'install',
      isBundle: false,
      isLeaf: true,
      createdAt: '2026-01-13T18:00:00Z',
      prerequisites: [],
      bundledBy: [],
      supersededBy: [],
      categories: { products: [], families: [], companies: [] },
      payload: [],
      kbs: [],
      bulletins: [],
      cves: [],
      ...changes,
    },
    rules: rules ?? { isInstalled: flag(updateId), isInstallable: always },
  };
};
export const bundle = (revisionId: number, changes: Changes = {}): Ruled =>
  update(revisionId, { isBundle: true, rules: {}, ...changes });
export const leaf = (revisionId: number, bundles: readonly number[], changes: Changes = {}): Ruled =>
  update(revisionId, { action: 'bundle', bundledBy: bundles, payload: [`f${revisionId}`], ...changes });
let nextCategory = 9000;
/** Holds everywhere. */
export const category = (id: string, changes: Changes = {}): Ruled =>
  update(++nextCategory, {
    updateId: id,
    type: 'category',
    action: 'evaluate',
    rules: { isInstalled: always },
    ...changes,
  });
/** Holds where the registry has its id. */
export const detectoid = (id: string, changes: Changes = {}): Ruled =>
  category(id, { type: 'detectoid', rules: { isInstalled: flag(id) }, ...changes });

interface Index {
  readonly catalog: Catalog;
  readonly rules: RuleLookup;
}
export const index = (updates: readonly Ruled[], files: readonly PayloadFile[] = []): Index => ({
  catalog: {
    updates: new Map(updates.map(({ update: one }) => [one.revisionId, one])),
    files: new Map(files.map((file) => [file.sha1, file])),
    gaps: [],
  },
  rules: new Map(updates.map((one) => [one.update.revisionId, one.rules])),
});
/** A host whose registry has these ids, and no others if it is described completely. */
export const host = (ids: readonly string[] = [], complete = true): HostState => ({
  registry: {
    complete,
    keys: { 'SOFTWARE\\Test': Object.fromEntries(ids.map((id) => [id, { type: 'REG_DWORD' as const, data: 1 }])) },
  },
});
/** A host of which these ids are known, to be there or not. */
export const described = (known: readonly (readonly [id: string, truth: string])[]): HostState => ({
  registry: {
    complete: false,
    keys: {
      'SOFTWARE\\Test': Object.fromEntries(
        known.map(([id, truth]) => [id, { type: 'REG_DWORD' as const, data: truth.endsWith('yes') ? 1 : 0 }]),
      ),
    },
  },
});
export const scan = ({ catalog, rules }: Index, state: HostState): HostScan => scanHost(catalog, rules, state);
export const neededIds = (result: HostScan): string[] => result.needed.map((one) => one.updateId);
export const installedIds = (result: HostScan): string[] => result.installed.map((one) => one.updateId);
export const nothing = { needed: [], installed: [], unknown: { updates: 0, operators: [] } };
