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
  readonly #whole: boolean;
  #hasType = false;

  /** @param whole whether fragments are read to the very end, so that all of them is checked */
  constructor(values: Values, { whole }: { readonly whole: boolean }) {
    this.values = values;
    this.#whole = whole;
  }

  reset(): void {
    this.guid = -1;
    this.revision = 0;
    this.type = 'unknown';
    this.#hasType = false;
  }

  /** The first one counts, as there is one in every real fragment. */
  readIdentity(attributes: Attributes): 'skip' | 'stop' {
    if (this.guid === -1) {
      this.guid = this.values.guid('UpdateID', attributes, 'UpdateID');
      this.revision = wholeNumber('RevisionNumber', attributes, 'RevisionNumber', MAX_REVISION_ID);
    }
    return this.#next();
  }

  /** The first one counts. */
  readType(attributes: Attributes): 'skip' | 'stop' {
    if (!this.#hasType) this.type = types.get(attributes.get('UpdateType')) ?? 'unknown';
    this.#hasType = true;
    return this.#next();
  }

  #next(): 'skip' | 'stop' {
    return !this.#whole && this.#hasType && this.guid !== -1 ? 'stop' : 'skip';
  }
}

const types: ReadonlyMap<string | undefined, UpdateType> = new Map([
  ['Software', 'software'],
  ['Driver', 'software'],
  ['Category', 'category'],
  ['Detectoid', 'detectoid'],
]);

/**
 * Core fragments are cut out of the full update document: siblings without root or namespaces (MS-WUSP,
 * GetExtendedUpdateInfo and SyncUpdates). Identity and type stand at the front; the rules behind them make up most of an
 * index, and for the catalogue they are not read.
 */
export const coreFragment: ElementPlans<CoreFacts> = elements<CoreFacts>({
  UpdateIdentity: { open: (facts, attributes) => facts.readIdentity(attributes) },
  Properties: { open: (facts, attributes) => facts.readType(attributes) },
});
