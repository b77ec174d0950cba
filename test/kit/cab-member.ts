import { readFile } from 'node:fs/promises';
import { readCab } from '#shared/cabinet/index.ts';

/** Bytes of one member of a cabinet file, for instance the WSUSSCAN.cab of an .msu. */
export async function cabMember(file: string, name: string): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let found = false;
  async function* source(): AsyncGenerator<Uint8Array> {
    yield await readFile(file);
  }
  await readCab(source(), {
    onMember: (member) => {
      if (member.name !== name) return undefined;
      found = true;
      return { write: (chunk) => void parts.push(chunk.slice()), end: () => undefined };
    },
  });
  if (!found) throw new Error(`${file} has no member ${name}`);
  return Buffer.concat(parts);
}
