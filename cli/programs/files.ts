import { listFiles, showFile } from '../commands/files.ts';
import { type CleanFlags, cleanFiles } from '../commands/files-clean.ts';
import { type FetchFlags, fetchFiles } from '../commands/files-fetch.ts';
import type { AddCommands } from './kit.ts';

/** `kbroker files`. */
export const addFilesCommands: AddCommands = (program, { sub, online }) => {
  const files = sub(program, 'files', 'payload files that the repository holds');
  sub(files, 'list', 'list them').action(online((context) => listFiles(context)));
  sub(files, 'show', 'one file: what the index says of it, whether it is held, its request')
    .argument('<sha1>', 'SHA-1 of the file')
    .action(online((context, sha1: string) => showFile(context, sha1)));
  sub(files, 'fetch', 'have files fetched now, also those that were given up')
    .argument('<names...>', 'KBs, UpdateIds or SHA-1s')
    .option('--watch', 'wait until nothing is to be fetched any more')
    .action(online((context, names: string[], flags: FetchFlags) => fetchFiles(context, names, flags)));
  sub(files, 'clean', 'take out what no host needs any more; says what that would be, and asks first')
    .option('--dry-run', 'only say what would be done')
    .option('--grace <duration>', "in the place of the stack's grace period, as in 0d, 12h or 7d")
    .option('--fewer-hosts', 'clean also when hosts are gone from the fleet')
    .option('--yes', 'do not ask')
    .action(online((context, flags: CleanFlags) => cleanFiles(context, flags)));
};
