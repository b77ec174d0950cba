import { classifications, detectoids, products } from '../windows-ids.ts';
import { type Month, monthName, patchTuesday, wholeSeconds } from './calendar.ts';
import type { ProductLine } from './lines.ts';
import type { FilePlan, UnitPlan } from './plans.ts';
import type { Invention } from './random.ts';
import { uupRules } from './rules.ts';
import { category, cvesOf, detector, kbOf, originMonth } from './world.ts';

const kib = 1024;
const mib = 1024 * kib;

/** The cumulative update of a Unified Update Platform line: several files that are one unit. */
export function uupCumulative(invention: Invention, line: ProductLine, month: Month): UnitPlan {
  const kb = kbOf(month, line.group, 0);
  const revision = 6800 + (month - originMonth) * 260 + invention.int(`revision ${line.group} ${month}`, 1, 200);
  const release = { name: line.releaseName ?? '', version: `${line.version}.${revision}` };
  const modified = wholeSeconds(patchTuesday(month, 3, 57, 31));
  const file = (label: string, name: string, size: number, more: Partial<FilePlan> = {}): FilePlan => ({
    label,
    name,
    size,
    modified,
    patching: 'SelfContained',
    saysSha256: true,
    ...more,
  });
  const sized = (what: string, low: number, high: number): number =>
    invention.int(`size ${what} ${line.group} ${month}`, low, high);
  const build = line.version.split('.')[2] ?? '';
  const files: FilePlan[] = [
    file(`psf ${line.key} ${kb}`, `${line.filePrefix}-KB${kb}-x64-baseless.psf`, sized('psf', mib, 2 * mib)),
    file(`ssu ${line.key} ${kb}`, `SSU-${build}.${revision - 18}-x64-express.cab`, sized('ssu', 100 * kib, 300 * kib), {
      patching: 'ServicingStack',
    }),
    // The same image of common files in every month and in both lines, long enough for an upload in several parts.
    file('edition-common', 'Edition_Common.wim', 5 * mib + 400 * kib + 11, { digestInName: true }),
    file(`compdb ${line.key} ${kb}`, 'Wsus.AggregatedMetadata.cab', sized('compdb', 20 * kib, 90 * kib), {
      patching: 'Metadata',
      digestInName: true,
    }),
    // The checkpoint that the month's package builds on: one file for both lines.
    file('checkpoint 5043080', 'Windows11.0-KB5043080-x64.msu', 3 * mib + 17 * kib),
    file(`msu ${line.key} ${kb}`, `${line.filePrefix}-KB${kb}-x64.msu`, sized('msu', 2 * mib, 4 * mib)),
  ];
  const clauses = [
    category(products[line.product]),
    category(classifications.security),
    ...line.detectoids.map((name) => detector(detectoids[name])),
  ];
  const series = `cumulative ${line.key}`;
  return {
    key: `${series} ${monthName(month)}`,
    series,
    month,
    lines: [line.key],
    uup: true,
    titles: {
      en: `${monthName(month)} Cumulative Update for ${line.title} (KB${kb}) (${build}.${revision})`,
      de: `${monthName(month)} – Kumulatives Update für ${line.titleDe} (KB${kb}) (${build}.${revision})`,
    },
    kb,
    severity: 'Critical',
    classification: 'security',
    products: [line.product],
    bulletins: [],
    cves: cvesOf(invention, month, line.group, 9),
    release,
    clauses,
    payload: {
      key: `${series} ${kb} payload`,
      handler: 'os-installer',
      ...uupRules(line, release),
      reboot: 'CanRequestReboot',
      clauses,
      files,
    },
  };
}

/** One unit for every 64-bit Windows, with one .exe and no severity. */
