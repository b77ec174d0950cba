import type { CatalogColumns, FileColumns, UpdateColumns } from '../core/catalog/columns/columns.ts';
import type { Lists } from '../core/catalog/columns/growing.ts';

export type SectionArray = Uint8Array | Uint16Array | Uint32Array | Float64Array;
export type SectionType = 'u8' | 'u16' | 'u32' | 'f64';

/** Array of each type; numbers are little-endian, as on every machine that this runs on. */
export const makers = {
  u8: Uint8Array,
  u16: Uint16Array,
  u32: Uint32Array,
  f64: Float64Array,
} as const satisfies Record<SectionType, unknown>;

/** Names and types of the sections, in their order. A change owes a new version. */
export const snapshotSections = {
  guids: 'u8',
  'texts.ends': 'u32',
  'texts.bytes': 'u8',
  'updates.revisionId': 'u32',
  'updates.guid': 'u32',
  'updates.revision': 'u32',
  'updates.flags': 'u16',
  'updates.cab': 'u16',
  'updates.created': 'u32',
  'updates.title': 'u32',
  'updates.classification': 'u32',
  'updates.prerequisites.ends': 'u32',
  'updates.prerequisites.values': 'u32',
  'updates.bundledBy.ends': 'u32',
  'updates.bundledBy.values': 'u32',
  'updates.supersededBy.ends': 'u32',
  'updates.supersededBy.values': 'u32',
  'updates.products.ends': 'u32',
  'updates.products.values': 'u32',
  'updates.families.ends': 'u32',
  'updates.families.values': 'u32',
  'updates.companies.ends': 'u32',
  'updates.companies.values': 'u32',
  'updates.payload.ends': 'u32',
  'updates.payload.values': 'u32',
  'updates.payloadName': 'u32',
  'updates.payloadSource': 'u8',
  'updates.kbs.ends': 'u32',
  'updates.kbs.values': 'u32',
  'updates.bulletins.ends': 'u32',
  'updates.bulletins.values': 'u32',
  'updates.cves.ends': 'u32',
  'updates.cves.values': 'u32',
  'files.sha1': 'u8',
  'files.sha256': 'u8',
  'files.known': 'u8',
  'files.size': 'f64',
  'files.name': 'u32',
  'files.url': 'u32',
} as const satisfies Record<string, SectionType>;
export type SectionName = keyof typeof snapshotSections;
interface ArrayOf {
  readonly u8: Uint8Array;
  readonly u16: Uint16Array;
  readonly u32: Uint32Array;
  readonly f64: Float64Array;
}
export type Sections = { readonly [Name in SectionName]: ArrayOf[(typeof snapshotSections)[Name]] };

export function sectionsOf({ guids, texts, updates, files }: CatalogColumns): Sections {
  return {
    guids,
    'texts.ends': texts.ends,
    'texts.bytes': texts.bytes,
    'updates.revisionId': updates.revisionId,
    'updates.guid': updates.guid,
    'updates.revision': updates.revision,
    'updates.flags': updates.flags,
    'updates.cab': updates.cab,
    'updates.created': updates.created,
    'updates.title': updates.title,
    'updates.classification': updates.classification,
    'updates.prerequisites.ends': updates.prerequisites.ends,
    'updates.prerequisites.values': updates.prerequisites.values,
    'updates.bundledBy.ends': updates.bundledBy.ends,
    'updates.bundledBy.values': updates.bundledBy.values,
    'updates.supersededBy.ends': updates.supersededBy.ends,
    'updates.supersededBy.values': updates.supersededBy.values,
    'updates.products.ends': updates.products.ends,
    'updates.products.values': updates.products.values,
    'updates.families.ends': updates.families.ends,
    'updates.families.values': updates.families.values,
    'updates.companies.ends': updates.companies.ends,
    'updates.companies.values': updates.companies.values,
    'updates.payload.ends': updates.payload.ends,
    'updates.payload.values': updates.payload.values,
    'updates.payloadName': updates.payloadName,
    'updates.payloadSource': updates.payloadSource,
    'updates.kbs.ends': updates.kbs.ends,
    'updates.kbs.values': updates.kbs.values,
    'updates.bulletins.ends': updates.bulletins.ends,
    'updates.bulletins.values': updates.bulletins.values,
    'updates.cves.ends': updates.cves.ends,
    'updates.cves.values': updates.cves.values,
    'files.sha1': files.sha1,
    'files.sha256': files.sha256,
    'files.known': files.known,
    'files.size': files.size,
    'files.name': files.name,
    'files.url': files.url,
  };
}

/** The columns that the sections hold; their lengths and references are not looked at yet. */
export function columnsOf(
  head: Pick<CatalogColumns, 'packageId' | 'createdAt' | 'gaps' | 'cabs'>,
  sections: Sections,
): CatalogColumns {
  const lists = <
    Name extends
      | 'prerequisites'
      | 'bundledBy'
      | 'supersededBy'
      | 'products'
      | 'families'
      | 'companies'
      | 'payload'
      | 'kbs'
      | 'bulletins'
      | 'cves',
  >(
    name: Name,
  ): Lists => ({ ends: sections[`updates.${name}.ends`], values: sections[`updates.${name}.values`] });
  const updates: UpdateColumns = {
    revisionId: sections['updates.revisionId'],
    guid: sections['updates.guid'],
    revision: sections['updates.revision'],
    flags: sections['updates.flags'],
    cab: sections['updates.cab'],
    created: sections['updates.created'],
    title: sections['updates.title'],
    classification: sections['updates.classification'],
    prerequisites: lists('prerequisites'),
    bundledBy: lists('bundledBy'),
    supersededBy: lists('supersededBy'),
    products: lists('products'),
    families: lists('families'),
    companies: lists('companies'),
    payload: lists('payload'),
    payloadName: sections['updates.payloadName'],
    payloadSource: sections['updates.payloadSource'],
    kbs: lists('kbs'),
    bulletins: lists('bulletins'),
    cves: lists('cves'),
  };
  const files: FileColumns = {
    sha1: sections['files.sha1'],
    sha256: sections['files.sha256'],
    known: sections['files.known'],
    size: sections['files.size'],
    name: sections['files.name'],
    url: sections['files.url'],
  };
  return {
    ...head,
    guids: sections.guids,
    texts: { ends: sections['texts.ends'], bytes: sections['texts.bytes'] },
    updates,
    files,
  };
}
