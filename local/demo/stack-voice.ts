import * as z from 'zod/mini';
import type { StackLogLine } from '../types.ts';
import type { Narrator } from './narrator.ts';
import { readSyncReport, type SyncReport, syncInWords } from './sync-report.ts';

/** Says at the terminal what people must hear of the stack's log: errors, and what became of the index. */
export interface StackVoice {
  hear(line: StackLogLine): void;
  /** Tells how often things were said again since they were told; to be called now and then, and at the end. */
  flush(all?: boolean): void;
}

export interface StackVoiceOptions {
  readonly narrator: Narrator;
  /** Also tell each run of the synchronisation that published, refused or failed. */
  readonly tellSyncs: boolean;
  /** Monotonic clock, milliseconds. */
  readonly now: () => number;
}

/** The same trouble is told again after this time at the earliest, with the number of times. */
const quietMilliseconds = 60_000;

interface Told {
  readonly who: string;
  readonly text: string;
  at: number;
  again: number;
}

export function createStackVoice({ narrator, tellSyncs, now }: StackVoiceOptions): StackVoice {
  const told = new Map<string, Told>();
  const say = (who: string, text: string): void => {
    const key = `${who} ${likeness(text)}`;
    const known = told.get(key);
    if (known) known.again += 1;
    else {
      told.set(key, { who, text, at: now(), again: 0 });
      narrator.say(who, text);
    }
  };
  return {
    hear({ source, level, message }) {
      const line = readLine(message);
      const sync = tellSyncs && line ? syncReportOf(line) : undefined;
      // A publication is news each time; a run that fails does so at every tick of the schedule.
      if (sync?.outcome === 'published') narrator.say('sync', syncInWords(sync));
      else if (sync !== undefined) say('sync', syncInWords(sync));
      else if (level === 'error') say('stack', `${nameOf(source)}: ${errorInWords(message, line)}`);
    },
    flush(all = false) {
      for (const [key, { who, text, at, again }] of told) {
        if (!all && now() - at < quietMilliseconds) continue;
        told.delete(key);
        if (again > 0) narrator.say(who, `${text} (and ${again} more like it)`);
      }
    },
  };
}

/** A line of the functions' logger. */
const structuredLine = z.looseObject({
  message: z.string(),
  error: z.optional(z.looseObject({ message: z.optional(z.string()) })),
  result: z.optional(z.looseObject({ result: z.optional(z.unknown()) })),
});

function readLine(message: string): z.infer<typeof structuredLine> | undefined {
  if (!message.startsWith('{')) return undefined;
  try {
    return structuredLine.safeParse(JSON.parse(message)).data;
  } catch {
    // A line that only looks like JSON is a line like any other.
    return undefined;
  }
}

function syncReportOf({ message, result }: z.infer<typeof structuredLine>): SyncReport | undefined {
  const report = message === 'finished' ? readSyncReport(result?.result) : undefined;
  return report && ['published', 'refused', 'failed'].includes(report.outcome) ? report : undefined;
}

/** What went wrong, without the fields that only a machine reads and without the stack: stack.log has the whole line. */
function errorInWords(message: string, line: z.infer<typeof structuredLine> | undefined): string {
  if (line === undefined) return message.slice(0, 400);
  return line.error?.message === undefined ? line.message : `${line.message}: ${line.error.message}`;
}

/** `KBroker-SyncIndexFunction9D3C3578` → `SyncIndexFunction`. */
const nameOf = (source: string): string => source.replace(/^KBroker-/, '').replace(/[0-9A-F]{8}$/, '');

/** The same for troubles that differ in the file, the time or an id only. */
const likeness = (text: string): string =>
  text.replace(/(https?:\/\/[^/\s]+)\S*/g, '$1').replace(/[0-9a-f-]*\d[0-9a-f-]*/gi, '#');
