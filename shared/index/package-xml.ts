import { guidOf } from '#shared/core/catalog/columns/pools.ts';
import type { DeploymentAction } from '#shared/core/catalog/model.ts';
import { IndexError } from './index-error.ts';
import type { PackageList } from './package-list.ts';
import { MAX_REVISION_ID, oneOf, wholeNumber } from './values.ts';
import { type Attributes, type ElementPlan, type ElementPlans, elements } from './xml/index.ts';

const actions: ReadonlyMap<string | undefined, DeploymentAction> = new Map([
  [undefined, 'install'],
  ['Install', 'install'],
  ['Bundle', 'bundle'],
  ['Evaluate', 'evaluate'],
]);

function addUpdate(list: PackageList, attributes: Attributes): void {
  const { values } = list;
  const language = attributes.get('DefaultLanguage');
  list.add({
    guid: values.guid('UpdateId', attributes, 'UpdateId'),
    // Publications always give it; samples that were trimmed by hand may not, and 0 is below every real revision.
    revision:
      attributes.bytes('RevisionNumber') === undefined
        ? 0
        : wholeNumber('RevisionNumber', attributes, 'RevisionNumber', MAX_REVISION_ID),
    revisionId: wholeNumber('RevisionId', attributes, 'RevisionId', MAX_REVISION_ID),
    action: oneOf('DeploymentAction', attributes.get('DeploymentAction'), actions),
    isBundle: attributes.get('IsBundle') === 'true',
    isLeaf: attributes.get('IsLeaf') === 'true',
    created: values.text('CreationDate', attributes, 'CreationDate'),
    // The language that a title is sure to exist in.
    language: list.languageOf(language ?? 'en'),
  });
}

function addCategory(list: PackageList, attributes: Attributes): void {
  const id = list.values.guid('Category Id', attributes, 'Id');
  switch (attributes.get('Type')) {
    case 'UpdateClassification':
      list.classify(id);
      break;
    case 'Product':
      list.products.push(id);
      break;
    case 'ProductFamily':
      list.families.push(id);
      break;
    case 'Company':
      list.companies.push(id);
      break;
    default:
      // Other kinds of category say nothing that the catalogue has a place for.
      break;
  }
}

/** An element without children of interest, of which only the attributes count. */
const leaf = (read: (list: PackageList, attributes: Attributes) => void): ElementPlan<PackageList> => ({
  open: (list, attributes) => {
    read(list, attributes);
    return 'skip';
  },
});

/** One of the parts of an update. */
const part = (children: Readonly<Record<string, ElementPlan<PackageList>>>): ElementPlan<PackageList> => ({
  children: elements(children),
});

const revisionIdOf = (attributes: Attributes): number => wholeNumber('Revision Id', attributes, 'Id', MAX_REVISION_ID);

const clauseId = leaf((list, attributes) => list.addToClause(list.values.guid('UpdateId Id', attributes, 'Id')));

const update: ElementPlan<PackageList> = {
  open: (list, attributes) => {
    addUpdate(list, attributes);
    return undefined;
  },
  children: elements<PackageList>({
    PayloadFiles: part({
      File: leaf((list, attributes) => {
        list.payload.push(list.values.sha1('PayloadFiles/File Id', attributes, 'Id'));
      }),
    }),
    Prerequisites: part({
      UpdateId: leaf((list, attributes) => {
        list.openClause();
        list.addToClause(list.values.guid('UpdateId Id', attributes, 'Id'));
      }),
      Or: {
        open: (list) => {
          list.openClause();
          return undefined;
        },
        children: elements<PackageList>({ UpdateId: clauseId }),
      },
    }),
    BundledBy: part({ Revision: leaf((list, attributes) => list.bundledBy.push(revisionIdOf(attributes))) }),
    SupersededBy: part({ Revision: leaf((list, attributes) => list.supersededBy.push(revisionIdOf(attributes))) }),
    Categories: part({ Category: leaf(addCategory) }),
  }),
};

/** The wanted part of package.xml (schema http://schemas.microsoft.com/msus/2004/02/OfflineSync). */
export const packageXml: ElementPlans<PackageList> = elements<PackageList>({
  OfflineSyncPackage: {
    open: (list, attributes) => {
      if (list.seen) throw new IndexError('bad-layout', 'the index has package.xml twice');
      list.seen = true;
      if (attributes.get('PackageId') !== undefined) {
        const number = list.values.guid('PackageId', attributes, 'PackageId');
        list.packageId = guidOf(list.values.guids.view(), number * 16);
      }
      if (attributes.get('CreationDate') !== undefined) {
        list.createdAt = list.values.texts.get(list.values.text('CreationDate', attributes, 'CreationDate'));
      }
      return undefined;
    },
    children: elements<PackageList>({
      Updates: part({ Update: update }),
      FileLocations: part({
        FileLocation: leaf((list, attributes) => {
          const sha1 = list.values.sha1('FileLocation Id', attributes, 'Id');
          list.locate(sha1, list.values.text('FileLocation Url', attributes, 'Url'));
        }),
      }),
    }),
  },
});
