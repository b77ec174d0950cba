/**
 * Fragments of one update as the text of its members in a detail cabinet: siblings without a root or namespaces, spelled as
 * in real ones (elements of the base rules have the prefix `b.`, those of Windows Installer `m.`).
 */
import { fileFacts } from './files.ts';
import { languages } from './languages.ts';
import { componentManifests, patchDescription } from './metadata.ts';
import type { Bundle, Entry, Evaluated, Leaf } from './model.ts';
import { monthText, timeText } from './month.ts';
import { Row } from './random.ts';

/** Takes text in pieces, so that a fragment of 47 MB is never one string. */
export type PutText = (text: string) => void;

const identity = (id: string, revision?: number): string =>
  revision === undefined
    ? `<UpdateIdentity UpdateID="${id}" />`
    : `<UpdateIdentity UpdateID="${id}" RevisionNumber="${revision}" />`;

/** `c/<RevisionId>`. */
export function putCore(seed: number, entry: Entry, put: PutText): void {
  switch (entry.kind) {
    case 'evaluated':
      put(evaluatedCore(seed, entry));
      return;
    case 'bundle':
      put(bundleCore(seed, entry));
      return;
    case 'leaf':
      putLeafCore(seed, entry, put);
  }
}

function evaluatedCore(seed: number, entry: Evaluated): string {
  const row = new Row(seed, entry.index, 0xc0e);
  const type = entry.isCategory ? 'Category' : 'Detectoid';
  // Some records spell GUIDs in capitals where package.xml does not; readers must not mind.
  const id = row.percent(10) ? entry.updateId.toUpperCase() : entry.updateId;
  const relationships =
    entry.prerequisite === undefined
      ? '<Relationships />'
      : `<Relationships><Prerequisites>${identity(entry.prerequisite)}</Prerequisites></Relationships>`;
  const rules = entry.isCategory && row.percent(50) ? '<True />' : rule(row, 1);
  return `${identity(id, entry.revision)}<Properties UpdateType="${type}" />${relationships}<ApplicabilityRules><IsInstalled>${rules}</IsInstalled></ApplicabilityRules>`;
}

const maxSuperseded = 150;

function bundleCore(seed: number, bundle: Bundle): string {
  const row = new Row(seed, bundle.index, 0xb0e);
  const superseded = bundle.series.slice(Math.max(0, bundle.ordinal - maxSuperseded), bundle.ordinal);
  // Some name what is no longer published.
  const gone = superseded.length > 0 && row.percent(5) ? [identity(row.guid())] : [];
  const supersededXml = [...superseded.map(({ updateId }) => identity(updateId)), ...gone].join('');
  const bundled = bundle.leaves
    .map(({ updateId, revision }) =>
      bundle.uup
        ? `<AtLeastOne><UpdateIdentity RevisionNumber="${revision}" UpdateID="${updateId}" /></AtLeastOne>`
        : identity(updateId, revision),
    )
    .join('');
  return `${identity(bundle.updateId, bundle.revision)}<Properties UpdateType="Software" ExplicitlyDeployable="true" AutoSelectOnWebSites="true" /><Relationships>${
    supersededXml === '' ? '' : `<SupersededUpdates>${supersededXml}</SupersededUpdates>`
  }${prerequisites(bundle)}<BundledUpdates>${bundled}</BundledUpdates></Relationships>`;
}

function prerequisites(entry: Bundle | Leaf): string {
  const isBundle = entry.kind === 'bundle';
  const categories = isBundle || entry.owner.uup ? 2 : 1;
  const inner = entry.clauses.map((ids, i) => {
    const list = ids.map((id) => identity(id)).join('');
    if (i < categories) return `<AtLeastOne IsCategory="true">${list}</AtLeastOne>`;
    // Bundles wrap even a single one.
    return isBundle || ids.length > 1 ? `<AtLeastOne>${list}</AtLeastOne>` : list;
  });
  return `<Prerequisites>${inner.join('')}</Prerequisites>`;
}

