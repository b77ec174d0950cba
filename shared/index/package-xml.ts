import type { DeploymentAction } from '#shared/core/catalog/model.ts';
import { IndexError } from './index-error.ts';
import { copied, MAX_REVISION_ID, oneOf, required, type Values, wholeNumber } from './values.ts';
import { type Attributes, type ElementPlans, elements } from './xml.ts';

/** One `<Update>` as package.xml lists it. */
export interface ListedUpdate {
  readonly updateId: string;
  readonly revision: number;
  readonly revisionId: number;
  readonly action: DeploymentAction;
  readonly isBundle: boolean;
  readonly isLeaf: boolean;
  readonly createdAt: string;
  /** Lower case; the language that a title is sure to exist in. */
  readonly defaultLanguage: string;
  readonly payload: string[];
  readonly prerequisites: string[][];
  readonly bundledBy: number[];
  readonly supersededBy: number[];
  classification: string | undefined;
  readonly products: string[];
  readonly families: string[];
  readonly companies: string[];
}

/** What package.xml says: the list of updates and where their files are. */
export class PackageList {
  readonly values: Values;
  seen = false;
  packageId: string | undefined;
  createdAt: string | undefined;
  readonly updates = new Map<number, ListedUpdate>();
  /** URL by SHA-1 (hex). */
  readonly locations = new Map<string, string>();
  #current: ListedUpdate | undefined;

  constructor(values: Values) {
    this.values = values;
  }

  /** The update whose element is open. */
  get current(): ListedUpdate {
    if (this.#current === undefined) throw new IndexError('bad-layout', 'package.xml: a property outside of an update');
    return this.#current;
  }

  add(update: ListedUpdate): void {
    if (this.updates.has(update.revisionId)) {
      throw new IndexError('bad-value', `RevisionId ${update.revisionId} is listed twice`);
    }
    this.updates.set(update.revisionId, update);
    this.#current = update;
  }
}

const actions: ReadonlyMap<string | undefined, DeploymentAction> = new Map([
  [undefined, 'install'],
  ['Install', 'install'],
  ['Bundle', 'bundle'],
  ['Evaluate', 'evaluate'],
]);

function listed(values: Values, attributes: Attributes): ListedUpdate {
  return {
    updateId: values.guid('UpdateId', attributes.UpdateId),
    // Publications always give it; samples that were trimmed by hand may not, and 0 is below every real revision.
    revision: attributes.RevisionNumber === undefined ? 0 : revisionNumber(attributes.RevisionNumber),
    revisionId: wholeNumber('RevisionId', attributes.RevisionId, MAX_REVISION_ID),
    action: oneOf('DeploymentAction', attributes.DeploymentAction, actions),
    isBundle: attributes.IsBundle === 'true',
    isLeaf: attributes.IsLeaf === 'true',
    createdAt: required('CreationDate', attributes.CreationDate),
    defaultLanguage: copied((attributes.DefaultLanguage ?? 'en').toLowerCase()),
    payload: [],
    prerequisites: [],
    bundledBy: [],
    supersededBy: [],
    classification: undefined,
    products: [],
    families: [],
    companies: [],
  };
}

const revisionNumber = (text: string): number => wholeNumber('RevisionNumber', text, MAX_REVISION_ID);

const revisionIdOf = (attributes: Attributes): number => wholeNumber('Revision Id', attributes.Id, MAX_REVISION_ID);

function addCategory(list: PackageList, attributes: Attributes): void {
  const id = list.values.guid('Category Id', attributes.Id);
  const update = list.current;
  switch (attributes.Type) {
    case 'UpdateClassification':
      update.classification ??= id;
      break;
    case 'Product':
      update.products.push(id);
      break;
    case 'ProductFamily':
      update.families.push(id);
      break;
    case 'Company':
      update.companies.push(id);
      break;
    default:
      // Other kinds of category say nothing that the catalogue has a place for.
      break;
  }
}

/** The wanted part of package.xml (schema http://schemas.microsoft.com/msus/2004/02/OfflineSync). */
export const packageXml: ElementPlans<PackageList> = elements<PackageList>({
  OfflineSyncPackage: {
    open: (list, attributes) => {
      if (list.seen) throw new IndexError('bad-layout', 'the index has package.xml twice');
      list.seen = true;
      if (attributes.PackageId !== undefined) list.packageId = list.values.guid('PackageId', attributes.PackageId);
      if (attributes.CreationDate !== undefined) list.createdAt = required('CreationDate', attributes.CreationDate);
      return undefined;
    },
    children: elements<PackageList>({
      Updates: {
        children: elements<PackageList>({
          Update: {
            open: (list, attributes) => {
              list.add(listed(list.values, attributes));
              return undefined;
            },
            children: elements<PackageList>({
              PayloadFiles: {
                children: elements<PackageList>({
                  File: {
                    open: (list, attributes) => {
                      list.current.payload.push(list.values.sha1('PayloadFiles/File Id', attributes.Id));
                      return 'skip';
                    },
                  },
                }),
              },
              Prerequisites: {
                children: elements<PackageList>({
                  UpdateId: {
                    open: (list, attributes) => {
                      list.current.prerequisites.push([list.values.guid('UpdateId Id', attributes.Id)]);
                      return 'skip';
                    },
                  },
                  Or: {
                    open: (list) => {
                      list.current.prerequisites.push([]);
                      return undefined;
                    },
                    children: elements<PackageList>({
                      UpdateId: {
                        open: (list, attributes) => {
                          list.current.prerequisites.at(-1)?.push(list.values.guid('UpdateId Id', attributes.Id));
                          return 'skip';
                        },
                      },
                    }),
                  },
                }),
              },
              BundledBy: {
                children: elements<PackageList>({
                  Revision: {
                    open: (list, attributes) => {
                      list.current.bundledBy.push(revisionIdOf(attributes));
                      return 'skip';
                    },
                  },
                }),
              },
              SupersededBy: {
                children: elements<PackageList>({
                  Revision: {
                    open: (list, attributes) => {
                      list.current.supersededBy.push(revisionIdOf(attributes));
                      return 'skip';
                    },
                  },
                }),
              },
              Categories: {
                children: elements<PackageList>({
                  Category: {
                    open: (list, attributes) => {
                      addCategory(list, attributes);
                      return 'skip';
                    },
                  },
                }),
              },
            }),
          },
        }),
      },
      FileLocations: {
        children: elements<PackageList>({
          FileLocation: {
            open: (list, attributes) => {
              const sha1 = list.values.sha1('FileLocation Id', attributes.Id);
              if (!list.locations.has(sha1)) list.locations.set(sha1, required('FileLocation Url', attributes.Url));
              return 'skip';
            },
          },
        }),
      },
    }),
  },
});
