/** Where a command prints and what it reads from its surroundings; handed in, so that tests see every byte. */
export interface CliIo {
  readonly stdout: { write(text: string): unknown; readonly isTTY?: boolean };
  readonly stderr: { write(text: string): unknown; readonly isTTY?: boolean };
  readonly env: Readonly<Record<string, string | undefined>>;
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

/** A plain table with a heading, columns as wide as their widest cell. Nothing is cut. */
export function printTable(io: CliIo, headings: readonly string[], rows: readonly (readonly string[])[]): void {
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...rows.map((row) => (row[column] ?? '').length)),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  io.stdout.write(`${[headings, ...rows].map(line).join('\n')}\n`);
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
