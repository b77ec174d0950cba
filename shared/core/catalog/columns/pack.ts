import type { Catalog, CatalogUpdate, PayloadFile } from '../model.ts';
import { ColumnsBuilder } from './builder.ts';
import { ColumnarCatalog } from './columnar-catalog.ts';
import { type CatalogColumns, packFlags } from './columns.ts';
import { bytesOfGuid, bytesOfHex } from './hex.ts';

/**
 * The columns of any catalogue; those of a columnar one as they are.
 *
 * @throws RangeError when a GUID, digest or KB number is none
 */
export function packCatalog(catalog: Catalog): CatalogColumns {
  if (catalog instanceof ColumnarCatalog) return catalog.columns;
  const packing = new Packing();
  for (const update of [...catalog.updates.values()].sort((a, b) => a.revisionId - b.revisionId)) packing.add(update);
  for (const file of catalog.files.values()) packing.addFile(file);
  return packing.builder.finish({
    ...(catalog.packageId === undefined ? {} : { packageId: catalog.packageId }),
    ...(catalog.createdAt === undefined ? {} : { createdAt: catalog.createdAt }),
    gaps: catalog.gaps,
    // Plain values do not say which cabinet an update came from, so nothing can be taken from these later.
    cabs: (catalog.cabs ?? []).map((cab) => ({ ...cab, reusable: false })),
  });
}

class Packing {
  readonly builder = new ColumnsBuilder();
  readonly #scratch = new Uint8Array(32);

  add(update: CatalogUpdate): void {
    const { builder } = this;
    const { categories } = update;
    builder.openUpdate({
      revisionId: update.revisionId,
      guid: this.#guid(update.updateId),
      revision: update.revision,
      flags: packFlags({
        ...update,
        severity: update.severity,
        reboot: update.reboot,
        hasCore: update.type !== 'unknown',
        hasExtended: true,
      }),
      cab: 0,
      created: builder.texts.intern(update.createdAt),
      title: update.title === undefined ? 0 : builder.texts.intern(update.title) + 1,
      classification: categories.classification === undefined ? 0 : this.#guid(categories.classification) + 1,
    });
    for (const clause of update.prerequisites) {
      builder.prerequisites.push(clause.length);
      for (const id of clause) builder.prerequisites.push(this.#guid(id));
    }
    for (const id of update.bundledBy) builder.bundledBy.push(id);
    for (const id of update.supersededBy) builder.supersededBy.push(id);
    for (const id of categories.products) builder.products.push(this.#guid(id));
    for (const id of categories.families) builder.families.push(this.#guid(id));
    for (const id of categories.companies) builder.companies.push(this.#guid(id));
    for (const sha1 of update.payload) builder.pushPayload(this.#file(sha1), 0, 0);
    for (const kb of update.kbs) {
      if (!/^\d{1,10}$/.test(kb)) throw new RangeError(`${JSON.stringify(kb)} is not a KB number; digits only`);
      builder.kbs.push(builder.texts.intern(kb));
    }
    for (const bulletin of update.bulletins) builder.bulletins.push(builder.texts.intern(bulletin));
    for (const cve of update.cves) builder.cves.push(builder.texts.intern(cve));
    builder.closeUpdate();
  }

  addFile(file: PayloadFile): void {
    const { texts } = this.builder;
    const number = this.#file(file.sha1);
    this.builder.describeFile(number, {
      ...(file.sha256 === undefined ? {} : { sha256: this.#bytes('SHA-256', file.sha256, 32) }),
      ...(file.size === undefined ? {} : { size: file.size }),
      name: file.name === undefined ? 0 : texts.intern(file.name) + 1,
      url: file.url === undefined ? 0 : texts.intern(file.url) + 1,
    });
  }

  #guid(text: string): number {
    if (bytesOfGuid(text, this.#scratch)) return this.builder.guids.intern(this.#scratch);
    throw new RangeError(`${JSON.stringify(text)} is not a GUID; 32 digits of lower-case hex with four hyphens are`);
  }

  #file(sha1: string): number {
    return this.builder.file(this.#bytes('SHA-1', sha1, 20));
  }

  #bytes(what: string, text: string, length: number): Uint8Array {
    if (bytesOfHex(text, this.#scratch, length)) return this.#scratch;
    throw new RangeError(`${JSON.stringify(text)} is not a ${what}; ${length} bytes in lower-case hex are`);
  }
}
