import type { Command } from 'commander';
import { diffIndexes } from '../commands/index-diff.ts';
import { inspectIndex } from '../commands/index-inspect.ts';
import { syncIndex } from '../commands/index-sync.ts';
import type { TrustFlags } from '../index-trust.ts';
import { type AddCommands, selection, wantsJson } from './kit.ts';

interface InspectFlags extends TrustFlags {
  readonly kb?: readonly string[];
  readonly update?: string;
  readonly check?: boolean;
}

/** `kbroker index`. */
export const addIndexCommands: AddCommands = (program, { io, end, sub, online }) => {
  const index = sub(program, 'index', "Microsoft's offline index");
  sub(
    index,
    'inspect',
    'print the catalogue of an index file and whether the broker would publish it; names what is missing',
  )
    .argument('<file>', 'a wsusscn2.cab, a WSUSSCAN.cab, or an .msu with one')
    .option('--kb <kb>', 'only updates of this KB (repeatable, or comma-separated)', selection)
    .option('--update <id>', 'only the update with this UpdateId')
    .option('--check', 'read every fragment to its end and in every language, to find faults anywhere')
    .option('--index-roots <file>', "PEM file of roots to trust beside Microsoft's, as the broker's indexRoots")
    .option('--allow-sha1', "take signatures by SHA-1 too, as the broker's allowSha1Signatures")
    .action(async (file: string, { kb = [], update, check, ...trust }: InspectFlags, command: Command) => {
      const filter = { kbs: kb, ...(update === undefined ? {} : { updateId: update }) };
      const options = { file, json: wantsJson(command), check: check === true, ...filter };
      end(await inspectIndex({ ...options, ...trust }, io));
    });
  sub(index, 'diff', 'what the index B brought after the index A; both are files')
    .argument('<a>', 'the earlier wsusscn2.cab, WSUSSCAN.cab, or .msu with one')
    .argument('<b>', 'the later one')
    .option('--all', 'list all updates instead of those of the newest KBs (JSON always has all)')
    .action(async (before: string, after: string, flags: { all?: boolean }, command: Command) => {
      end(await diffIndexes({ before, after, json: wantsJson(command), all: flags.all === true }, io));
    });
  sub(index, 'sync', 'ask Microsoft for a new index now')
    .option('--allow-older', 'publish also an index that Microsoft made before the current one')
    .option('--again', 'read the current index again when Microsoft has no other')
    .option('--force', 'the same as --again')
    .action(
      online((context, flags: { allowOlder?: boolean; again?: boolean; force?: boolean }) =>
        syncIndex(context, {
          ...(flags.allowOlder === true && { allowOlder: true }),
          ...((flags.again === true || flags.force === true) && { again: true }),
        }),
      ),
    );
};
