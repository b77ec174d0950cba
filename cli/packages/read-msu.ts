import { open } from 'node:fs/promises';
import { CliError } from '../cli-error.ts';
import { readCabFile } from '../commands/cab-read.ts';
import { fileFault } from '../file-fault.ts';
import type { CliIo } from '../io.ts';
import type { MsuFacts } from './draft.ts';

/** What whoever builds the package says, where the file does not. */
export interface MsuFlags {
  /** Digits. */
  readonly kb?: string;
  readonly architecture?: MsuFacts['architecture'];
}

/** No description is longer. Bytes. */
const maxTextBytes = 65_536;

/**
 * What an .msu is for. It is a cabinet whose `*-pkgProperties.txt` and `*.xml` say so; newer ones are WIM files, of which the KB and
 * the architecture must be said.
 *
 * @throws CliError `usage` for a file that is none, or does not say what nobody else did
 */
export async function readMsu(file: string, flags: MsuFlags, io: CliIo): Promise<MsuFacts> {
  const magic = await firstBytes(file);
  const told = magic.startsWith('MSCF') ? await readCabinet(file, io) : {};
  if (!magic.startsWith('MSCF') && !magic.startsWith('MSWIM'))
    throw new CliError('usage', `${file} is no .msu: it begins with neither MSCF (a cabinet) nor MSWIM (a WIM file)`);
  const { kb = told.kb, architecture = told.architecture } = flags;
  if (flags.kb !== undefined && told.kb !== undefined && flags.kb !== told.kb)
    throw new CliError('usage', `${file} is of KB${told.kb}, and --kb says KB${flags.kb}`);
  if (kb === undefined || architecture === undefined) {
    const why = magic.startsWith('MSWIM')
      ? 'it is a WIM file, of which kbroker does not read what it is for'
      : 'it does not say what it is for';
    throw new CliError('usage', `${file}: ${why}: name --kb KB5034441 and --architecture amd64, x86 or arm64`);
  }
  return { kb, architecture, ...(told.product !== undefined && { product: told.product }) };
}

async function firstBytes(file: string): Promise<string> {
  try {
    await using handle = await open(file);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(8), 0, 8, 0);
    return buffer.subarray(0, bytesRead).toString('latin1');
  } catch (cause) {
    throw new CliError('usage', `${file} cannot be read: ${fileFault(cause)?.message ?? String(cause)}`, { cause });
  }
}

async function readCabinet(file: string, io: CliIo): Promise<Partial<MsuFacts>> {
  const texts: string[] = [];
  const fault = await readCabFile(
    file,
    {
      onMember({ name, size }) {
        if (!/(-pkgProperties\.txt|\.xml)$/i.test(name) || size > maxTextBytes) return undefined;
        const chunks: Buffer[] = [];
        return {
          write: (chunk) => void chunks.push(Buffer.from(chunk)),
          end: () => void texts.push(decode(Buffer.concat(chunks))),
        };
      },
    },
    io,
  );
  if (fault !== undefined) throw new CliError('usage', `${file}: ${fault.message}`);
  return factsIn(texts.join('\n'));
}

/** Microsoft writes these texts in UTF-8, and some in UTF-16 with a byte-order mark. */
const decode = (bytes: Buffer): string =>
  new TextDecoder(bytes[0] === 0xff && bytes[1] === 0xfe ? 'utf-16le' : 'utf-8').decode(bytes);

function factsIn(text: string): Partial<MsuFacts> {
  const property = (name: string): string | undefined => new RegExp(`^${name}="([^"]*)"`, 'im').exec(text)?.[1];
  const identity = /<assemblyIdentity\b[^>]*>/i.exec(text)?.[0] ?? '';
  const attribute = (name: string): string | undefined => new RegExp(`\\b${name}="([^"]*)"`, 'i').exec(identity)?.[1];
  const kb = /^0*(\d{5,8})$/.exec(
    property('KB Article Number') ?? /KB(\d+)/i.exec(attribute('name') ?? '')?.[1] ?? '',
  )?.[1];
  const said = (property('Processor Architecture') ?? attribute('processorArchitecture') ?? '').toLowerCase();
  const architecture = ({ amd64: 'amd64', x64: 'amd64', x86: 'x86', arm64: 'arm64' } as const)[said];
  const product = property('Product Name');
  return {
    ...(kb !== undefined && { kb }),
    ...(architecture !== undefined && { architecture }),
    ...(product !== undefined && { product }),
  };
}
