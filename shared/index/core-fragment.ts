import type { CbsParent, UpdateType } from '#shared/core/catalog/model.ts';
import { copied, MAX_REVISION_ID, type Values, wholeNumber } from './values.ts';
import { type ElementPlans, elements } from './xml.ts';

/** The wanted part of a core fragment (c/ or core/): the type, and what decides applicability at this stage. */
export class CoreFacts {
  readonly values: Values;
  updateId: string | undefined;
  revision: number | undefined;
  type: UpdateType = 'unknown';
  /** Children of IsInstalled. */
  isInstalled: string[] = [];
  assemblies = 0;
  compare: Pick<CbsParent, 'buildCompare' | 'serviceCompare'> = { buildCompare: 'EQ', serviceCompare: 'EQ' };
  readonly cbsParents: CbsParent[] = [];

  constructor(values: Values) {
    this.values = values;
  }

  /** `<IsInstalled><True /></IsInstalled>` and nothing else. */
  get alwaysInstalled(): boolean {
    return this.isInstalled.length === 1 && this.isInstalled[0] === 'True';
  }
}

const types: ReadonlyMap<string | undefined, UpdateType> = new Map([
  ['Software', 'software'],
  ['Driver', 'software'],
  ['Category', 'category'],
  ['Detectoid', 'detectoid'],
]);

/**
 * `EQ` and `GE` are what component manifests use. Anything else is read as `EQ`, so that the package is offered to
 * fewer hosts than it might fit and never to one that it does not.
 */
const compareOf = (text: string | undefined): 'EQ' | 'GE' => (text?.toUpperCase() === 'GE' ? 'GE' : 'EQ');

/**
 * Core fragments are cut out of the full update document: siblings without root or namespaces (MS-WUSP, GetExtendedUpdateInfo
 * and SyncUpdates). The manifest inside keeps the names of urn:schemas-microsoft-com:asm.v3.
 */
export const coreFragment: ElementPlans<CoreFacts> = elements<CoreFacts>({
  UpdateIdentity: {
    open: (facts, attributes) => {
      facts.updateId = facts.values.guid('UpdateID', attributes.UpdateID);
      facts.revision = wholeNumber('RevisionNumber', attributes.RevisionNumber, MAX_REVISION_ID);
      return 'skip';
    },
  },
  Properties: {
    open: (facts, attributes) => {
      facts.type = types.get(attributes.UpdateType) ?? 'unknown';
      return 'skip';
    },
  },
  ApplicabilityRules: {
    children: elements<CoreFacts>({
      // Only the names of its children are wanted, and of those only whether it is True alone.
      IsInstalled: { otherChild: (facts, name) => void facts.isInstalled.push(name === 'True' ? 'True' : 'other') },
      Metadata: {
        children: elements<CoreFacts>({
          CbsPackageApplicabilityMetadata: {
            children: elements<CoreFacts>({
              assembly: {
                // The first manifest is the package's own; the others are of packages inside it, whose parents it is.
                open: (facts) => {
                  facts.assemblies += 1;
                  return facts.assemblies === 1 ? undefined : 'skip';
                },
                children: elements<CoreFacts>({
                  package: {
                    children: elements<CoreFacts>({
                      parent: {
                        open: (facts, attributes) => {
                          facts.compare = {
                            buildCompare: compareOf(attributes.buildCompare),
                            serviceCompare: compareOf(attributes.serviceCompare),
                          };
                          return undefined;
                        },
                        children: elements<CoreFacts>({
                          assemblyIdentity: {
                            open: (facts, { name, version, processorArchitecture }) => {
                              if (name === undefined || version === undefined || processorArchitecture === undefined) {
                                return 'skip';
                              }
                              facts.cbsParents.push({
                                name: copied(name),
                                version: copied(version),
                                architecture: copied(processorArchitecture),
                                ...facts.compare,
                              });
                              return 'skip';
                            },
                          },
                        }),
                      },
                    }),
                  },
                }),
              },
            }),
          },
        }),
      },
    }),
  },
});
