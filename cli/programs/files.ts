import { listFiles, showFile } from '../commands/files.ts';
import type { AddCommands } from './kit.ts';

/** `kbroker files`. */
export const addFilesCommands: AddCommands = (program, { sub, online }) => {
  const files = sub(program, 'files', 'payload files that the repository holds');
  sub(files, 'list', 'list them').action(online((context) => listFiles(context)));
  sub(files, 'show', 'one file: what the index says of it, whether it is held, its request')
    .argument('<sha1>', 'SHA-1 of the file')
    .action(online((context, sha1: string) => showFile(context, sha1)));
};
