import { classifications, detectoids, type Product, products } from '../windows-ids.ts';
import { type Month, monthName, patchTuesday, wholeSeconds } from './calendar.ts';
import { cbsUnits } from './cbs-series.ts';
import { productLines } from './lines.ts';
import type { UnitPlan } from './plans.ts';
import { type Invention, inventionOf } from './random.ts';
import { removalToolRules } from './rules.ts';
import { uupCumulative } from './uup-series.ts';
import { category, detector, originMonth, removalToolKb, softwareFolder } from './world.ts';

const kib = 1024;

/** Everything that Microsoft adds in one month, for all product lines. The same for a seed and month, always. */
export function unitsOf(seed: number, month: Month): UnitPlan[] {
  const invention = inventionOf(seed);
  return [
    ...productLines.flatMap((line) => [
      ...(line.servicing === 'uup' ? [uupCumulative(invention, line, month)] : []),
      ...cbsUnits(invention, line, month),
    ]),
    removalTool(invention, month),
  ];
}

function removalTool(invention: Invention, month: Month): UnitPlan {
  const lines = productLines.filter((line) => line.architecture === 'amd64');
  const version = `5.${120 + month - originMonth}`;
  const label = `removal-tool ${version}`;
  const everywhere = [...new Set(lines.map((line) => line.product))];
  const clauses = [category(...everywhere.map((name: Product) => products[name])), detector(detectoids.amd64)];
  return {
    key: `removal-tool ${monthName(month)}`,
    series: 'removal-tool',
    month,
    lines: lines.map((line) => line.key),
    uup: false,
    titles: {
      en: `Windows Malicious Software Removal Tool x64 - v${version} (KB${removalToolKb})`,
      de: `Windows-Tool zum Entfernen bösartiger Software x64 – v${version} (KB${removalToolKb})`,
    },
    kb: removalToolKb,
    classification: 'rollups',
    products: everywhere,
    bulletins: [],
    cves: [],
    clauses: [...clauses, category(classifications.rollups)],
    payload: {
      key: `${label} payload`,
      handler: 'command-line',
      ...removalToolRules(version),
      reboot: 'NeverReboots',
      clauses,
      files: [
        {
          label,
          name: `Windows-KB${removalToolKb}-x64-V${version}.exe`,
          size: invention.int(`size ${label}`, 600 * kib, 1200 * kib),
          modified: wholeSeconds(patchTuesday(month, 0, 12, 5)),
          patching: 'SelfContained',
          saysSha256: true,
          folder: softwareFolder(month, 'uprl'),
        },
      ],
    },
  };
}
