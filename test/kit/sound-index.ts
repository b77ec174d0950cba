import { createHash } from 'node:crypto';
import type { Members } from './pack-slice.ts';

/** An UpdateId made of a number. */
export const guid = (number: number): string => `${String(number).padStart(8, '0')}-0000-4000-8000-00000000abcd`;
/** Digest of a text, as the index spells it. */
export const base64 = (text: string, algorithm = 'sha1'): string => createHash(algorithm).update(text).digest('base64');
/** Digest of a text, as the house spells it. */
export const hex = (text: string, algorithm = 'sha1'): string => createHash(algorithm).update(text).digest('hex');

const root = 'PackageId="E1A000E0-066b-497a-ba62-246d4af43e55" CreationDate="2026-07-14T13:54:06Z"';
/** A package.xml with these `<Update>` and `<FileLocation>` elements. */
export const packageXml = (updates: string, locations = ''): string =>
  `<?xml version="1.0" encoding="utf-8"?><OfflineSyncPackage ${root} xmlns="http://schemas.microsoft.com/msus/2004/02/OfflineSync">` +
  `<Updates>${updates}</Updates><FileLocations>${locations}</FileLocations></OfflineSyncPackage>`;

interface Listed {
  readonly id: number;
  readonly attributes?: string;
  readonly inside?: string;
}
/** One `<Update>`; its RevisionId is the number that its UpdateId is made of. */
export const update = ({ id, attributes = '', inside = '' }: Listed): string =>
  `<Update CreationDate="2026-01-02T03:04:05Z" DefaultLanguage="en" UpdateId="${guid(id)}" RevisionNumber="100" RevisionId="${id}" ${attributes}>${inside}</Update>`;

/** A core fragment whose identity fits {@link update}. */
export const core = (id: number, rules = ''): string =>
  `<UpdateIdentity UpdateID="${guid(id).toUpperCase()}" RevisionNumber="100" /><Properties UpdateType="Software" />${rules}`;
/** A `<File>` of an extended fragment; the digests are those of its name. */
export const file = (name: string, size: number): string =>
  `<File Digest="${base64(name)}" DigestAlgorithm="SHA1" FileName="${name}" Size="${size}" Modified="2026-01-01T00:00:00.123Z"><AdditionalDigest Algorithm="SHA256">${base64(name, 'sha256')}</AdditionalDigest></File>`;

const listedUpdates = [
  update({ id: 5, attributes: 'DeploymentAction="Evaluate" IsSoftware="false"' }),
  update({
    id: 20,
    attributes: 'IsBundle="true"',
    inside: `<Categories><Category Type="UpdateClassification" Id="${guid(5)}" /><Category Type="Product" Id="${guid(5)}" /><Category Type="Theme" Id="${guid(5)}" /></Categories><Prerequisites><UpdateId Id="${guid(5)}" /><Or><UpdateId Id="${guid(5)}" /><UpdateId Id="${guid(6)}" /></Or></Prerequisites>`,
  }),
  update({
    id: 700,
    attributes: 'DeploymentAction="Bundle" IsLeaf="true"',
    inside: `<PayloadFiles><File Id="${base64('a.cab')}" /></PayloadFiles><BundledBy><Revision Id="20" /></BundledBy>`,
  }),
  update({ id: 800, attributes: 'IsBundle="true"', inside: '<SupersededBy><Revision Id="20" /></SupersededBy>' }),
].join('');
const location = `<FileLocation Id="${base64('a.cab')}" Url="http://download.windowsupdate.com/c/a.cab" />`;

/** Fragments of package2.cab. */
export const lowShard: Members = {
  'c/5':
    '<UpdateIdentity UpdateID="'.concat(guid(5), '" RevisionNumber="100" /><Properties UpdateType="Category" />') +
    '<ApplicabilityRules><IsInstalled><True /></IsInstalled></ApplicabilityRules>',
  'x/5': '<ExtendedProperties DefaultPropertiesLanguage="en" />',
  'l/en/5': '<LocalizedProperties><Language>en</Language><Title>Windows 12</Title></LocalizedProperties>',
  'c/20': core(20, '<Relationships><BundledUpdates><UpdateIdentity UpdateID="x" /></BundledUpdates></Relationships>'),
  'x/20':
    '<ExtendedProperties MsrcSeverity="Critical"><SecurityBulletinID>MS26-001</SecurityBulletinID><KBArticleID>5101650</KBArticleID><CveID>CVE-2026-1</CveID><CveID>CVE-2026-2</CveID></ExtendedProperties>',
  'l/de/20': '<LocalizedProperties><Title>Aktualisierung</Title></LocalizedProperties>',
  'l/en/20':
    '<LocalizedProperties><Title>Update &amp; more (KB5101650)</Title><Description>long</Description></LocalizedProperties>',
  'e/20': 'licence',
  'files/licence.rtf': 'licence',
};
/** Fragments of package3.cab. */
export const highShard: Members = {
  'c/700': core(700),
  'x/700': `<ExtendedProperties><InstallationBehavior RebootBehavior="AlwaysRequiresReboot" /></ExtendedProperties><Files>${file('a.cab', 12_293_231_150)}</Files><HandlerSpecificData type="cbs:Cbs"><CbsData PackageIdentity="" /></HandlerSpecificData>`,
  'c/800': core(800),
  'x/800': '<ExtendedProperties MsrcSeverity="Unspecified"></ExtendedProperties>',
  'l/en/800': '<LocalizedProperties><Title>Older update (KB4999999)</Title></LocalizedProperties>',
};
/** Both cabinets with fragments. */
export const shards = [
  { rangeStart: 0, members: lowShard },
  { rangeStart: 627, members: highShard },
];
/** An index without a gap: a category, a bundle with KB and title, its leaf with one file, and an older bundle that it replaces. */
export const sound = { packageXml: packageXml(listedUpdates, location), shards };

/** The bytes in chunks, as a file or a connection gives them. */
export async function* chunks(bytes: Uint8Array, size = 1 << 16): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.slice(at, at + size);
}
