import { type Classification, classifications, detectoids, products } from '../windows-ids.ts';
import { type Month, monthName, patchTuesday, wholeSeconds } from './calendar.ts';
import { type ProductLine, productLines } from './lines.ts';
import type { Titles } from './model.ts';
import type { FilePlan, PayloadPlan, Severity, UnitPlan } from './plans.ts';
import type { Invention } from './random.ts';
import { cbsRules } from './rules.ts';
import { category, cvesOf, detector, firstMonth, kbOf, originMonth, softwareFolder, withdrawnKb } from './world.ts';

const kib = 1024;
const mib = 1024 * kib;

/** What is left to say of an update of component based servicing when line and month are known. */
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

/** Units of component based servicing that a product line gets in a month. */
export function cbsUnits(invention: Invention, line: ProductLine, month: Month): UnitPlan[] {
  return [
    ...(line.servicing === 'cbs' ? [cumulative(invention, line, month)] : []),
    // The .NET Framework of Windows 7 has updates of its own, which this world leaves out.
    ...(line.group === 'nt61' ? [] : [dotNet(invention, line, month)]),
    ...(line.servicingStack && (month - originMonth) % 2 === 1 ? [servicingStack(invention, line, month)] : []),
    ...oneOffs(invention, line, month),
  ];
}

function cumulative(invention: Invention, line: ProductLine, month: Month): UnitPlan {
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
    ...cbsRules(line, {
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
