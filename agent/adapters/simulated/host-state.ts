import * as z from 'zod/mini';
import { guid } from '#shared/contract/primitives.ts';
import { readCode } from '#shared/core/catalog/applicability/attributes.ts';
import { queryKey } from '#shared/core/catalog/applicability/host-facts.ts';
import type { HostState } from '#shared/core/catalog/applicability/host-state.ts';
import { normalPath } from '#shared/core/catalog/applicability/registry.ts';
import { parseVersion } from '#shared/core/catalog/applicability/version.ts';
import { distinctEntries, distinctNames, namesThat } from './names.ts';

/** The state of a simulated machine as it is written down; what the parts mean stands at {@link HostState}. */

const text = z.string().check(z.minLength(1));
/** Of up to ten digits each. */
const isVersion = (text: string): boolean => parseVersion(text) !== undefined;
const isWholeVersion = (text: string): boolean => text.split('.').length === 4 && isVersion(text);
const version = z.string().check(z.refine(isWholeVersion, 'allowed are four numbers of up to ten digits, with dots'));
const number = z.int().check(z.nonnegative());
const time = z.iso.datetime({ offset: true });
/** A GUID, with or without braces. */
const code = z.string().check(z.regex(/^\{?[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\}?$/i, 'allowed is a GUID'));
/** Names that are numbers in decimal; with a zero before it, no rule would find one. */
const decimals = namesThat((name) => /^(?:0|[1-9]\d{0,9})$/.test(name), 'a whole number');

/** `name~token~architecture~language~version`. */
export const packageIdentity = z
  .string()
  .check(
    z.refine(
      (text) => /^[^~]+(?:~[^~]*){4}$/.test(text) && isWholeVersion(text.slice(text.lastIndexOf('~') + 1)),
      'allowed is name~token~architecture~language~version, the version four numbers of up to ten digits',
    ),
  );

export const registryData = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('REG_DWORD'), data: z.int().check(z.nonnegative(), z.maximum(0xffff_ffff)) }),
  z.strictObject({
    type: z.enum(['REG_SZ', 'REG_EXPAND_SZ', 'REG_QWORD', 'REG_MULTI_SZ', 'REG_BINARY']),
    data: z.string(),
  }),
]);

const roots = /^(?:computer\\)?(?:hkey_\w+|hklm|hkcu|hkcr|hku|hkcc)(?:\\|$)/;
const keyPaths = namesThat(
  (path) => normalPath(path) !== '' && !roots.test(normalPath(path)),
  'the path of a key below HKEY_LOCAL_MACHINE, without its root',
);

const names = namesThat((name) => name !== '', 'a name');
const listed = <Value extends z.ZodMiniType>(value: Value, form = names) =>
  z.exactOptional(
    z.strictObject({ complete: z.boolean(), values: z.record(z.string(), value).check(form, distinctNames()) }),
  );

export const hostState: z.ZodMiniType<HostState> = z.strictObject({
  windows: z.exactOptional(
    z.strictObject({
      version,
      productType: z.int().check(z.minimum(1), z.maximum(3)),
      servicePackMajor: z.exactOptional(number),
      servicePackMinor: z.exactOptional(number),
      suiteMask: z.exactOptional(number),
    }),
  ),
  processor: z.exactOptional(
    z.strictObject({
      architecture: number,
      level: z.exactOptional(number),
      revision: z.exactOptional(number),
    }),
  ),
  platform: z.exactOptional(text),
  language: z.exactOptional(z.strictObject({ system: text, mui: z.array(text) })),
  registry: z.exactOptional(
    z.strictObject({
      complete: z.boolean(),
      keys: z
        .record(z.string(), z.record(z.string(), registryData).check(distinctNames()))
        .check(keyPaths, distinctNames(normalPath)),
    }),
  ),
  files: z.exactOptional(
    z.strictObject({
      complete: z.boolean(),
      files: z
        .record(
          z.string(),
          z.strictObject({
            version: z.exactOptional(version),
            size: z.exactOptional(number),
            modified: z.exactOptional(time),
            created: z.exactOptional(time),
            language: z.exactOptional(number),
          }),
        )
        .check(names, distinctNames(normalPath)),
      folders: z.record(z.string(), text).check(decimals),
    }),
  ),
  cbs: z.exactOptional(
    z.strictObject({
      complete: z.boolean(),
      packages: z.array(packageIdentity),
      servicingStack: z.exactOptional(version),
    }),
  ),
  productReleases: listed(version),
  deviceAttributes: listed(z.string()),
  licenses: listed(number),
  systemMetrics: listed(number, decimals),
  msi: z.exactOptional(
    z.strictObject({
      complete: z.boolean(),
      products: z
        .array(
          z.strictObject({
            productCode: code,
            version: z.exactOptional(
              z.string().check(z.refine(isVersion, 'allowed are one to four numbers of up to ten digits, with dots')),
            ),
            language: z.exactOptional(number),
            features: z.exactOptional(z.array(text)),
            components: z.exactOptional(z.array(code)),
            patches: z.exactOptional(z.array(code)),
          }),
        )
        .check(distinctEntries(({ productCode }) => readCode(productCode) ?? productCode)),
    }),
  ),
  wmi: z.exactOptional(
    z
      .array(z.strictObject({ namespace: text, query: text, found: z.boolean() }))
      .check(distinctEntries(({ namespace, query }) => queryKey(namespace, query))),
  ),
  installedUpdates: z.exactOptional(z.array(guid)),
});
