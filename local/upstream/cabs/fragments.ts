/**
 * Fragments of one revision: what a Windows Update client gets from the server, cut from the full record. Several
 * elements beside each other, no root, no namespaces; elements of the base applicability rules keep the prefix `b.`
 * (Microsoft, [MS-WUSP] and UpdateXmlTransformer of microsoft/update-server-server-sync).
 */
import type { Clause, InventedFile, InventedPayload, InventedUnit, InventedUpdate } from '../invent/model.ts';
import { productRules } from '../windows-ids.ts';
import { attributes, base64, elements, escaped } from './xml.ts';

/** `c/<RevisionId>`. */
export function coreFragment(update: InventedUpdate): string {
  const identity = identityXml({
    // The real fragments spell the GUIDs of categories in capitals and package.xml does not; readers must not mind.
    UpdateID: update.kind === 'category' ? update.updateId.toUpperCase() : update.updateId,
    RevisionNumber: update.revision,
  });
  const prerequisites = update.clauses.length === 0 ? '' : `<Prerequisites>${clausesXml(update)}</Prerequisites>`;
  const relationships = (inner: string): string => (inner === '' ? '' : `<Relationships>${inner}</Relationships>`);
  const rules = (inner: string): string => `<ApplicabilityRules>${inner}</ApplicabilityRules>`;
  switch (update.kind) {
    case 'category':
      return (
        `${identity}<Properties UpdateType="Category" />${relationships(prerequisites)}` +
        rules(`<IsInstalled>${productRules.get(update.updateId) ?? '<True />'}</IsInstalled>`)
      );
    case 'detectoid':
      return (
        `${identity}<Properties UpdateType="Detectoid" />${relationships(prerequisites)}` +
        rules(`<IsInstalled>${update.rule}</IsInstalled>`)
      );
    case 'payload':
      return `${identity}<Properties UpdateType="Software" />${relationships(prerequisites)}${rules(update.rules)}`;
    case 'unit':
      // Bundles have no rules of their own.
      return (
        `${identity}<Properties UpdateType="Software" ExplicitlyDeployable="true" AutoSelectOnWebSites="true" />` +
        relationships(supersededXml(update) + prerequisites + bundledXml(update))
      );
  }
}

/** `x/<RevisionId>`. */
export function extendedFragment(update: InventedUpdate): string {
  switch (update.kind) {
    case 'category':
      return (
        '<ExtendedProperties DefaultPropertiesLanguage="en" Handler="http://schemas.microsoft.com/msus/2002/12/UpdateHandlers/Category" />' +
        `<HandlerSpecificData type="cat:Category"><CategoryInformation CategoryType="${update.categoryType}" ProhibitsSubcategories="true" ProhibitsUpdates="false" /></HandlerSpecificData>`
      );
    case 'detectoid':
      return '<ExtendedProperties DefaultPropertiesLanguage="en" />';
    case 'payload':
      return payloadExtended(update);
    case 'unit':
      return unitExtended(update);
  }
}

/** `l/<language>/<RevisionId>`; payloads have none. */
export function localizedFragment(update: InventedUpdate, language: 'en' | 'de'): string | undefined {
  if (update.kind === 'payload') return undefined;
  const inner =
    elements('Language', [language]) +
    elements('Title', [update.titles[language]]) +
    (update.kind === 'unit'
      ? elements('Description', [description[language]]) +
        elements('UninstallNotes', update.uup ? [] : [uninstall[language]]) +
        elements('MoreInfoUrl', [`https://support.microsoft.com/help/${update.kb}`]) +
        elements('SupportUrl', [`https://support.microsoft.com/help/${update.kb}`])
      : '');
  return `<LocalizedProperties>${inner}</LocalizedProperties>`;
}

const description = {
  en: 'Install this invented update to resolve issues in Windows. After you install this item, you may have to restart your computer.',
  de: 'Installieren Sie dieses erfundene Update, um Probleme in Windows zu beheben. Nach der Installation müssen Sie den Computer unter Umständen neu starten.',
} as const;
const uninstall = {
  en: 'This software update can be removed by selecting View installed updates in the Programs and Features Control Panel.',
  de: 'Dieses Softwareupdate kann unter „Programme und Funktionen“ in der Systemsteuerung entfernt werden.',
} as const;

const identityXml = (values: Readonly<Record<string, string | number>>): string =>
  `<UpdateIdentity${attributes(values)} />`;

function clausesXml(update: InventedUpdate): string {
  // Bundles wrap even a single id; payloads wrap categories and alternatives only.
  const wrapped = ({ ids, isCategory }: Clause): boolean => isCategory || ids.length > 1 || update.kind === 'unit';
  return update.clauses
    .map((clause) => {
      const inner = clause.ids.map((id) => identityXml({ UpdateID: id })).join('');
      if (!wrapped(clause)) return inner;
      return `<AtLeastOne${clause.isCategory ? ' IsCategory="true"' : ''}>${inner}</AtLeastOne>`;
    })
    .join('');
}

