import * as z from 'zod/mini';
import { guid } from '#shared/contract/primitives.ts';
import type { HostState } from '#shared/core/catalog/applicability/host-state.ts';

/** The state of a simulated machine as it is written down; what the parts mean stands at {@link HostState}. */

const text = z.string().check(z.minLength(1));
const version = z.string().check(z.regex(/^\d+(?:\.\d+){3}$/, 'four numbers with dots'));
const number = z.int().check(z.nonnegative());
const time = z.iso.datetime({ offset: true });
/** A GUID, with or without braces. */
const code = z.string().check(z.regex(/^\{?[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\}?$/i, 'a GUID'));
/** A number in decimal, as the name of a field. */
const decimal = z.string().check(z.regex(/^\d{1,10}$/, 'a whole number'));

/** `name~token~architecture~language~version`. */
export const packageIdentity = z
  .string()
  .check(z.regex(/^[^~]+(?:~[^~]*){3}~\d+(?:\.\d+){3}$/, 'name~token~architecture~language~version'));

export const registryData = z.union([
  z.object({ type: z.literal('REG_DWORD'), data: z.int().check(z.nonnegative(), z.maximum(0xffff_ffff)) }),
  z.object({
    type: z.enum(['REG_SZ', 'REG_EXPAND_SZ', 'REG_QWORD', 'REG_MULTI_SZ', 'REG_BINARY']),
    data: z.string(),
  }),
]);

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
    z.strictObject({ complete: z.boolean(), keys: z.record(text, z.record(z.string(), registryData)) }),
  ),
  files: z.exactOptional(
    z.strictObject({
      complete: z.boolean(),
      files: z.record(
        text,
        z.strictObject({
          version: z.exactOptional(version),
          size: z.exactOptional(number),
          modified: z.exactOptional(time),
          created: z.exactOptional(time),
          language: z.exactOptional(number),
        }),
      ),
      folders: z.record(decimal, text),
    }),
  ),
  cbs: z.exactOptional(
    z.strictObject({
      complete: z.boolean(),
      packages: z.array(packageIdentity),
      servicingStack: z.exactOptional(version),
    }),
  ),
  productReleases: z.exactOptional(z.strictObject({ complete: z.boolean(), values: z.record(text, version) })),
  deviceAttributes: z.exactOptional(z.strictObject({ complete: z.boolean(), values: z.record(text, z.string()) })),
  licenses: z.exactOptional(z.strictObject({ complete: z.boolean(), values: z.record(text, number) })),
  systemMetrics: z.exactOptional(z.strictObject({ complete: z.boolean(), values: z.record(decimal, number) })),
  msi: z.exactOptional(
    z.strictObject({
      complete: z.boolean(),
      products: z.array(
        z.strictObject({
          productCode: code,
          version: z.exactOptional(z.string().check(z.regex(/^\d+(?:\.\d+){0,3}$/))),
          language: z.exactOptional(number),
          features: z.exactOptional(z.array(text)),
          components: z.exactOptional(z.array(code)),
          patches: z.exactOptional(z.array(code)),
        }),
      ),
    }),
  ),
  wmi: z.exactOptional(z.array(z.strictObject({ namespace: text, query: text, found: z.boolean() }))),
  installedUpdates: z.exactOptional(z.array(guid)),
});
