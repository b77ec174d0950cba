import { type Classification, classifications, detectoids, type Product, products } from '../windows-ids.ts';
import { type Month, monthName, monthOf, patchTuesday, wholeSeconds } from './calendar.ts';
import { type ProductLine, productLines } from './lines.ts';
import type { Clause, Titles } from './model.ts';
import type { FilePlan, PayloadPlan, Severity, UnitPlan } from './plans.ts';
import { type Invention, inventionOf } from './random.ts';
import { cbsRules, removalToolRules, uupRules } from './rules.ts';

/** The invented world begins here; the first publication already has the months up to {@link firstMonth}. */
export const originMonth: Month = monthOf(2025, 10);
export const firstMonth: Month = monthOf(2026, 1);

/** KB of the removal tool: the same each month, and without a severity. */
export const removalToolKb = '890830';
/** A security update that an operator has reason to forbid (of {@link firstMonth}, for the Windows clients). */
export const withdrawnKb = '5999101';

const kib = 1024;
const mib = 1024 * kib;

const category = (...ids: readonly string[]): Clause => ({ ids, isCategory: true });
const detector = (...ids: readonly string[]): Clause => ({ ids, isCategory: false });
const groups = [...new Set(productLines.map((line) => line.group))];

/** KB numbers grow with the months and are shared inside a group of lines. */
const kbOf = (month: Month, group: string, kind: number): string =>
  String(5_066_000 + (month - originMonth) * 5_400 + groups.indexOf(group) * 97 + kind * 11);

interface Draft {
  readonly series: string;
  readonly kind: string;
  readonly titles: Titles;
  readonly kb: string;
  readonly severity?: Severity;
  readonly classification: Classification;
  readonly bulletins?: readonly string[];
  readonly cves?: readonly string[];
  readonly size: readonly [low: number, high: number];
  readonly package: string;
  readonly version: string;
  /** Of the manifest. Default 24. */
  readonly components?: number;
  readonly saysSha256?: false;
  readonly createdAt?: string;
  readonly folder?: string;
}

/** Everything that Microsoft adds in one month, for all product lines. The same for a seed and month, always. */
export function unitsOf(seed: number, month: Month): UnitPlan[] {
  const invention = inventionOf(seed);
  const units: UnitPlan[] = [];
  for (const line of productLines) {
    units.push(
      line.servicing === 'uup' ? uupCumulative(invention, line, month) : cbsCumulative(invention, line, month),
    );
    if (line.group !== 'nt61') units.push(dotNet(invention, line, month));
    if (line.servicingStack && (month - originMonth) % 2 === 1) units.push(servicingStack(invention, line, month));
    units.push(...oneOffs(invention, line, month));
  }
  units.push(removalTool(invention, month));
  return units;
}

function cbsCumulative(invention: Invention, line: ProductLine, month: Month): UnitPlan {
  const kb = kbOf(month, line.group, 0);
  const rollup = line.group === 'nt61';
  const revision = 3000 + (month - originMonth) * 137 + invention.int(`revision ${line.group} ${month}`, 1, 90);
  return cbsUnit(invention, line, month, {
    series: `cumulative ${line.key}`,
    kind: 'cumulative',
    titles: rollup
      ? {
          en: `${monthName(month)} Security Monthly Quality Rollup for ${line.title} (KB${kb})`,
          de: `${monthName(month)} – Monatliches Sicherheitsqualitätsrollup für ${line.titleDe} (KB${kb})`,
        }
      : {
          en: `${monthName(month)} Cumulative Update for ${line.title} (KB${kb})`,
          de: `${monthName(month)} – Kumulatives Update für ${line.titleDe} (KB${kb})`,
        },
    kb,
    severity: invention.int(`severity ${line.group} ${month}`, 0, 2) === 0 ? 'Important' : 'Critical',
    classification: 'security',
    cves: cvesOf(invention, month, line.group, 6),
    size: [mib, 4 * mib],
    package: 'Package_for_RollupFix',
    components: 600,
    version: `${line.version.split('.').slice(-1)[0]}.${revision}.1.7`,
  });
}

function servicingStack(invention: Invention, line: ProductLine, month: Month): UnitPlan {
  const kb = kbOf(month, line.group, 2);
  return cbsUnit(invention, line, month, {
    series: `servicing-stack ${line.key}`,
    kind: 'ssu',
    titles: {
      en: `${monthName(month)} Servicing Stack Update for ${line.title} (KB${kb})`,
      de: `${monthName(month)} – Servicing Stack Update für ${line.titleDe} (KB${kb})`,
    },
    kb,
    severity: 'Critical',
    classification: 'security',
    size: [300 * kib, 900 * kib],
    package: 'Package_for_ServicingStack',
    version: `${line.version.split('.').slice(-1)[0]}.${month}.1.2`,
  });
}

function dotNet(invention: Invention, line: ProductLine, month: Month): UnitPlan {
  const kb = kbOf(month, line.group, 4);
  // Quality-only months have no severity and are filed under Update Rollups.
  const security = (month - originMonth) % 3 !== 2;
  const titles = {
    en: `${monthName(month)} Cumulative Update for .NET Framework 3.5 and 4.8.1 for ${line.title} (KB${kb})`,
    de: `${monthName(month)} – Kumulatives Update für .NET Framework 3.5 und 4.8.1 für ${line.titleDe} (KB${kb})`,
  };
  return cbsUnit(invention, line, month, {
    series: `dotnet ${line.key}`,
    kind: 'ndp481',
    titles,
    kb,
    ...(security ? { severity: 'Important' as const } : {}),
    classification: security ? 'security' : 'rollups',
    cves: security ? cvesOf(invention, month, `dotnet ${line.group}`, 2) : [],
    size: [200 * kib, 1500 * kib],
    package: 'Package_for_DotNetRollup_481',
    version: `10.0.${9200 + month - originMonth}.7`,
  });
}