function putLeafCore(seed: number, leaf: Leaf, put: PutText): void {
  const { owner } = leaf;
  const row = new Row(seed, owner.index, leaf.place, 0x1e0e);
  put(
    `${identity(leaf.updateId, leaf.revision)}<Properties UpdateType="Software" /><Relationships>${prerequisites(leaf)}</Relationships><ApplicabilityRules>`,
  );
  switch (owner.payload) {
    case 'cbs':
      put(
        row.percent(60)
          ? '<IsInstalled><CbsPackageInstalled /></IsInstalled>'
          : '<IsInstalled><And><CbsPackageInstalled /><Not><b.RegDword Key="HKEY_LOCAL_MACHINE" Subkey="SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Component Based Servicing" Value="Reoffer" Comparison="EqualTo" Data="1" /></Not></And></IsInstalled>',
      );
      put('<IsInstallable><CbsPackageInstallable /></IsInstallable><Metadata><CbsPackageApplicabilityMetadata>');
      for (const piece of componentManifests(row, leaf)) put(piece);
      put('</CbsPackageApplicabilityMetadata></Metadata>');
      break;
    case 'msi':
      put(
        '<IsInstalled><m.MsiPatchInstalled /></IsInstalled><IsSuperseded><m.MsiPatchSuperseded /></IsSuperseded><IsInstallable><m.MsiPatchInstallable /></IsInstallable><Metadata><m.MsiPatchMetadata>',
      );
      for (const piece of patchDescription(row, leaf)) put(piece);
      put('</m.MsiPatchMetadata></Metadata>');
      break;
    case 'uup':
      put(uupRules(owner));
      break;
    case 'command':
      put(`<IsInstalled>${rule(row, 0)}</IsInstalled>`);
      if (row.percent(20)) put(`<IsInstallable>${rule(row, 1)}</IsInstallable>`);
  }
  put('</ApplicabilityRules>');
}

function uupRules({ release }: Bundle): string {
  const { name, version } = release ?? { name: 'Client.OS.RS2.AMD64', version: '10.0.26100.1' };
  const build = Number(version.split('.')[2]);
  const skus = [4, 27, 72, 121, 122, 125, 136, 175, 188];
  const any = (attribute: string): string =>
    `<Or>${skus.map((sku) => `<DeviceAttribute Name="${attribute}" Type="String" Comparison="EqualTo" Value="${sku}" />`).join('')}</Or>`;
  return `<IsInstalled><ProductReleaseInstalled Name="${name}" Version="${version}" /></IsInstalled><IsInstallable><And><And><Not><DeviceAttribute Name="HonorWufBDeferrals" Type="String" Comparison="EqualTo" Value="1" /></Not></And><Or>${any('OSSkuId')}${any('sku')}</Or><DeviceAttribute Name="OSVersion" Type="Version" Comparison="GreaterThanOrEqualTo" Value="10.0.${build}.1" /><DeviceAttribute Name="OSVersion" Type="Version" Comparison="LessThan" Value="10.0.${build + 1}.0" /></And></IsInstallable>`;
}

const hives = [
  'SOFTWARE\\Contoso',
  'SOFTWARE\\Fabrikam\\Setup',
  'SYSTEM\\CurrentControlSet\\Services',
  'SOFTWARE\\Litware',
];
const registry = (row: Row): string =>
  `Key="HKEY_LOCAL_MACHINE" Subkey="${row.of(hives)}\\${row.below(20)}.0\\${row.hex8()}"`;
const comparisons = ['LessThan', 'LessThanOrEqualTo', 'EqualTo', 'GreaterThanOrEqualTo', 'GreaterThan'];
const versionOf = (row: Row): string => `${row.below(20)}.${row.below(10)}.${row.below(30_000)}.${row.below(4000)}`;

