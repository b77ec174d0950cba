/** `npm run bench -- NAME [--json] [arguments]`: runs one benchmark and prints its figures. */
import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type Bench, type BenchRow, goalText, keepsGoal, UsageError } from './kit/bench.ts';

/** Benchmarks are loaded when they run: some need programs that are not everywhere. */
const benches: Readonly<Record<string, () => Promise<Bench>>> = {
  cabinet: async () => (await import('./cabinet/cabinet.ts')).cabinetBench,
  index: async () => (await import('./index/index.ts')).indexBench,
  publish: async () => (await import('./publish/publish.ts')).publishBench,
  rules: async () => (await import('./rules/rules.ts')).rulesBench,
  trust: async () => (await import('./trust/trust.ts')).trustBench,
  reports: async () => (await import('./reports/reports.ts')).reportsBench,
  download: async () => (await import('./download/download.ts')).downloadBench,
  storage: async () => (await import('./storage/storage.ts')).storageBench,
};

const significant = (value: number): number => Number(value.toPrecision(4));

function table(rows: readonly BenchRow[]): string {
  const width = Math.max(...rows.map(({ name }) => name.length));
  return rows
    .map((row) => {
      const kept = keepsGoal(row);
      const goal = kept === undefined ? '' : `  goal ${goalText(row)}: ${kept ? 'kept' : 'MISSED'}`;
      return `${row.name.padEnd(width)}  ${String(significant(row.value)).padStart(10)} ${row.unit}${goal}`;
    })
    .join('\n');
}

async function help(): Promise<string> {
  const lines = ['Usage: npm run bench -- NAME [--json] [arguments]', '', 'Benchmarks:'];
  for (const [name, load] of Object.entries(benches)) {
    const { summary, options } = await load();
    lines.push(`  ${name.padEnd(10)} ${summary}`, ...(options ?? []).map((line) => `  ${''.padEnd(10)}   ${line}`));
  }
  lines.push('', 'Exit codes: 0 all goals kept, 1 a goal missed or the benchmark failed, 2 wrong arguments.');
  return lines.join('\n');
}

async function main(argv: readonly string[]): Promise<number> {
  const json = argv.includes('--json');
  const [name, ...args] = argv.filter((argument) => argument !== '--json');
  if (name === undefined || name === '--help' || args.includes('--help')) {
    console.log(await help());
    return name === undefined ? 2 : 0;
  }
  const load = Object.hasOwn(benches, name) ? benches[name] : undefined;
  if (load === undefined) {
    console.error(`bench: there is no ${JSON.stringify(name)}; there are: ${Object.keys(benches).join(', ')}`);
    return 2;
  }
  const cacheFolder = resolve(import.meta.dirname, '../.kbroker/bench');
  await mkdir(cacheFolder, { recursive: true });
  const started = performance.now();
  const progress = (line: string): void => {
    console.error(`${((performance.now() - started) / 1000).toFixed(1).padStart(7)}  ${line}`);
  };
  const rows = await (await load()).run({ progress, cacheFolder, args });
  if (json) {
    const plain = rows.map((row) => ({
      name: row.name,
      value: significant(row.value),
      unit: row.unit,
      goal: goalText(row) ?? null,
      ok: keepsGoal(row) ?? null,
    }));
    console.log(JSON.stringify({ bench: name, rows: plain }));
  } else {
    console.log(table(rows));
  }
  return rows.some((row) => keepsGoal(row) === false) ? 1 : 0;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(`bench: ${error.message}`);
  process.exitCode = 2;
}
