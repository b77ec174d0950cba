import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { type AuditAnchor, auditAnchor } from '#shared/contract/audit.ts';
import { type ChainHead, chainStart, faultInChain, faultOfAnchor } from '#shared/contract/audit-chain.ts';
import { operatorEndpoints } from '#shared/contract/operators/endpoints.ts';
import { inOneLine, parseInWords } from '#shared/contract/parse.ts';
import { CliError } from '../cli-error.ts';
import { counted } from '../counted.ts';
import { fileFault } from '../file-fault.ts';
import { type CliIo, type ExitCode, exitCodes, printJson, printLines } from '../io.ts';
import { pagesOf } from '../pages.ts';
import { createProgressLine } from '../progress-line.ts';
import type { CommandContext } from './context.ts';

/** Faults that are told; one that comes with each entry would say nothing more. */
const maxTold = 50;

export interface AuditVerifyFlags {
  /** File with anchors, as they lie in the bucket: their JSON one after the other. */
  readonly anchorsFile?: string;
  /** A chain that no anchor vouches for is a fault. */
  readonly requireAnchors?: boolean;
}

/** What was found, as `--json` prints it. */
interface Verdict {
  readonly version: 1;
  readonly whole: boolean;
  readonly entries: number;
  readonly head: ChainHead;
  readonly anchors: number;
  /** In words, in the order of the chain. */
  readonly faults: readonly string[];
}

/**
 * `kbroker audit verify`: recomputes the hash chain over all entries, and compares it with each anchor that the API gives
 * and each in the file. A file that was fetched from the bucket by other means takes the API's word for nothing.
 *
 * @returns 1 when something is wrong; what and where is said in words
 * @throws CliError `usage` before anything is sent, when the file cannot be read or holds something else
 */
export async function verifyAudit(context: CommandContext, flags: AuditVerifyFlags): Promise<ExitCode> {
  const fromFile = flags.anchorsFile === undefined ? [] : await readAnchorsFile(flags.anchorsFile);
  // Anchors first: what comes after them only makes the chain longer.
  const fromApi = await readAnchors(context);
  const verdict = await verify(context, [...fromFile, ...fromApi.anchors], {
    faults: fromApi.faults,
    requireAnchors: flags.requireAnchors === true,
  });
  if (context.json) printJson(context.io, verdict);
  else print(context.io, verdict);
  return verdict.whole ? exitCodes.ok : exitCodes.failed;
}

async function readAnchors({ call }: CommandContext) {
  const anchors: AuditAnchor[] = [];
  const faults: string[] = [];
  for await (const page of pagesOf((at) => call(operatorEndpoints.listAuditAnchors, { query: at }))) {
    anchors.push(...page.anchors);
    faults.push(...page.unreadable.map((key) => `the anchor ${key} cannot be read`));
  }
  return { anchors, faults };
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

async function verify(
  { call, io }: CommandContext,
  anchors: readonly AuditAnchor[],
  { faults: before, requireAnchors }: { readonly faults: readonly string[]; readonly requireAnchors: boolean },
): Promise<Verdict> {
  const line = createProgressLine(io);
  const faults: string[] = [...before];
  const anchored = new Set(anchors.map(({ number }) => number));
  const hashes = new Map<number, string>();
  let [previous, entries] = [chainStart, 0];
  const pages = pagesOf((at) => call(operatorEndpoints.listAudit, { query: at }));
  for await (const page of pages) {
    faults.push(...page.unreadable.map((key) => `the row ${key} of the log cannot be read`));
    for (const entry of page.entries) {
      const fault = faultInChain(entry, previous, sha256);
      if (fault !== undefined) faults.push(fault);
      entries += 1;
      // One that comes again is not where the chain goes on.
      if (entry.number <= previous.number) continue;
      if (anchored.has(entry.number)) hashes.set(entry.number, entry.hash);
      previous = { number: entry.number, hash: entry.hash };
    }
    if (io.stderr.isTTY === true) line.tell(`${countedEntries(entries)} looked at, ${counted(faults.length, 'fault')}`);
  }
  line.end();
  const wrong = anchors.flatMap((anchor) => faultOfAnchor(anchor, (number) => hashes.get(number)) ?? []);
  // The file and the API may tell the same of an anchor.
  faults.push(...new Set(wrong));
  // The anchor of the empty log fits every log; it vouches for nothing but that.
  if (requireAnchors && !anchors.some(({ number }) => number > 0 || entries === 0))
    faults.push('no anchor names an entry of this chain, and --require-anchors asks for one');
  return { version: 1, whole: faults.length === 0, entries, head: previous, anchors: anchors.length, faults };
}

function print(io: CliIo, { whole, entries, head, anchors, faults }: Verdict): void {
  if (anchors === 0) io.stderr.write('there is no anchor: only the chain itself was checked, which may be a new one\n');
  printLines(io, [
    ...faults.slice(0, maxTold),
    ...(faults.length > maxTold ? [`and ${faults.length - maxTold} more`] : []),
    whole
      ? `whole: ${countedEntries(entries)} up to ${head.number} ${head.hash}; ${counted(anchors, 'anchor agrees', 'anchors agree')}`
      : `not whole: ${counted(faults.length, 'fault')} in ${countedEntries(entries)} and ${counted(anchors, 'anchor')}`,
  ]);
}

const countedEntries = (entries: number): string => counted(entries, 'entry', 'entries');

/** Anchors are flat objects, so each pair of braces is one, whatever stands between: nothing, line ends, commas. */
async function readAnchorsFile(file: string): Promise<AuditAnchor[]> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    const fault = fileFault(cause);
    if (fault === undefined) throw cause;
    throw new CliError('usage', `${file}: ${fault.message}`, { cause });
  }
  const objects = text.match(/\{[^{}]*\}/g) ?? [];
  const between = text.replace(/\{[^{}]*\}/g, '');
  if (objects.length === 0 || !/^\ufeff?[\s,[\]]*$/.test(between))
    throw new CliError('usage', `${file} has no anchors, or something else: expected the JSON of one after the other`);
  return objects.map((object, index) => {
    const parsed = parseInWords(auditAnchor, jsonOf(object));
    if (parsed.success) return parsed.data;
    throw new CliError('usage', `${file}: anchor ${index + 1} is none: ${inOneLine(parsed.faults)}`);
  });
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
