import { parseArgs } from 'node:util';
import { compileRules, judge, type Rules } from '#shared/core/rules/judge.ts';
import type { Judged, RulePackage } from '#shared/core/rules/model.ts';
import { type Bench, type BenchContext, type BenchRow, UsageError } from '../kit/bench.ts';
import { median } from '../kit/measure.ts';
import { inventRules, inventUpdates, judgedAt, patternsOnly } from './inputs.ts';

export const rulesBench: Bench = {
  name: 'rules',
  summary: 'verdicts per second over the updates of a full-size catalogue, with 10 to 10,000 rules',
  options: [
    '--updates N  updates to judge (default 24000)',
    '--rounds N   rounds, of which the median counts (default 7)',
  ],
  run,
};

async function run({ args, progress }: BenchContext): Promise<readonly BenchRow[]> {
  const options = parseOptions(args);
  const updates = inventUpdates(options.updates);
  const contestants = [10, 100, 1000, 10_000].map((count) => contestant(`${count} rules`, inventRules(count, updates)));
  const patterns = contestant('1000 title patterns', patternsOnly(1000));
  const all = [...contestants, patterns];
  progress(`${updates.length} updates`);
  // The first round is for V8, which compiles what runs often.
  for (const { rules } of all) secondsToJudge(rules, updates);
  for (let round = 1; round <= options.rounds; round += 1) {
    for (const each of all) each.seconds.push(secondsToJudge(each.rules, updates));
    progress(`round ${round} of ${options.rounds}`);
  }
  const cost = (count: number): number => median(contestants.find(({ size }) => size === count)?.seconds ?? []);
  return [
    ...all.flatMap(({ name, seconds, compileSeconds, rules }): BenchRow[] => [
      { name: `${name}: verdicts per second`, value: updates.length / median(seconds), unit: '1/s' },
      { name: `${name}: time for all`, value: median(seconds) * 1000, unit: 'ms' },
      { name: `${name}: time to file them`, value: compileSeconds * 1000, unit: 'ms' },
      { name: `${name}: share that a rule decides`, value: shareByRule(rules, updates), unit: 'ratio' },
    ]),
    { name: '100 rules: of the time with 10', value: cost(100) / cost(10), unit: 'ratio' },
    { name: '1000 rules: of the time with 10', value: cost(1000) / cost(10), unit: 'ratio', goal: { atMost: 3 } },
    { name: '10000 rules: of the time with 10', value: cost(10_000) / cost(10), unit: 'ratio' },
  ];
}

function contestant(name: string, packages: readonly RulePackage[]) {
  const started = performance.now();
  const rules = compileRules(packages);
  const size = packages.reduce((sum, each) => sum + each.rules.length, 0);
  return { name, size, rules, compileSeconds: (performance.now() - started) / 1000, seconds: [] as number[] };
}

/** CPU seconds of this process. */
function secondsToJudge(rules: Rules, updates: readonly Judged[]): number {
  const before = process.cpuUsage();
  let letters = 0;
  for (const update of updates) letters += judge(rules, update, judgedAt).reason.length;
  const { user, system } = process.cpuUsage(before);
  // Looking at the sum keeps what makes it from being left out.
  if (letters === 0) throw new Error('no verdict has a reason');
  return (user + system) / 1e6;
}

function shareByRule(rules: Rules, updates: readonly Judged[]): number {
  const decided = updates.filter((update) => typeof judge(rules, update, judgedAt).by?.rule === 'number');
  return decided.length / updates.length;
}

/** @throws UsageError that says what was got and what is allowed */
function parseOptions(args: readonly string[]): { readonly updates: number; readonly rounds: number } {
  const values = parse(args);
  return { updates: wholeNumber('--updates', values.updates), rounds: wholeNumber('--rounds', values.rounds) };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: { updates: { type: 'string', default: '24000' }, rounds: { type: 'string', default: '7' } },
    }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

function wholeNumber(name: string, text: string): number {
  if (!/^[1-9]\d{0,6}$/.test(text)) {
    throw new UsageError(`${name} is ${text}, allowed is a whole number from 1 to 9999999`);
  }
  return Number(text);
}
