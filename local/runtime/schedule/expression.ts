/**
 * Schedule expressions of EventBridge Scheduler: rate, cron and at.
 * https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
 */
import cron from 'aws-cron-parser';
import { RuntimeError } from '../runtime-error.ts';

/** When a schedule runs next after an instant; undefined when it does not run any more. */
export type Occurrences = (after: Date) => Date | undefined;

const unitMilliseconds: Readonly<Record<string, number>> = {
  minute: 60_000,
  hour: 3_600_000,
  day: 86_400_000,
};

/**
 * @param start when the schedule was made: rates count from there
 * @param timeZone IANA name that `cron` and `at` are meant in
 * @throws RuntimeError `bad-configuration` for an expression that is none
 */
export function parseSchedule(expression: string, timeZone: string, start: Date): Occurrences {
  const refuse = (why: string, cause?: unknown): never => {
    throw new RuntimeError('bad-configuration', `schedule expression ${expression}: ${why}`, { cause });
  };
  const [, form, argument = ''] = /^(rate|cron|at)\((.*)\)$/.exec(expression) ?? [];
  const zone = zoneOf(timeZone) ?? refuse(`${timeZone} is no time zone`);
  if (form === 'rate') {
    const [, count, unit = ''] = /^(\d+) (minute|hour|day)s?$/.exec(argument) ?? [];
    const interval = Number(count) * (unitMilliseconds[unit] ?? Number.NaN);
    if (!(interval > 0)) return refuse('rate wants a positive number and minutes, hours or days');
    return (after) => {
      const passed = Math.floor((after.getTime() - start.getTime()) / interval);
      return new Date(start.getTime() + (Math.max(0, passed) + 1) * interval);
    };
  }
  if (form === 'at') {
    const wall = Date.parse(`${argument}Z`);
    if (!/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}$/.test(argument) || Number.isNaN(wall)) {
      return refuse('at wants yyyy-mm-ddThh:mm:ss');
    }
    const instant = fromWallTime(new Date(wall), zone);
    return (after) => (instant > after ? instant : undefined);
  }
  if (form === 'cron') {
    let parsed: ReturnType<typeof cron.parse>;
    try {
      parsed = cron.parse(argument);
    } catch (cause) {
      return refuse('not six cron fields', cause);
    }
    return (after) => {
      const wall = cron.next(parsed, toWallTime(after, zone));
      return wall === null ? undefined : fromWallTime(wall, zone);
    };
  }
  return refuse('want rate(…), cron(…) or at(…)');
}

function zoneOf(timeZone: string): Intl.DateTimeFormat | undefined {
  try {
    return new Intl.DateTimeFormat('en-GB', {
      timeZone,
      hourCycle: 'h23',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
    });
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** What a clock on the wall there shows, as if it were UTC. */
function toWallTime(instant: Date, zone: Intl.DateTimeFormat): Date {
  const part = Object.fromEntries(zone.formatToParts(instant).map(({ type, value }) => [type, Number(value)]));
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = part;
  return new Date(Date.UTC(year, month - 1, day, hour, minute, second));
}

/** The inverse; of two instants with the same wall time the earlier, and the one after the gap for a time that is none. */
function fromWallTime(wall: Date, zone: Intl.DateTimeFormat): Date {
  const offsetAt = (instant: Date): number => toWallTime(instant, zone).getTime() - instant.getTime();
  const dayMilliseconds = 86_400_000;
  const candidates = [-dayMilliseconds, dayMilliseconds]
    .map((shift) => new Date(wall.getTime() - offsetAt(new Date(wall.getTime() + shift))))
    .sort((a, b) => a.getTime() - b.getTime());
  const exact = candidates.find((instant) => toWallTime(instant, zone).getTime() === wall.getTime());
  return exact ?? candidates.at(-1) ?? wall;
}
