import type { Setting } from '#shared/core/rules/book.ts';
import { durationInWords } from '#shared/core/rules/words.ts';
import type { CompiledRules, CycleResult, IdentityDocument } from './main.ts';

/** A cycle for people: each update with its state and reason, what was done, and what went wrong. */
export function formatCycle(result: CycleResult): string {
  const lines = result.updates.map((update) => {
    const kbs = update.kbs.map((kb) => `KB${kb}`).join(',');
    return `${update.state.padEnd(10)}  ${kbs.padEnd(9)}  ${update.title ?? update.updateId}: ${update.reason}`;
  });
  const packages = result.packages.map(
    ({ state, name, packageVersion, reason }) => `${state.padEnd(10)}  package    ${name}/${packageVersion}: ${reason}`,
  );
  const ran = result.packageRuns.filter((one) => one.outcome === 'installed').length;
  const installed = result.installs.filter((one) => one.outcome === 'installed').length;
  const downloaded = result.downloads.filter((one) => one.outcome === 'downloaded');
  const direct = downloaded.filter((one) => one.source === 'microsoft');
  const done = [
    ...(result.downloads.length === 0 ? [] : [`${downloaded.length} of ${result.downloads.length} files downloaded`]),
    ...(direct.length === 0 ? [] : [`${direct.length} of them (${bytesOf(direct)} bytes) from Microsoft itself`]),
    ...(result.installs.length === 0 ? [] : [`${installed} of ${result.installs.length} updates installed`]),
    ...(result.packageRuns.length === 0 ? [] : [`${ran} of ${result.packageRuns.length} packages installed`]),
    ...(result.needs.length === 0 ? [] : [`${result.needs.length} files needed`]),
  ];
  const summary = [`${result.state ?? withoutState(result)} at ${result.endedAt}`, ...done].join(', ');
  const problems = result.problems.map(
    (problem) => `problem in ${problem.phase}: ${problem.message} (${problem.code})`,
  );
  return `${[...lines, ...packages, ...problems, summary].join('\n')}\n`;
}

const bytesOf = (files: readonly { readonly bytesReceived: number }[]): number =>
  files.reduce((sum, { bytesReceived }) => sum + bytesReceived, 0);

/** What a cycle came to that looked at no update. */
function withoutState({ phases, problems }: CycleResult): string {
  if (phases.includes('scan')) return 'not scanned';
  return problems.length === 0 ? 'checked in' : 'not checked in';
}

/** Who a host is to its broker, for people. */
export function formatIdentity(identity: IdentityDocument | undefined): string {
  if (identity === undefined) return 'not enrolled: run kbroker-agent enroll with a token\n';
  const { machineId, group, server, repositoryUrl, thumbprint, enrolledAt } = identity;
  return [
    `${machineId} in group ${group}, enrolled at ${enrolledAt}`,
    `server      ${server}`,
    `repository  ${repositoryUrl}`,
    `key         ${thumbprint}`,
    '',
  ].join('\n');
}

/** The rules that count on this host, and the settings that they come to, for people. */
export function formatRules(compiled: CompiledRules | undefined): string {
  if (compiled === undefined) return 'rules       none stored here yet\n';
  const { document, rules } = compiled;
  const { enabled, defaultAllow, installDelay, installDelays, directDownload, directFirst } = rules.settings;
  const delays = [
    ...(installDelay === undefined ? [] : [said(installDelay, durationInWords)]),
    ...[...installDelays].map(([severity, delay]) => `${severity} ${said(delay, durationInWords)}`),
  ];
  const packages = rules.packages.length === 0 ? 'no package' : rules.packages.join(', ');
  return [
    `rules       revision ${document.revision}: ${packages}`,
    `enabled     ${said(enabled, (on) => (on ? 'yes' : 'no, nothing is installed on this host'), 'not set, as yes')}`,
    `default     ${said(defaultAllow, (allow) => (allow ? 'allow' : 'hold back'), 'not set, as hold back')}`,
    `delay       ${delays.length === 0 ? 'not set, as none' : delays.join('; ')}`,
    `direct      ${said(directDownload, (on) => (on ? 'where the broker is away' : 'no'), 'not set, as this host is set up')}`,
    ...(directFirst === undefined
      ? []
      : [`first       ${said(directFirst, (on) => (on ? 'Microsoft' : 'the broker'))}`]),
    '',
  ].join('\n');
}

const said = <Value>(setting: Setting<Value> | undefined, inWords: (value: Value) => string, unset = ''): string =>
  setting === undefined ? unset : `${inWords(setting.value)} (by "${setting.package}")`;

/** The same for scripts: each setting with the package that it is from, `null` where no package sets it. Times in seconds. */
export function describeRules({ document, rules }: CompiledRules) {
  const { enabled, defaultAllow, installDelay, installDelays, directDownload, directFirst } = rules.settings;
  return {
    revision: document.revision,
    packages: rules.packages,
    settings: {
      enabled: enabled ?? null,
      defaultAllow: defaultAllow ?? null,
      installDelaySeconds: installDelay ?? null,
      installDelaysBySeverity: Object.fromEntries(installDelays),
      directDownload: directDownload ?? null,
      directFirst: directFirst ?? null,
    },
  };
}
