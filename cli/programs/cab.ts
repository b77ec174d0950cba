import type { Command } from 'commander';
import { hashCab, listCab } from '../commands/cab.ts';
import { extractCab } from '../commands/cab-extract.ts';
import { type AddCommands, wantsJson } from './kit.ts';

/** `kbroker cab`. */
export const addCabCommands: AddCommands = (program, { io, end, sub }) => {
  const cab = sub(program, 'cab', 'cabinets (.cab, .msu), without a broker').addHelpText(
    'after',
    '\nReads stored, MSZIP and LZX. Quantum and cabinets of a split set end in an error that says so.',
  );
  const cabOptions = (file: string, command: Command) => ({ file, json: wantsJson(command) });
  sub(cab, 'list', 'what its file table names')
    .argument('<file>')
    .action(async (file: string, _: object, command: Command) => end(await listCab(cabOptions(file, command), io)));
  sub(cab, 'hash', 'SHA-256 of each member; a bad cabinet ends with what is wrong and where')
    .argument('<file>')
    .action(async (file: string, _: object, command: Command) => end(await hashCab(cabOptions(file, command), io)));
  sub(cab, 'extract', 'write its members below a folder, never outside of it')
    .argument('<file>')
    .option('--to <dir>', 'folder to write into; files that are there stay as they are', '.')
    .action(async (file: string, { to }: { to: string }, command: Command) =>
      end(await extractCab({ ...cabOptions(file, command), to }, io)),
    );
};
