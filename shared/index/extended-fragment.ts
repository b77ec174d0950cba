import type { RebootBehavior, Severity } from '#shared/core/catalog/model.ts';
import { IndexError } from './index-error.ts';
import { kbDigits, type Values, wholeNumber } from './values.ts';
import { type ElementPlans, elements } from './xml/index.ts';

/** One `<File>` of an extended fragment; references into the pools of {@link Values}. */
export interface FileFacts {
  readonly sha1: number;
  readonly name: number;
  /** Bytes. */
  readonly size: number;
  /** 32 bytes. */
  sha256: Uint8Array | undefined;
}

/** The wanted part of an extended fragment (x/ or extended/). One object serves all fragments, one after the other. */
export class ExtendedFacts {
  readonly values: Values;
  severity: Severity | undefined;
  reboot: RebootBehavior | undefined;
  /** In `texts`. */
  readonly kbs: number[] = [];
  readonly bulletins: number[] = [];
  readonly cves: number[] = [];
  readonly files: FileFacts[] = [];
  /** Algorithm of the AdditionalDigest that is open. */
  algorithm: string | undefined;

  constructor(values: Values) {
    this.values = values;
  }

  reset(): void {
    this.severity = undefined;
    this.reboot = undefined;
    empty(this.kbs);
    empty(this.bulletins);
    empty(this.cves);
    empty(this.files);
    this.algorithm = undefined;
  }
}

/** Most lists are empty already, and setting the length of an array is a call into the engine. */
function empty(list: unknown[]): void {
  if (list.length > 0) list.length = 0;
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

/** Bounds for one update. Real ones have up to some hundred files and some 200 CVEs. */
const MAX_FILES = 10_000;
const MAX_LISTED = 1000;

function addOnce({ values }: ExtendedFacts, list: number[], text: string): void {
  const value = text.trim();
  if (value === '') return;
  const number = values.texts.intern(value);
  if (list.includes(number)) return;
  if (list.length === MAX_LISTED) {
    throw new IndexError('bad-value', `an update names more than ${MAX_LISTED} articles, bulletins or CVEs`);
  }
  list.push(number);
}

/** The number of an article; what is no number leaves the update without one, which the gaps count. */
function addKb(facts: ExtendedFacts, text: string): void {
  const digits = kbDigits(text.trim());
  if (digits !== undefined) addOnce(facts, facts.kbs, digits);
}

export const extendedFragment: ElementPlans<ExtendedFacts> = elements<ExtendedFacts>({
  ExtendedProperties: {
    open: (facts, attributes) => {
      facts.severity = severities.get(attributes.get('MsrcSeverity'));
      return undefined;
    },
    children: elements<ExtendedFacts>({
      InstallationBehavior: {
        open: (facts, attributes) => {
          facts.reboot = reboots.get(attributes.get('RebootBehavior'));
          return 'skip';
        },
      },
      KBArticleID: { text: addKb },
      SecurityBulletinID: { text: (facts, text) => addOnce(facts, facts.bulletins, text) },
      CveID: { text: (facts, text) => addOnce(facts, facts.cves, text) },
    }),
  },
  Files: {
    children: elements<ExtendedFacts>({
      File: {
        open: (facts, attributes) => {
          const algorithm = attributes.get('DigestAlgorithm') ?? 'SHA1';
          if (algorithm !== 'SHA1') {
            throw new IndexError('bad-value', `DigestAlgorithm is ${JSON.stringify(algorithm)}, allowed is SHA1`);
          }
          if (facts.files.length === MAX_FILES) {
            throw new IndexError('bad-value', `an update describes more than ${MAX_FILES} files`);
          }
          facts.files.push({
            sha1: facts.values.sha1('File Digest', attributes, 'Digest'),
            name: facts.values.text('FileName', attributes, 'FileName'),
            size: wholeNumber('Size', attributes, 'Size', Number.MAX_SAFE_INTEGER),
            sha256: undefined,
          });
          return undefined;
        },
        children: elements<ExtendedFacts>({
          AdditionalDigest: {
            open: (facts, attributes) => {
              facts.algorithm = attributes.get('Algorithm');
              return undefined;
            },
            text: (facts, text) => {
              const file = facts.files.at(-1);
              if (file !== undefined && facts.algorithm === 'SHA256') {
                file.sha256 = facts.values.sha256('AdditionalDigest', text.trim()).slice();
              }
            },
          },
        }),
      },
    }),
  },
});