/** An applicability rule of one or, with `depth`, several operators, of those that real indexes use. */
function rule(row: Row, depth: number): string {
  if (depth > 0 && row.percent(45)) {
    const name = row.of(['And', 'Or']);
    return `<${name}>${rule(row, 0)}${rule(row, depth - 1)}</${name}>`;
  }
  if (depth > 0 && row.percent(15)) return `<Not>${rule(row, 0)}</Not>`;
  switch (row.below(11)) {
    case 0:
      return `<b.Processor Architecture="${row.of(['0', '9', '12', '6'])}" />`;
    case 1:
      return `<b.WindowsVersion Comparison="${row.of(comparisons)}" MajorVersion="${row.of(['6', '10'])}" MinorVersion="${row.below(4)}" BuildNumber="${row.below(26_000)}" />`;
    case 2:
      return `<b.RegKeyExists ${registry(row)} RegType32="true" />`;
    case 3:
      return `<b.RegValueExists ${registry(row)} Value="Installed" Type="REG_DWORD" />`;
    case 4:
      return `<b.RegDword ${registry(row)} Value="Version" Comparison="${row.of(comparisons)}" Data="${row.below(600_000)}" RegType32="true" />`;
    case 5:
      return `<b.RegSz ${registry(row)} Value="Edition" Comparison="EqualTo" Data="${row.hex8()}" />`;
    case 6:
      return `<b.RegSzToVersion ${registry(row)} Value="Version" Comparison="${row.of(comparisons)}" Data="${versionOf(row)}" />`;
    case 7:
      return `<b.FileVersion Csidl="37" Path="${row.hex8()}.dll" Comparison="${row.of(comparisons)}" Version="${versionOf(row)}" />`;
    case 8:
      return `<b.FileExists Csidl="${row.of(['36', '37', '38', '43'])}" Path="fabrikam\\${row.hex8()}.exe" />`;
    case 9:
      return `<m.MsiProductInstalled ProductCode="{${row.guid()}}" VersionMin="${versionOf(row)}" />`;
    default:
      return `<CbsPackageInstalledByIdentity PackageIdentity="Invented-${row.hex8()}-Package~31bf3856ad364e35~amd64~~10.0.${row.below(26_000)}.1" />`;
  }
}

/** `x/<RevisionId>`. */
export function extendedFragment(seed: number, entry: Entry): string {
  switch (entry.kind) {
    case 'evaluated':
      return entry.isCategory
        ? '<ExtendedProperties DefaultPropertiesLanguage="en" Handler="http://schemas.microsoft.com/msus/2002/12/UpdateHandlers/Category" /><HandlerSpecificData type="cat:Category"><CategoryInformation CategoryType="Product" ProhibitsSubcategories="true" ProhibitsUpdates="false" /></HandlerSpecificData>'
        : '<ExtendedProperties DefaultPropertiesLanguage="en" />';
    case 'bundle':
      return bundleExtended(seed, entry);
    case 'leaf':
      return leafExtended(seed, entry);
  }
}

const severities = ['Critical', 'Critical', 'Important', 'Important', 'Important', 'Moderate', 'Low', undefined];
const bulletinsUntil = Date.UTC(2017, 2, 14);

function bundleExtended(seed: number, bundle: Bundle): string {
  const row = new Row(seed, bundle.index, 0xbe7);
  const severity = row.of(severities);
  const rated = severity === undefined ? '' : ` MsrcSeverity="${severity}"`;
  const release =
    bundle.release === undefined
      ? ''
      : ` ProductName="${bundle.release.name}" ReleaseVersion="${bundle.release.version}" ReleaseRevision="1"`;
  const year = bundle.createdAt.getUTCFullYear();
  const old = bundle.createdAt.getTime() < bulletinsUntil;
  const bulletin =
    severity !== undefined && old
      ? `<SecurityBulletinID>MS${String(year % 100).padStart(2, '0')}-${String(1 + row.below(150)).padStart(3, '0')}</SecurityBulletinID>`
      : '';
  const cves = Array.from(
    { length: severity === undefined ? 0 : row.below(9) },
    () => `<CveID>CVE-${year}-${1000 + row.below(60_000)}</CveID>`,
  ).join('');
  return `<ExtendedProperties${release} DefaultPropertiesLanguage="en" BrowseOnly="false"${rated}><MoreInfoUrl>http://go.microsoft.com/fwlink/?LinkID=${300_000 + row.below(300_000)}</MoreInfoUrl><SupportUrl>http://go.microsoft.com/fwlink/?LinkId=${500_000 + row.below(9000)}&amp;clcid=0x409</SupportUrl><Language>all</Language>${bulletin}${cves}<KBArticleID>${bundle.kb}</KBArticleID></ExtendedProperties>`;
}

const handlers = {
  cbs: 'http://schemas.microsoft.com/msus/2002/12/UpdateHandlers/Cbs',
  msi: 'http://schemas.microsoft.com/msus/2002/12/UpdateHandlers/WindowsInstaller',
  command: 'http://schemas.microsoft.com/msus/2002/12/UpdateHandlers/CommandLineInstallation',
  uup: 'http://schemas.microsoft.com/msus/2016/01/UpdateHandlers/OSInstaller',
} as const;
const reboots = ['CanRequestReboot', 'CanRequestReboot', 'NeverReboots', 'AlwaysRequiresReboot'];

