import type { CommandTarget, HostFilter } from '#shared/contract/commands.ts';
import { hostFilter } from '#shared/contract/commands.ts';
import { inOneLine, parseInWords } from '#shared/contract/parse.ts';
import { CliError } from '../cli-error.ts';
import { readGroupName, readHostName } from '../ids.ts';

/** Options that say which hosts a command is for: exactly one of them. */
export interface TargetFlags {
  /** Machine id or hostname. */
  readonly host?: string;
  readonly group?: string;
  /** `group=pilot,state=ERROR,os=Windows 11,name=pc-`, or several of them. */
  readonly filter?: readonly string[];
}

/** What was asked for; a host is not looked up yet. */
export type WantedTarget =
  | { readonly kind: 'host-name'; readonly name: string }
  | Exclude<CommandTarget, { kind: 'host' }>;

/**
 * Which hosts a command is for.
 *
 * @throws CliError `usage` unless exactly one option names some
 */
export function readTarget({ host, group, filter }: TargetFlags): WantedTarget {
  if ([host, group, filter].filter((one) => one !== undefined).length !== 1)
    throw new CliError('usage', 'which hosts is it for: name exactly one of --host, --group, --filter');
  if (host !== undefined) return { kind: 'host-name', name: readHostName(host) };
  if (group !== undefined) return { kind: 'group', group: readGroupName(group) };
  return { kind: 'filter', filter: readFilter(filter ?? []) };
}

const keys = Object.keys(hostFilter.shape);
const form = `expected ${keys.map((key) => `${key}=…`).join(', ')}, one or more, comma-separated`;
/** A comma is part of a value unless a key comes after it: `os=Windows 11, version 24H2,state=ERROR`. */
const between = new RegExp(`,(?=\\s*(?:${keys.join('|')})=)`);

function readFilter(texts: readonly string[]): HostFilter {
  const filter: Record<string, string> = {};
  for (const part of texts.flatMap((text) => text.split(between))) {
    const [, key = '', value = ''] = /^\s*([a-z]+)=(.*)$/s.exec(part) ?? [];
    if (!keys.includes(key)) throw new CliError('usage', `not a filter: got ${JSON.stringify(part)}, ${form}`);
    if (filter[key] !== undefined) throw new CliError('usage', `the filter names ${key} twice`);
    filter[key] = value.trim();
  }
  const parsed = parseInWords(hostFilter, filter);
  if (!parsed.success) throw new CliError('usage', `not a filter: ${inOneLine(parsed.faults)}`);
  return parsed.data;
}

/** The hosts in words. */
export function describeTarget(target: CommandTarget): string {
  switch (target.kind) {
    case 'host':
      return `host ${target.machineId}`;
    case 'group':
      return `group ${target.group}`;
    case 'filter':
      return Object.entries(target.filter)
        .map(([key, value]) => `${key}=${value}`)
        .join(',');
  }
}
