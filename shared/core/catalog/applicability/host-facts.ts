import { parseCbsIdentity, readCode } from './attributes.ts';
import type {
  FileDescription,
  HostState,
  LanguageFacts,
  Listed,
  MsiProduct,
  ProcessorFacts,
  WindowsFacts,
} from './host-state.ts';
import type { CbsIdentity } from './model.ts';
import { type Fact, normalPath, Registry } from './registry.ts';
import { compareVersions, parseVersion, type Version } from './version.ts';

/** A described package, its version read. */
export interface CbsPresent extends CbsIdentity {
  readonly parts: Version;
}

/** A described host, indexed so that a scan can ask it a million questions. Made once per scan. */
export class HostFacts {
  readonly windows: (WindowsFacts & { readonly parts: Version }) | undefined;
  readonly processor: ProcessorFacts | undefined;
  readonly platform: string | undefined;
  readonly language: LanguageFacts | undefined;
  readonly registry: Registry;
  readonly productReleases: Names<string>;
  readonly deviceAttributes: Names<string>;
  readonly licenses: Names<number>;
  readonly systemMetrics: Names<number>;
  readonly cbsComplete: boolean;
  readonly servicingStack: Version | undefined;
  readonly installedUpdates: ReadonlySet<string>;
  private readonly packages = new Map<string, CbsPresent[]>();
  private readonly files = new Map<string, FileDescription>();
  private readonly folders: Readonly<Record<string, string>>;
  private readonly filesComplete: boolean;
  private readonly products = new Map<string, MsiProduct>();
  private readonly productsComplete: boolean;
  private readonly queries = new Map<string, boolean>();

  constructor(state: HostState) {
    const parts = parseVersion(state.windows?.version ?? '');
    this.windows = state.windows === undefined || parts === undefined ? undefined : { ...state.windows, parts };
    this.processor = state.processor;
    this.platform = state.platform;
    this.language = state.language;
    this.registry = new Registry(state.registry, state.processor?.architecture, parts);
    this.productReleases = new Names(state.productReleases);
    this.deviceAttributes = new Names(state.deviceAttributes);
    this.licenses = new Names(state.licenses);
    this.systemMetrics = new Names(state.systemMetrics);
    this.installedUpdates = new Set(state.installedUpdates);
    this.cbsComplete = state.cbs?.complete ?? false;
    this.servicingStack = parseVersion(state.cbs?.servicingStack ?? '');
    for (const text of state.cbs?.packages ?? []) this.addPackage(text);
    this.filesComplete = state.files?.complete ?? false;
    this.folders = state.files?.folders ?? {};
    for (const [path, file] of Object.entries(state.files?.files ?? {})) this.files.set(normalPath(path), file);
    this.productsComplete = state.msi?.complete ?? false;
    for (const product of state.msi?.products ?? []) {
      this.products.set(readCode(product.productCode) ?? product.productCode.toLowerCase(), product);
    }
    for (const { namespace, query, found } of state.wmi ?? []) this.queries.set(queryKey(namespace, query), found);
  }

  /** Installed packages of that name, architecture, language and publisher, in any version. */
  packagesLike(identity: CbsIdentity): readonly CbsPresent[] {
    return this.packages.get(packageKey(identity)) ?? [];
  }

  /** @param csidl number of SHGetFolderPath */
  folder(csidl: number): string | undefined {
    return this.folders[String(csidl)];
  }

  file(path: string): Fact<FileDescription> {
    return this.files.get(normalPath(path)) ?? (this.filesComplete ? null : undefined);
  }

  /** @param code GUID, lower case, without braces */
  product(code: string): Fact<MsiProduct> {
    return this.products.get(code) ?? (this.productsComplete ? null : undefined);
  }

  wmi(namespace: string, query: string): boolean | undefined {
    return this.queries.get(queryKey(namespace, query));
  }

  private addPackage(text: string): void {
    const identity = parseCbsIdentity(text);
    const parts = parseVersion(identity?.version ?? '');
    if (identity === undefined || parts === undefined) return;
    const key = packageKey(identity);
    const list = this.packages.get(key) ?? [];
    list.push({ ...identity, parts });
    list.sort((a, b) => compareVersions(a.parts, b.parts));
    this.packages.set(key, list);
  }
}

/** Queries and namespaces are compared without case. */
export const queryKey = (namespace: string, query: string): string => `${namespace}\n${query}`.toLowerCase();

/** Everything of an identity but its version. */
function packageKey({ name, publicKeyToken, architecture, language }: CbsIdentity): string {
  const neutral = language.toLowerCase() === 'neutral' ? '' : language;
  return [name, publicKeyToken, architecture, neutral].join('~').toLowerCase();
}

/** Listed values by name, without case. */
class Names<Value> {
  private readonly values: ReadonlyMap<string, Value>;
  private readonly complete: boolean;

  constructor(listed: Listed<Value> | undefined) {
    this.values = new Map(Object.entries(listed?.values ?? {}).map(([name, value]) => [name.toLowerCase(), value]));
    this.complete = listed?.complete ?? false;
  }

  get(name: string): Fact<Value> {
    return this.values.get(name.toLowerCase()) ?? (this.complete ? null : undefined);
  }
}
