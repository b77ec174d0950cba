import type { CliIo } from './io.ts';
import { printable } from './printable.ts';

/** How far something is, for people: one line on stderr that is rewritten on a terminal, else a line for each news. */
export interface ProgressLine {
  tell(words: string): void;
  /** Ends the line; once more does nothing. */
  end(): void;
}

export function createProgressLine({ stderr }: Pick<CliIo, 'stderr'>): ProgressLine {
  const rewrites = stderr.isTTY === true;
  let [open, told] = [false, ''];
  return {
    tell(words) {
      if (words === told) return;
      told = words;
      // Erases the line from its start, since the last one may have been longer.
      stderr.write(rewrites ? `\r\u001b[K${printable(words)}` : `${printable(words)}\n`);
      open = rewrites;
    },
    end() {
      if (open) stderr.write('\n');
      open = false;
    },
  };
}