function leafExtended(seed: number, leaf: Leaf): string {
  const { owner } = leaf;
  const row = new Row(seed, owner.index, leaf.place, 0x1ea7);
  const files = leaf.files.map((number) => fileFacts(seed, number, leaf));
  const total = files.reduce((sum, { size }) => sum + size, 0);
  const release =
    owner.release === undefined
      ? ''
      : ` ProductName="${owner.release.name}" ReleaseVersion="${owner.release.version}" ReleaseRevision="1"`;
  const data = {
    cbs: () => '<HandlerSpecificData type="cbs:Cbs"><CbsData PackageIdentity="" /></HandlerSpecificData>',
    msi: () =>
      `<HandlerSpecificData type="msp:WindowsInstaller"><MspData CommandLine="DISABLESRCPROMPT=1 LOCALCACHESRCRES=0" FullFilePatchCode="{${row.guid()}}" /></HandlerSpecificData>`,
    command: () =>
      `<HandlerSpecificData type="cmd:CommandLineInstallation"><InstallCommand Arguments="/Q /W" Program="${files[0]?.name}" RebootByDefault="false" DefaultResult="Failed"><ReturnCode Reboot="false" Result="Succeeded" Code="0" /><ReturnCode Reboot="true" Result="Succeeded" Code="3010" /></InstallCommand></HandlerSpecificData>`,
    uup: () =>
      '<HandlerSpecificData type="OSInstallerMetadata"><OSInstallData InitialModule="UpdateAgent.dll" /></HandlerSpecificData>',
  };
  const filesXml = files.map((file, i) => {
    const digest = `Digest="${file.sha1}" DigestAlgorithm="SHA1"`;
    // Old and new records differ in the order of attributes.
    const facts = owner.uup
      ? `${i === 1 ? 'PatchingTypePreferred="ServicingStack"' : 'PatchingType="SelfContained"'} Modified="${file.modified}" Size="${file.size}" FileName="${file.name}" DigestAlgorithm="SHA1" Digest="${file.sha1}"`
      : `${digest} FileName="${file.name}" Size="${file.size}" Modified="${file.modified}" PatchingType="SelfContained"`;
    return file.sha256 === undefined
      ? `<File ${facts} />`
      : `<File ${facts}><AdditionalDigest Algorithm="SHA256">${file.sha256}</AdditionalDigest></File>`;
  });
  return `<ExtendedProperties${release} DefaultPropertiesLanguage="en" Handler="${handlers[owner.payload]}" MaxDownloadSize="${total}" MinDownloadSize="0"><InstallationBehavior RebootBehavior="${row.of(reboots)}" /><Language>all</Language></ExtendedProperties><Files>${filesXml.join('')}</Files>${data[owner.payload]()}`;
}

/** Whether there is an `l/<language>/<RevisionId>`; leaves have none. @param language index into `languages` */
export function hasLanguage(entry: Entry, language: number): entry is Evaluated | Bundle {
  if (entry.kind === 'leaf') return false;
  // All that has a title has an English one.
  return language < entry.languages || languages[language]?.[0] === 'en';
}

/** `l/<language>/<RevisionId>`. @param number index into `languages` */
export function localizedFragment(entry: Evaluated | Bundle, number: number): string {
  const [language = '', title = '', description = '', removal = ''] = languages[number] ?? [];
  if (entry.kind === 'evaluated') {
    return `<LocalizedProperties><Language>${language}</Language><Title>${entry.title}</Title><Description>${description.replace('{}', entry.title)}</Description></LocalizedProperties>`;
  }
  const { product, kb, release } = entry;
  const month = monthText(entry.createdAt.getUTCFullYear() * 12 + entry.createdAt.getUTCMonth());
  const build = release === undefined ? '' : ` (${release.version.split('.').slice(2).join('.')})`;
  const url = `https://support.microsoft.com/help/${kb}`;
  return `<LocalizedProperties><Language>${language}</Language><Title>${month} ${title.replace('{}', product.title)} (KB${kb})${build}</Title><Description>${description.replace('{}', product.title)}</Description>${entry.uup ? '' : `<UninstallNotes>${removal}</UninstallNotes>`}<MoreInfoUrl>${url}</MoreInfoUrl><SupportUrl>${url}?published=${timeText(entry.createdAt)}&amp;language=${language}</SupportUrl></LocalizedProperties>`;
}
