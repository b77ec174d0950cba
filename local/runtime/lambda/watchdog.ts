/**
 * Ends the functions' processes when the runner dies without a chance to do it itself (kill -9). A process that is frozen
 * between calls cannot see that its Runtime API is gone, so somebody else must look: a shell that holds the other end of a
 * pipe, gets the process ids through it, and kills what is left when the pipe closes.
 */
import { type ChildProcess, spawn } from 'node:child_process';

const script = `
trap '' INT TERM HUP
ids=' '
while read -r what id; do
  case $what in
    +) ids="$ids$id " ;;
    -) ids="\${ids%%" $id "*} \${ids#*" $id "}" ;;
  esac
done
for id in $ids; do kill -9 "$id" 2>/dev/null; done
`;

export class Watchdog {
  readonly #shell: ChildProcess | undefined;

  constructor() {
    // Windows has neither this shell nor freezing, and a process that is not frozen sees the end by itself.
    if (process.platform === 'win32') return;
    this.#shell = spawn('/bin/sh', ['-c', script], { stdio: ['pipe', 'ignore', 'ignore'], detached: true, env: {} });
    // Without the shell the runner still works; only kill -9 could then leave frozen processes behind.
    this.#shell.on('error', () => undefined);
    this.#shell.stdin?.on('error', () => undefined);
    this.#shell.unref();
  }

  watch(processId: number): void {
    this.#shell?.stdin?.write(`+ ${processId}\n`);
  }

  forget(processId: number): void {
    this.#shell?.stdin?.write(`- ${processId}\n`);
  }

  /** Ends the shell, and with it whatever is still watched. */
  close(): void {
    this.#shell?.stdin?.end();
  }
}
