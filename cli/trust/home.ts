import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TrustPin, trustPin } from '#shared/contract/login.ts';
import { inOneLine, parseInWords } from '#shared/contract/parse.ts';
import { CliError } from '../cli-error.ts';
import { fileFault } from '../file-fault.ts';

/** The folder beside a profile in which its pinned root, the proved metadata, and by default the administrator's key lie. */
export interface TrustHome {
  readonly folder: string;
  /** @throws CliError `usage` for a file that does not fit */
  read(): Promise<TrustPin | undefined>;
  write(pin: TrustPin): Promise<void>;
}

export function openTrustHome(folder: string): TrustHome {
  const file = join(folder, 'trust.json');
  const faulty = (what: string, cause: unknown): CliError =>
    new CliError('usage', `${file} ${what}: ${fileFault(cause)?.message ?? String(cause)}`, { cause });
  return {
    folder,
    async read() {
      let text: string;
      try {
        text = await readFile(file, 'utf8');
      } catch (cause) {
        if (['ENOENT', 'ENOTDIR'].includes(fileFault(cause)?.code ?? '')) return undefined;
        throw faulty('cannot be read', cause);
      }
      let value: unknown;
      try {
        value = JSON.parse(text);
      } catch (cause) {
        throw new CliError('usage', `${file} is not JSON: ${String(cause)}`, { cause });
      }
      const parsed = parseInWords(trustPin, value);
      if (parsed.success) return parsed.data;
      throw new CliError('usage', `${file} does not fit: ${inOneLine(parsed.faults)}`);
    },
    async write(pin) {
      const next = `${file}.${randomUUID()}`;
      try {
        await mkdir(folder, { recursive: true, mode: 0o700 });
        await writeFile(next, `${JSON.stringify(pin, null, 2)}\n`, { mode: 0o600 });
        await rename(next, file);
      } catch (cause) {
        throw faulty('cannot be written', cause);
      }
    },
  };
}
