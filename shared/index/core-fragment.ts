import type { UpdateType } from '#shared/core/catalog/model.ts';
import { MAX_REVISION_ID, type Values, wholeNumber } from './values.ts';
import { type Attributes, type ElementPlans, elements } from './xml/index.ts';

/** What a core fragment (c/ or core/) says besides its rules. One object serves all fragments, one after the other. */
export class CoreFacts {
  readonly values: Values;
  /** In `guids`; -1 before it is met. */
  guid = -1;
  revision = 0;
  type: UpdateType = 'unknown';

  constructor(values: Values) {
    this.values = values;
  }

  reset(): void {
    this.guid = -1;
    this.revision = 0;
    this.type = 'unknown';
  }
}

const types: ReadonlyMap<string | undefined, UpdateType> = new Map([
  ['Software', 'software'],
  ['Driver', 'software'],
  ['Category', 'category'],
  ['Detectoid', 'detectoid'],
]);

function readIdentity(facts: CoreFacts, attributes: Attributes): void {
  facts.guid = facts.values.guid('UpdateID', attributes, 'UpdateID');
  facts.revision = wholeNumber('RevisionNumber', attributes, 'RevisionNumber', MAX_REVISION_ID);
}

function readType(facts: CoreFacts, attributes: Attributes): void {
  facts.type = types.get(attributes.get('UpdateType')) ?? 'unknown';
}

/**
 * Core fragments are cut out of the full update document: siblings without root or namespaces (MS-WUSP,
 * GetExtendedUpdateInfo and SyncUpdates). Identity and type stand at the front; the rules behind them make up most of an
 * index, and for the catalogue they are not read.
 */
export const coreFacts: ElementPlans<CoreFacts> = elements<CoreFacts>({
  UpdateIdentity: {
    open: (facts, attributes) => {
      readIdentity(facts, attributes);
      return facts.type === 'unknown' ? 'skip' : 'stop';
    },
  },
  Properties: {
    open: (facts, attributes) => {
      readType(facts, attributes);
      return facts.guid === -1 ? 'skip' : 'stop';
    },
  },
});

/** The same to the very end, so that all of the fragment is checked. */
export const wholeCoreFacts: ElementPlans<CoreFacts> = elements<CoreFacts>({
  UpdateIdentity: {
    open: (facts, attributes) => {
      readIdentity(facts, attributes);
      return 'skip';
    },
  },
  Properties: {
    open: (facts, attributes) => {
      readType(facts, attributes);
      return 'skip';
    },
  },
});
