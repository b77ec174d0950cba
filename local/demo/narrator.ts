/** Tells people what happens, one line each, with the seconds since the start. */
export interface Narrator {
  /** @param who column of eight letters: what acts */
  say(who: string, text: string): void;
}

export function createNarrator(write: (line: string) => void, now: () => number): Narrator {
  const start = now();
  return {
    say(who, text) {
      const seconds = ((now() - start) / 1000).toFixed(1).padStart(6);
      const [first = '', ...rest] = text.split('\n');
      write(`${seconds}  ${who.padEnd(9)}  ${first}\n`);
      for (const line of rest) write(`${' '.repeat(19)}${line}\n`);
    },
  };
}

/** Bytes for people: `341 kB`, `5.6 MB`. */
export function bytes(count: number): string {
  if (count < 1000) return `${count} bytes`;
  const units = ['kB', 'MB', 'GB', 'TB'];
  let value = count / 1000;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${value < 10 ? value.toFixed(1) : value.toFixed(0)} ${units[unit]}`;
}

export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${count.toLocaleString('en-GB')} ${count === 1 ? one : many}`;