/** Updates outside the monthly series: old, moderate, low, and one that was better forbidden. */
function oneOffs(invention: Invention, line: ProductLine, month: Month): UnitPlan[] {
  const make = (kb: string, name: string, more: Partial<Draft>): UnitPlan =>
    cbsUnit(invention, line, month, {
      series: `one-off ${kb} ${line.key}`,
      kind: 'security',
      titles: {
        en: `Security Update for ${name} on ${line.title} (KB${kb})`,
        de: `Sicherheitsupdate für ${name} auf ${line.titleDe} (KB${kb})`,
      },
      kb,
      classification: 'security',
      size: [20 * kib, 400 * kib],
      package: `Package_for_KB${kb}`,
      version: '1.0.1.3',
      ...more,
    });
  if (line.group === 'nt61' && month === originMonth) {
    return [
      make('2599307', 'the Windows print spooler', {
        severity: 'Important',
        bulletins: ['MS11-999'],
        cves: ['CVE-2011-99307'],
        saysSha256: false,
        createdAt: '2011-08-09T17:00:00Z',
        folder: '/msdownload/update/software/secu/2011/07',
      }),
    ];
  }
  if (line.group === 'windows10-22h2' && month === originMonth + 1) {
    return [make('5999011', 'the Windows calculator', { severity: 'Low', classification: 'updates' })];
  }
  if (line.group === 'server2019' && month === originMonth + 2) {
    return [make('5999023', 'the DHCP server', { severity: 'Moderate' })];
  }
  if (month === firstMonth && (line.group === 'windows10-22h2' || line.group === 'windows11-24h2')) {
    return [
      make(withdrawnKb, 'the Windows print driver isolation', { severity: 'Important', size: [2 * mib, 3 * mib] }),
    ];
  }
  return [];
}

function cbsUnit(invention: Invention, line: ProductLine, month: Month, draft: Draft): UnitPlan {
  const shared = line.sharesPayload === true;
  const owner = shared ? line.group : line.key;
  const minutes = invention.int(`minute ${draft.kind} ${owner}`, 0, 59);
  const createdAt = draft.createdAt ?? wholeSeconds(patchTuesday(month, 1, minutes, 27));
  const lines = shared ? productLines.filter((other) => other.group === line.group) : [line];
  const tag = line.architecture === 'amd64' ? 'x64' : 'x86';
  const suffix = draft.kind === 'ndp481' ? '-ndp481' : '';
  const label = `${draft.kind} ${owner} ${draft.kb}`;
  const classification = classifications[draft.classification];
  const file: FilePlan = {
    label,
    name: `${line.filePrefix}-KB${draft.kb}-${tag}${suffix.toUpperCase()}.cab`,
    size: invention.int(`size ${label}`, ...draft.size),
    modified: createdAt,
    patching: 'SelfContained',
    saysSha256: draft.saysSha256 ?? true,
    folder: draft.folder ?? softwareFolder(month, draft.classification === 'security' ? 'secu' : 'updt'),
  };
  const payload: PayloadPlan = {
    key: `${label} payload`,
    handler: 'cbs',
    rules: cbsRules(line, {
      kb: draft.kb,
      package: draft.package,
      version: draft.version,
      createdAt,
      components: draft.components ?? 24,
    }),
    reboot: draft.kind === 'ssu' ? 'NeverReboots' : 'CanRequestReboot',
    clauses: [
      detector(line.architecture === 'amd64' ? detectoids.amd64 : detectoids.x86),
      category(...lines.map((other) => products[other.product])),
    ],
    files: [file],
  };
  return {
    key: `${draft.series} ${monthName(month)}`,
    series: draft.series,
    month,
    lines: [line.key],
    uup: false,
    titles: draft.titles,
    kb: draft.kb,
    ...(draft.severity ? { severity: draft.severity } : {}),
    classification: draft.classification,
    products: [line.product],
    bulletins: draft.bulletins ?? [],
    cves: draft.cves ?? [],
    clauses: [
      category(products[line.product]),
      category(classification),
      ...line.detectoids.map((name) => detector(detectoids[name])),
    ],
    payload,
  };
}

function uupCumulative(invention: Invention, line: ProductLine, month: Month): UnitPlan {
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
      rules: uupRules(line, release),
      reboot: 'CanRequestReboot',
      clauses,
      files,
    },
  };
}

/** One unit for every 64-bit Windows, with one .exe and no severity. */
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
      rules: removalToolRules(version),
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

const softwareFolder = (month: Month, kind: string): string =>
  `/${month % 2 === 0 ? 'c' : 'd'}/msdownload/update/software/${kind}/${monthName(month).replace('-', '/')}`;

const cvesOf = (invention: Invention, month: Month, what: string, upTo: number): string[] =>
  Array.from(
    { length: invention.int(`cves ${what} ${month}`, 1, upTo) },
    (_, index) => `CVE-${Math.floor(month / 12)}-${90_000 + invention.int(`cve ${what} ${month} ${index}`, 0, 9_999)}`,
  );
