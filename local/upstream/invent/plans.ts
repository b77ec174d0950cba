import type { Classification, Product } from '../windows-ids.ts';
import type { Month } from './calendar.ts';
import type { Clause, InventedPayload, Titles } from './model.ts';
import type { PayloadRules } from './rules.ts';

export type Severity = 'Critical' | 'Important' | 'Moderate' | 'Low';

/** What a month adds, before the publication gives it numbers. */
export interface FilePlan {
  /** Names the bytes; equal labels are one file. */
  readonly label: string;
  readonly name: string;
  readonly size: number;
  readonly modified: string;
  readonly patching: 'SelfContained' | 'ServicingStack' | 'Metadata';
  readonly saysSha256: boolean;
  /** UUP names some files by their digest: `<SHA-1>_Edition_Common.wim`. */
  readonly digestInName?: true;
  /** Folder of the address: `/c/msdownload/update/software/secu/2026/01`, or undefined for the UUP service. */
  readonly folder?: string;
}

export interface PayloadPlan extends PayloadRules {
  readonly key: string;
  readonly handler: InventedPayload['handler'];
  readonly reboot: InventedPayload['reboot'];
  readonly clauses: readonly Clause[];
  readonly files: readonly FilePlan[];
}

export interface UnitPlan {
  /** Unique: series, line and month. */
  readonly key: string;
  /** Units of one series supersede each other month after month. */
  readonly series: string;
  readonly month: Month;
  /** Keys of the product lines that it is for. */
  readonly lines: readonly string[];
  readonly uup: boolean;
  readonly titles: Titles;
  readonly kb: string;
  readonly severity?: Severity;
  readonly classification: Classification;
  readonly products: readonly Product[];
  readonly bulletins: readonly string[];
  readonly cves: readonly string[];
  readonly release?: { readonly name: string; readonly version: string };
  readonly clauses: readonly Clause[];
  readonly payload: PayloadPlan;
}
