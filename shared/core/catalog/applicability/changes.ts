/**
 * What installing an update changes on a described host. The changes are read off the update's own IsInstalled rule, so
 * that the rule is true afterwards, as on a real host; where that cannot be done, the update is noted as installed.
 */
import { formatCbsIdentity, readCode } from './attributes.ts';
import { evaluateRule } from './evaluate.ts';
import { HostFacts } from './host-facts.ts';
import type { HostState, Listed, RegistryData } from './host-state.ts';
import type { ApplicabilityRules, Comparison, RegistryValueName, Rule } from './model.ts';
import { normalPath } from './registry.ts';
import { compareVersions, formatVersion, parseVersion } from './version.ts';

/** One change, as it is stored with a machine. */
export type StateChange =
  /** Identity: `name~token~architecture~language~version`. */
  | { readonly kind: 'cbs-package'; readonly identity: string }
  /** Never lowers a release. When Windows itself is of the same build and older, its revision goes along. */
  | { readonly kind: 'product-release'; readonly name: string; readonly version: string }
  /** Key as 64-bit programs see it. */
  | { readonly kind: 'registry-value'; readonly key: string; readonly name: string; readonly value: RegistryData }
  /** A patch on a product that is there. Codes are GUIDs. */
  | { readonly kind: 'msi-patch'; readonly product: string; readonly patch: string }
  | { readonly kind: 'installed-update'; readonly updateId: string }
  /** A file that is there with this version, or without one. */
  | { readonly kind: 'file'; readonly path: string; readonly version?: string }
  /** Another Windows: four numbers. */
  | { readonly kind: 'windows'; readonly version: string };

/** The host after the changes, in their order. Parts that were not described are, as far as the changes say. */
export function applyChanges(state: HostState, changes: readonly StateChange[]): HostState {
  return changes.reduce(applyChange, state);
}

function applyChange(state: HostState, change: StateChange): HostState {
  switch (change.kind) {
    case 'cbs-package': {
      const cbs = state.cbs ?? { complete: false, packages: [] };
      if (cbs.packages.includes(change.identity)) return state;
      return { ...state, cbs: { ...cbs, packages: [...cbs.packages, change.identity] } };
    }
    case 'product-release':
      return withRelease(state, change.name, change.version);
    case 'registry-value': {
      const registry = state.registry ?? { complete: false, keys: {} };
      const key = Object.keys(registry.keys).find((each) => normalPath(each) === normalPath(change.key)) ?? change.key;
      const before = registry.keys[key] ?? {};
      const name = Object.keys(before).find((each) => each.toLowerCase() === change.name.toLowerCase()) ?? change.name;
      const values = { ...before, [name]: change.value };
      return { ...state, registry: { ...registry, keys: { ...registry.keys, [key]: values } } };
    }
    case 'msi-patch': {
      const { msi } = state;
      if (msi === undefined) return state;
      const products = msi.products.map((product) =>
        readCode(product.productCode) === change.product && !(product.patches ?? []).includes(change.patch)
          ? { ...product, patches: [...(product.patches ?? []), change.patch] }
          : product,
      );
      return { ...state, msi: { ...msi, products } };
    }
    case 'installed-update':
      return { ...state, installedUpdates: [...new Set([...(state.installedUpdates ?? []), change.updateId])] };
    case 'file': {
      const facts = state.files ?? { complete: false, files: {}, folders: {} };
      const path = Object.keys(facts.files).find((each) => normalPath(each) === normalPath(change.path)) ?? change.path;
      const { version } = change;
      const file = { ...facts.files[path], ...(version !== undefined && { version }) };
      return { ...state, files: { ...facts, files: { ...facts.files, [path]: file } } };
    }
    case 'windows':
      return { ...state, windows: { productType: 1, ...state.windows, version: change.version } };
  }
}