const supersededXml = (unit: InventedUnit): string =>
  unit.supersedes.length === 0
    ? ''
    : `<SupersededUpdates>${unit.supersedes.map((id) => identityXml({ UpdateID: id })).join('')}</SupersededUpdates>`;

function bundledXml(unit: InventedUnit): string {
  const inner = unit.bundles
    .map(({ updateId, revision }) =>
      // The order of the attributes differs between the two kinds of records.
      unit.uup
        ? `<AtLeastOne>${identityXml({ RevisionNumber: revision, UpdateID: updateId })}</AtLeastOne>`
        : identityXml({ UpdateID: updateId, RevisionNumber: revision }),
    )
    .join('');
  return `<BundledUpdates>${inner}</BundledUpdates>`;
}

function unitExtended(unit: InventedUnit): string {
  const root = unit.release
    ? attributes({
        ProductName: unit.release.name,
        ReleaseVersion: unit.release.version,
        ReleaseRevision: 1,
        DefaultPropertiesLanguage: 'en',
        BrowseOnly: false,
        MsrcSeverity: unit.severity,
      })
    : attributes({ DefaultPropertiesLanguage: 'en', MsrcSeverity: unit.severity, IsBeta: false });
  const inner =
    (unit.uup ? elements('MoreInfoUrl', ['http://go.microsoft.com/fwlink/?LinkID=507415']) : '') +
    elements('SupportUrl', ['https://support.microsoft.com']) +
    (unit.uup ? elements('Language', ['all']) : '') +
    elements('SecurityBulletinID', unit.bulletins) +
    elements('CveID', unit.cves) +
    elements('KBArticleID', [unit.kb]);
  return `<ExtendedProperties${root}>${inner}</ExtendedProperties>`;
}

const handlers = {
  cbs: {
    name: 'http://schemas.microsoft.com/msus/2002/12/UpdateHandlers/Cbs',
    data: '<HandlerSpecificData type="cbs:Cbs"><CbsData PackageIdentity="" /></HandlerSpecificData>',
  },
  'os-installer': {
    name: 'http://schemas.microsoft.com/msus/2016/01/UpdateHandlers/OSInstaller',
    data: '<HandlerSpecificData type="OSInstallerMetadata"><OSInstallData InitialModule="UpdateAgent.dll" /></HandlerSpecificData>',
  },
  'command-line': {
    name: 'http://schemas.microsoft.com/msus/2002/12/UpdateHandlers/CommandLineInstallation',
    data: '',
  },
} as const;

function payloadExtended(payload: InventedPayload): string {
  const handler = handlers[payload.handler];
  const total = payload.files.reduce((sum, file) => sum + file.size, 0);
  const release = payload.release && {
    ProductName: payload.release.name,
    ReleaseVersion: payload.release.version,
    ReleaseRevision: 1,
  };
  const root = attributes({
    ...release,
    DefaultPropertiesLanguage: 'en',
    Handler: handler.name,
    MaxDownloadSize: total,
    MinDownloadSize: 0,
  });
  const program = payload.files[0]?.name ?? '';
  const data =
    payload.handler === 'command-line'
      ? `<HandlerSpecificData type="cmd:CommandLineInstallation"><InstallCommand${attributes({
          Arguments: '/Q /W',
          Program: program,
          RebootByDefault: false,
          DefaultResult: 'Failed',
        })}><ReturnCode Reboot="false" Result="Succeeded" Code="0" /></InstallCommand></HandlerSpecificData>`
      : handler.data;
  return (
    `<ExtendedProperties${root}><InstallationBehavior RebootBehavior="${payload.reboot}" /><Language>all</Language></ExtendedProperties>` +
    `<Files>${payload.files.map((file) => fileXml(file, payload.release === undefined)).join('')}</Files>${data}`
  );
}

function fileXml(file: InventedFile, classic: boolean): string {
  const patching =
    file.patching === 'SelfContained' ? { PatchingType: file.patching } : { PatchingTypePreferred: file.patching };
  const digest = { Digest: base64(file.sha1), DigestAlgorithm: 'SHA1' };
  const facts = { FileName: file.name, Size: file.size, Modified: file.modified };
  const root = classic
    ? attributes({ ...digest, ...facts, ...patching })
    : attributes({ ...patching, Modified: file.modified, Size: file.size, FileName: file.name, ...digest });
  if (!file.saysSha256) return `<File${root} />`;
  const sha256 = escaped(base64(file.sha256));
  return `<File${root}><AdditionalDigest Algorithm="SHA256">${sha256}</AdditionalDigest></File>`;
}
