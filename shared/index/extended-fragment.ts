import type { RebootBehavior, Severity } from '#shared/core/catalog/model.ts';
import { IndexError } from './index-error.ts';
import { copied, required, type Values, wholeNumber } from './values.ts';
import { type ElementPlans, elements } from './xml.ts';

/** One `<File>` of an extended fragment. */
export interface FileFacts {
  readonly sha1: string;
  readonly name: string;
  readonly size: number;
  sha256: string | undefined;
}

/** The wanted part of an extended fragment (x/ or extended/). */
export class ExtendedFacts {
  readonly values: Values;
  severity: Severity | undefined;
  reboot: RebootBehavior | undefined;
  readonly kbs: string[] = [];
  readonly bulletins: string[] = [];
  readonly cves: string[] = [];
  readonly files: FileFacts[] = [];
  /** Algorithm of the AdditionalDigest that is open. */
  algorithm: string | undefined;

  constructor(values: Values) {
    this.values = values;
  }
}

const severities: ReadonlyMap<string | undefined, Severity> = new Map([
  ['Critical', 'Critical'],
  ['Important', 'Important'],
  ['Moderate', 'Moderate'],
  ['Low', 'Low'],
]);

const reboots: ReadonlyMap<string | undefined, RebootBehavior> = new Map([
  ['NeverReboots', 'never'],
  ['AlwaysRequiresReboot', 'always'],
  ['CanRequestReboot', 'can'],
]);

function addOnce(list: string[], text: string): void {
  const value = text.trim();
  if (value !== '' && !list.includes(value)) list.push(copied(value));
}

/** The number of an article; what is no number leaves the update without one, which the gaps count. */
function addKb(facts: ExtendedFacts, text: string): void {
  const digits = /^(?:KB|Q)?(\d{1,10})$/i.exec(text.trim())?.[1];
  if (digits !== undefined) addOnce(facts.kbs, digits);
}

export const extendedFragment: ElementPlans<ExtendedFacts> = elements<ExtendedFacts>({
  ExtendedProperties: {
    open: (facts, attributes) => {
      facts.severity = severities.get(attributes.MsrcSeverity);
      return undefined;
    },
    children: elements<ExtendedFacts>({
      InstallationBehavior: {
        open: (facts, attributes) => {
          facts.reboot = reboots.get(attributes.RebootBehavior);
          return 'skip';
        },
      },
      KBArticleID: { text: addKb },
      SecurityBulletinID: { text: (facts, text) => addOnce(facts.bulletins, text) },
      CveID: { text: (facts, text) => addOnce(facts.cves, text) },
    }),
  },
  Files: {
    children: elements<ExtendedFacts>({
      File: {
        open: (facts, attributes) => {
          const algorithm = attributes.DigestAlgorithm ?? 'SHA1';
          if (algorithm !== 'SHA1') {
            throw new IndexError('bad-value', `DigestAlgorithm is ${JSON.stringify(algorithm)}, allowed is SHA1`);
          }
          facts.files.push({
            sha1: facts.values.sha1('File Digest', attributes.Digest),
            name: required('FileName', attributes.FileName),
            size: wholeNumber('Size', attributes.Size, Number.MAX_SAFE_INTEGER),
            sha256: undefined,
          });
          return undefined;
        },
        children: elements<ExtendedFacts>({
          AdditionalDigest: {
            open: (facts, attributes) => {
              facts.algorithm = attributes.Algorithm;
              return undefined;
            },
            text: (facts, text) => {
              const file = facts.files.at(-1);
              if (file !== undefined && facts.algorithm === 'SHA256') {
                file.sha256 = facts.values.sha256('AdditionalDigest', text.trim());
              }
            },
          },
        }),
      },
    }),
  },
});
