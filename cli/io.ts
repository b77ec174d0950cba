import { printable } from './printable.ts';

/** Where a command prints and what it reads from its surroundings; handed in, so that tests see every byte. */
export interface CliIo {
  readonly stdout: {
    write(text: string): unknown;
    readonly isTTY?: boolean;
    /** Nobody reads it any more: a command that only prints may end early. */
    readonly isClosed?: boolean;
  };
  readonly stderr: { write(text: string): unknown; readonly isTTY?: boolean };
  /**
   * Asks the person at the terminal, and gives their answer.
   *
   * @default - nobody sits at a terminal
   */
  readonly ask?: (question: string) => Promise<string>;
  /**
   * Opens an address in the person's browser.
   *
   * @default - addresses are printed only
   */
  readonly openBrowser?: (url: string) => void;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The folder in which the profile file is looked for first. @default - that of the process */
  readonly cwd?: string;
}

/** Exit codes of every command; docs/cli.md lists them. */
export const exitCodes = {
  ok: 0,
  /** The command ran, and what it was about failed or was refused. */
  failed: 1,
  /** Wrong arguments or settings; nothing was sent. */
  usage: 2,
  /** The broker could not be reached, or did not let us in. */
  unreachable: 3,
} as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** One line of JSON: what scripts read. */
export function printJson(io: CliIo, value: unknown): void {
  io.stdout.write(`${JSON.stringify(value)}\n`);
}

/** Lines of text for people. Each stays one line, and does nothing but show, whatever a stranger wrote into it. */
export function printLines({ stdout }: Pick<CliIo, 'stdout'>, lines: readonly string[]): void {
  if (lines.length > 0) stdout.write(`${lines.map(printable).join('\n')}\n`);
}

/** Rows of the store that the broker could not parse: named on stderr, whatever the list was about. */
export function printUnreadable({ stderr }: Pick<CliIo, 'stderr'>, keys: Iterable<string>): void {
  for (const key of new Set(keys)) stderr.write(`unreadable row in the store: ${printable(key)}\n`);
}

/** A plain table with a heading, columns as wide as their widest cell. Nothing is cut; cells are made {@link printable}. */
export function printTable(
  { stdout }: Pick<CliIo, 'stdout'>,
  headings: readonly string[],
  table: readonly (readonly string[])[],
): void {
  const rows = table.map((row) => row.map(printable));
  // Not by spreading them into one call: there may be 65,535 rows.
  const widths = headings.map((heading, column) =>
    rows.reduce((width, row) => Math.max(width, (row[column] ?? '').length), heading.length),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  stdout.write(`${[headings, ...rows].map(line).join('\n')}\n`);
}

/** 1536 → `1.5 kB`; decimal units, as download sizes are given. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'] as const;
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}
