import { checkIndexFile } from './check-index.ts';
import { openDataFolder } from './data-folder.ts';
import { DemoError } from './demo-error.ts';
import { type LifeSummary, liveOnce } from './life.ts';
import { bytes, createNarrator, type Narrator, plural } from './narrator.ts';
import { type DemoOptions, parseOptions } from './options.ts';
import { setScene } from './scene.ts';
import { stayUp } from './stay.ts';
import { createCycleTally } from './tally.ts';

export interface Terminal {
  out(text: string): void;
  err(text: string): void;
  /** Says stop when the person at the terminal does. */
  readonly stop: AbortSignal;
}

/**
 * Runs the demonstration; resolves to the exit code when everything is closed: 0; 1 when a check or the start failed; 2
 * for wrong arguments; 130 when a life was stopped before its end.
 */
export async function runDemo(args: readonly string[], terminal: Terminal): Promise<number> {
  let options: DemoOptions | undefined;
  try {
    options = parseOptions(args, (text) => terminal.out(text));
  } catch (error) {
    tellFailure(error, args.includes('--json'), terminal);
    return 2;
  }
  if (options === undefined) return 0;
  // With --json the last line of the output belongs to machines, and people read the other stream.
  const narrator = createNarrator(options.json ? terminal.err : terminal.out, () => performance.now());
  try {
    return await perform(options, narrator, terminal);
  } catch (error) {
    const isStopped = error instanceof DemoError && error.code === 'stopped';
    if (isStopped && !options.once) return 0;
    tellFailure(error, options.json, terminal);
    return isStopped ? 130 : 1;
  }
}

/** In words for people; with `--json` also as the last line of the output, which is never empty. */
function tellFailure(error: unknown, json: boolean, terminal: Terminal): void {
  const message = messageOf(error);
  terminal.err(`${message}\n`);
  if (json) terminal.out(`${JSON.stringify({ error: message })}\n`);
}

async function perform(options: DemoOptions, narrator: Narrator, terminal: Terminal): Promise<number> {
  const folder = await openDataFolder(options.data);
  const cleanup = new AsyncDisposableStack();
  cleanup.defer(() => folder.release());
  let summary: LifeSummary | undefined;
  let begun = false;
  try {
    // First what can be wrong with the arguments, then what takes time or takes something away.
    if (options.index !== undefined) await checkIndexFile(options.index, options.data, options.fresh);
    if (options.fresh) await folder.empty();
    begun = true;
    const tally = createCycleTally();
    const scene = await setScene(options, narrator, cleanup, terminal.stop, tally.add);
    if (options.once) summary = await Promise.race([liveOnce(scene, options, narrator), stopped(terminal.stop)]);
    else await stayUp(scene, options, narrator, tally, terminal.stop);
  } finally {
    if (begun && !options.once) narrator.say('stack', 'ends');
    await cleanup.disposeAsync();
  }
  if (summary === undefined) return 0;
  const ok = summary.checks.every((check) => check.ok);
  tellSummary(summary, narrator);
  if (options.json) terminal.out(`${JSON.stringify(summary)}\n`);
  return ok ? 0 : 1;
}

/** Rejects when the person at the terminal says stop. */
function stopped(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const stop = (): void => reject(new DemoError('stopped', 'stopped before the end'));
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
}

function tellSummary({ index, hosts, files, checks }: LifeSummary, narrator: Narrator): void {
  narrator.say('index', `${plural(index.updates, 'update')}, ${plural(index.files, 'file')}, ${bytes(index.bytes)}`);
  narrator.say('hosts', `${hosts.ok} of ${hosts.total} OK, ${hosts.pending} pending, ${hosts.error} in error`);
  narrator.say(
    'files',
    `new in this life: ${files.requested} requested, ${files.downloaded} fetched and proved (${bytes(files.bytes)}) by ${plural(files.upstreamGets, 'GET')} at Microsoft`,
  );
  for (const { name, ok, why } of checks)
    narrator.say(ok ? 'ok' : 'NOT OK', why === undefined ? name : `${name}: ${why}`);
}

/** The whole story for a fault of the program, the plain message for what people can mend. */
function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const expected = 'code' in error && typeof error.code === 'string';
  return expected ? error.message : (error.stack ?? error.message);
}