function withRelease(state: HostState, name: string, version: string): HostState {
  const wants = parseVersion(version);
  if (wants === undefined) return state;
  const releases: Listed<string> = state.productReleases ?? { complete: false, values: {} };
  const listed = Object.keys(releases.values).find((each) => each.toLowerCase() === name.toLowerCase()) ?? name;
  const has = parseVersion(releases.values[listed] ?? '');
  if (has !== undefined && compareVersions(has, wants) >= 0) return state;
  const raised = { ...state, productReleases: { ...releases, values: { ...releases.values, [listed]: version } } };
  const { windows } = state;
  const parts = parseVersion(windows?.version ?? '');
  // Releases of Windows itself are numbered like it; others (.NET: 2400.26200.…) are not.
  const raises =
    parts?.slice(0, 3).every((part, index) => part === wants[index]) === true && compareVersions(wants, parts) > 0;
  return windows !== undefined && raises ? { ...raised, windows: { ...windows, version } } : raised;
}

/**
 * What installing this update changes: afterwards its IsInstalled rule is true on the host, or the update is noted as
 * installed.
 *
 * @param updateId of the update that the rules are of
 */
export function changesToInstall(
  updateId: string,
  rules: ApplicabilityRules,
  state: HostState,
): readonly StateChange[] {
  const { isInstalled } = rules;
  const noted: readonly StateChange[] = [{ kind: 'installed-update', updateId }];
  if (isInstalled === undefined) return noted;
  const changes = changesFor(isInstalled, rules, state);
  if (changes === undefined) return noted;
  const after = new HostFacts(applyChanges(state, changes));
  return evaluateRule(isInstalled, rules, after).value === true ? changes : noted;
}

/** @returns `undefined` when it is not known what would make the rule true */
function changesFor(rule: Rule, rules: ApplicabilityRules, state: HostState): readonly StateChange[] | undefined {
  if (evaluateRule(rule, rules, new HostFacts(state)).value === true) return [];
  switch (rule.op) {
    case 'And': {
      let after = state;
      const changes: StateChange[] = [];
      for (const each of rule.rules) {
        const more = changesFor(each, rules, after);
        if (more === undefined) return undefined;
        changes.push(...more);
        after = applyChanges(after, more);
      }
      return changes;
    }
    case 'Or':
      for (const each of rule.rules) {
        const changes = changesFor(each, rules, state);
        if (changes !== undefined) return changes;
      }
      return undefined;
    case 'CbsPackageInstalled':
      if (rules.cbs === undefined) return undefined;
      return [{ kind: 'cbs-package', identity: formatCbsIdentity(rules.cbs.identity) }];
    case 'CbsPackageInstalledByIdentity':
      return [{ kind: 'cbs-package', identity: formatCbsIdentity(rule.identity) }];
    case 'ProductReleaseInstalled':
      return [{ kind: 'product-release', name: rule.name, version: formatVersion(rule.version) }];
    case 'b.RegSz':
      if (rule.comparison !== 'EqualTo') return undefined;
      return written(rule.value, { type: 'REG_SZ', data: rule.data }, state);
    case 'b.RegDword':
      if (!allowsEqual(rule.comparison)) return undefined;
      return written(rule.value, { type: 'REG_DWORD', data: rule.data }, state);
    case 'b.RegSzToVersion':
      if (!allowsEqual(rule.comparison)) return undefined;
      return written(rule.value, { type: 'REG_SZ', data: formatVersion(rule.data) }, state);
    case 'm.MsiPatchInstalled': {
      const { patchCode, targets } = rules.msiPatch ?? { targets: [] };
      const installed = new Set((state.msi?.products ?? []).map(({ productCode }) => readCode(productCode)));
      if (patchCode === undefined) return undefined;
      return targets
        .filter((product) => installed.has(product))
        .map((product): StateChange => ({ kind: 'msi-patch', product, patch: patchCode }));
    }
    default:
      return undefined;
  }
}

const allowsEqual = (comparison: Comparison): boolean =>
  comparison === 'EqualTo' || comparison === 'GreaterThanOrEqualTo' || comparison === 'LessThanOrEqualTo';

function written(name: RegistryValueName, value: RegistryData, state: HostState): readonly StateChange[] | undefined {
  if (name.root !== 'machine') return undefined;
  const key = new HostFacts(state).registry.stored(name.subkey, name.view32);
  return key === undefined ? undefined : [{ kind: 'registry-value', key, name: name.value, value }];
}
