import { Document, isScalar, visit } from 'yaml';
import type { RulePackageDocument } from '#shared/contract/rules.ts';
import { durationOf, sizeOf } from './amounts.ts';
import type { PackageForm, RuleForm, SettingsForm, WaptForm } from './form.ts';

/**
 * A package as people write it; read again it is the same package.
 *
 * @param notes lines of a comment at the top
 */
export function writePackage(value: RulePackageDocument, notes: readonly string[] = []): string {
  const document = new Document(toForm(value));
  // Lists of plain values stay on one line, as people write them.
  visit(document, {
    Seq(_key, node) {
      if (node.items.every(isScalar)) node.flow = true;
    },
  });
  const comment = notes.map((note) => `# ${note.replace(/\s+/g, ' ')}\n`).join('');
  return `${comment}${document.toString({ lineWidth: 120, flowCollectionPadding: false })}`;
}

const kbName = (kb: string): string => `KB${kb}`;

function toForm({ name, description, priority, rules, wapt, settings }: RulePackageDocument): PackageForm {
  return {
    name,
    ...(description !== undefined && { description }),
    priority,
    ...(rules.length > 0 && { rules: rules.map(toRuleForm) }),
    ...(wapt !== undefined && { wapt: toWaptForm(wapt) }),
    ...(settings !== undefined && { settings: toSettingsForm(settings) }),
  };
}

function toRuleForm({ effect, when, expiresAt, comment }: RulePackageDocument['rules'][number]): RuleForm {
  const age = boundsOf(when.minAgeSeconds, when.maxAgeSeconds, durationOf);
  const size = boundsOf(when.minBytes, when.maxBytes, sizeOf);
  return {
    effect,
    ...(when.kbs !== undefined && { kb: when.kbs.map(kbName) }),
    ...(when.updates !== undefined && { update: when.updates }),
    ...(when.products !== undefined && { product: when.products }),
    ...(when.classifications !== undefined && { classification: when.classifications }),
    ...(when.severities !== undefined && { severity: when.severities }),
    ...(when.title !== undefined && { title: when.title }),
    ...(age !== undefined && { age }),
    ...(size !== undefined && { size }),
    ...(when.reboots !== undefined && { reboot: when.reboots }),
    ...(expiresAt !== undefined && { expires: expiresAt.replace(/T00:00:00\.000Z$/, '') }),
    ...(comment !== undefined && { comment }),
  };
}

function boundsOf(
  min: number | undefined,
  max: number | undefined,
  words: (amount: number) => string,
): string | string[] | undefined {
  const bounds = [...(min === undefined ? [] : [`>${words(min)}`]), ...(max === undefined ? [] : [`<${words(max)}`])];
  return bounds.length > 1 ? bounds : bounds[0];
}

function toWaptForm(wapt: NonNullable<RulePackageDocument['wapt']>): WaptForm {
  return {
    ...(wapt.forbiddenUpdates !== undefined && { forbidden_updates: wapt.forbiddenUpdates }),
    ...(wapt.forbiddenKbs !== undefined && { forbidden_kbs: wapt.forbiddenKbs.map(kbName) }),
    ...(wapt.allowedUpdates !== undefined && { allowed_updates: wapt.allowedUpdates }),
    ...(wapt.allowedKbs !== undefined && { allowed_kbs: wapt.allowedKbs.map(kbName) }),
    ...(wapt.allowedProducts !== undefined && { allowed_products: wapt.allowedProducts }),
    ...(wapt.allowedSeverities !== undefined && { allowed_severities: wapt.allowedSeverities }),
    ...(wapt.allowedClassifications !== undefined && { allowed_classifications: wapt.allowedClassifications }),
  };
}

function toSettingsForm(settings: NonNullable<RulePackageDocument['settings']>): SettingsForm {
  const { enabled, defaultAllow, installDelaySeconds, installDelaysBySeverity, directDownload, directFirst } = settings;
  return {
    ...(enabled !== undefined && { enabled }),
    ...(defaultAllow !== undefined && { default_allow: defaultAllow }),
    ...(installDelaySeconds !== undefined && { install_delay: durationOf(installDelaySeconds) }),
    ...(installDelaysBySeverity !== undefined && {
      install_delay_by_severity: Object.fromEntries(
        Object.entries(installDelaysBySeverity).map(([severity, seconds]) => [severity, durationOf(seconds)]),
      ),
    }),
    ...(directDownload !== undefined && { direct_download: directDownload }),
    ...(directFirst !== undefined && { direct_first: directFirst }),
  };
}
