import * as z from 'zod/mini';
import { packageName } from '#shared/contract/rules.ts';

/**
 * A rule package as people write it, in YAML or JSON. The same schema checks what is read (`read-package.ts` makes the
 * contract's package of it) and becomes docs/rule-package.schema.json for editors.
 */

/** One thing, or a list of them. */
const oneOrMore = <T extends z.ZodMiniType>(item: T) =>
  z.union([item, z.array(item).check(z.minLength(1), z.maxLength(5000))]);
/** A list of WAPT's, which may be empty. */
const waptList = <T extends z.ZodMiniType>(item: T) => z.union([item, z.array(item).check(z.maxLength(5000))]);

const text = z.string().check(z.minLength(1), z.maxLength(1024));
const note = z.string().check(z.maxLength(1024));

// Patterns spell out both cases, because JSON Schema has no flag for it.
const kbError = 'not a KB number: expected five to eight digits as in KB5034441';
const kb = z.union(
  [
    z.string().check(z.regex(/^([Kk][Bb])?[0-9]{5,8}$/, { error: kbError })),
    z.int({ error: kbError }).check(z.minimum(10_000, { error: kbError }), z.maximum(99_999_999, { error: kbError })),
  ],
  { error: kbError },
);
const updateError =
  'not an UpdateId: expected one as in 2a9f0c1e-77aa-4b0f-8d53-0123456789ab, or with its revision as in …_200';
const update = z
  .string({ error: updateError })
  .check(z.regex(/^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}(_[0-9]{1,9})?$/, { error: updateError }));
const waptSeverity = z.enum(['Critical', 'Important', 'Moderate', 'Low']);
const severity = z.enum([...waptSeverity.options, 'Unspecified']);

const ageError = "not an age: expected one as in '>7d' or '<30d' (s, m, h, d or w)";
const age = z
  .string({ error: ageError })
  .check(z.regex(/^[<>] ?[0-9]{1,9}[smhdw]$/, { error: ageError }), z.describe('Age since the first publication'));
const sizeError = "not a size: expected one as in '>1GB' or '<500MB' (B, kB, MB, GB or TB)";
const size = z
  .string({ error: sizeError })
  .check(
    z.regex(/^[<>] ?[0-9]{1,12}(\.[0-9]{1,3})? ?([kKMGT]?B)$/, { error: sizeError }),
    z.describe('Sum of the sizes of its files'),
  );
/** WAPT's: without a unit it is days. */
const delayError = 'not a duration: expected one as in 7d, 12h or 90m; without a unit it is days';
const delay = z.union(
  [
    z.string().check(z.regex(/^[0-9]{1,9}[smhdw]?$/, { error: delayError })),
    z.int({ error: delayError }).check(z.minimum(0, { error: delayError }), z.maximum(3660, { error: delayError })),
  ],
  { error: delayError },
);
const expires = z.union([z.iso.date(), z.iso.datetime()], {
  error: 'not a date: expected one as in 2026-12-01 (the rule ends as that day begins, UTC) or 2026-12-01T08:00:00Z',
});

/** What a rule can ask of an update, by the name that people write. */
const conditions = {
  kb: z.exactOptional(oneOrMore(kb).check(z.describe('One of its KB numbers is one of these'))),
  update: z.exactOptional(
    oneOrMore(update).check(z.describe('UpdateId, or UpdateId_revision for that revision alone')),
  ),
  product: z.exactOptional(oneOrMore(text).check(z.describe('Title or id of a product, in any case'))),
  classification: z.exactOptional(oneOrMore(text).check(z.describe('Title or id of a classification, in any case'))),
  severity: z.exactOptional(oneOrMore(severity).check(z.describe('Unspecified: the index gives none'))),
  title: z.exactOptional(
    text.check(z.describe('The whole title, in any case; * stands for any text and ? for one character')),
  ),
  age: z.exactOptional(z.union([age, z.array(age).check(z.minLength(1), z.maxLength(2))])),
  size: z.exactOptional(z.union([size, z.array(size).check(z.minLength(1), z.maxLength(2))])),
  reboot: z.exactOptional(
    oneOrMore(z.enum(['never', 'always', 'can'])).check(z.describe('Whether installing it restarts the host')),
  ),
};
export const conditionNames: readonly string[] = Object.keys(conditions);

const rule = z
  .strictObject({
    effect: z.enum(['forbid', 'hold', 'allow']).check(z.describe('In doubt forbid counts before hold before allow')),
    ...conditions,
    expires: z.exactOptional(expires.check(z.describe('From then on the rule is as if it were not there'))),
    comment: z.exactOptional(note.check(z.describe('For people; stands in the reason of each verdict'))),
  })
  .check(
    z.refine((value) => conditionNames.some((name) => name in value), {
      error: `a rule names at least one condition: ${conditionNames.join(', ')}`,
    }),
  );
export type RuleForm = z.infer<typeof rule>;

const wapt = z
  .strictObject({
    forbidden_updates: z.exactOptional(waptList(update)),
    forbidden_kbs: z.exactOptional(waptList(kb)),
    allowed_updates: z.exactOptional(waptList(update)),
    allowed_kbs: z.exactOptional(waptList(kb)),
    allowed_products: z.exactOptional(waptList(text)),
    allowed_severities: z.exactOptional(waptList(waptSeverity)),
    allowed_classifications: z.exactOptional(waptList(text)),
  })
  .check(z.describe("WAPT's lists, with WAPT's meaning"));
export type WaptForm = z.infer<typeof wapt>;

const delayBySeverity = z.strictObject({
  Critical: z.exactOptional(delay),
  Important: z.exactOptional(delay),
  Moderate: z.exactOptional(delay),
  Low: z.exactOptional(delay),
  Unspecified: z.exactOptional(delay),
});

const settings = z
  .strictObject({
    enabled: z.exactOptional(z.boolean().check(z.describe('false: hosts scan and report, and install nothing'))),
    default_allow: z.exactOptional(z.boolean().check(z.describe('Verdict for an update that no rule mentions'))),
    install_delay: z.exactOptional(
      delay.check(z.describe('Allowed updates wait so long after their first publication; no unit = days')),
    ),
    install_delay_by_severity: z.exactOptional(delayBySeverity.check(z.describe('The same by severity; counts first'))),
    direct_download: z.exactOptional(
      z.boolean().check(z.describe('Hosts may fetch files from Microsoft where the broker is away or lacks them')),
    ),
    direct_first: z.exactOptional(z.boolean().check(z.describe('Hosts ask Microsoft before the broker'))),
  })
  .check(z.describe("Settings of agents, by the names of WAPT's options"));
export type SettingsForm = z.infer<typeof settings>;

/** A whole file. */
export const packageForm = z.strictObject({
  name: packageName.check(z.describe('Lower-case letters, digits, ".", "_" and "-"')),
  description: z.exactOptional(note),
  priority: z.exactOptional(
    z.int().check(z.minimum(-1000), z.maximum(1000), z.describe('The higher one counts first; 0 when it is not given')),
  ),
  rules: z.exactOptional(z.array(rule).check(z.maxLength(10_000))),
  wapt: z.exactOptional(wapt),
  settings: z.exactOptional(settings),
});
export type PackageForm = z.infer<typeof packageForm>;

/** Names of the fields at a place of the form, for whoever wrote another one. `undefined`: there are no fields there. */
export function fieldsAt(
  path: readonly PropertyKey[],
): { readonly of: string; readonly names: readonly string[] } | undefined {
  const [first, second] = path;
  const fields = (of: string, { shape }: { readonly shape: object }) => ({ of, names: Object.keys(shape) });
  if (first === undefined) return fields('a package', packageForm);
  if (first === 'rules' && path.length === 2) return fields('a rule', rule);
  if (first === 'wapt' && path.length === 1) return fields('the lists of WAPT', wapt);
  if (first === 'settings' && second === undefined) return fields('the settings', settings);
  if (first === 'settings') return fields('install_delay_by_severity', delayBySeverity);
  return undefined;
}

/** docs/rule-package.schema.json: JSON Schema (draft 7, which every editor knows) of {@link packageForm}. */
export function packageJsonSchema(): Readonly<Record<string, unknown>> {
  const { $schema, ...schema } = z.toJSONSchema(packageForm, {
    target: 'draft-7',
    io: 'input',
    override: ({ zodSchema, jsonSchema }) => {
      // What a refinement says is not carried over by itself.
      if (zodSchema === rule) jsonSchema.anyOf = conditionNames.map((name) => ({ required: [name] }));
    },
  });
  return { $schema, title: 'Rule package of kbroker', ...schema };
}
