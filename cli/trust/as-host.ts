import { join } from 'node:path';
import type { TrustPin } from '#shared/contract/login.ts';
import { trustRoles } from '#shared/contract/trust.ts';
import { openTrustedRepository } from '#shared/repository/client.ts';
import type { CommandContext } from '../commands/context.ts';
import { inWords } from './faults.ts';
import { fileReader } from './signed-state.ts';

/**
 * Reads all roles of the published version as hosts do, with their client and a memory of its own.
 *
 * @throws CliError `refused` with the role and what hosts say of it
 */
export async function readAsHost(context: CommandContext, pin: TrustPin): Promise<void> {
  const read = fileReader(context);
  const repository = openTrustedRepository({
    folder: join(context.trust.folder, 'metadata'),
    rootSha256: pin.rootSha256,
    async fetch(key) {
      const text = await read(key);
      return text === undefined ? undefined : Buffer.from(text);
    },
  });
  await inWords(async () => {
    const version = await repository.refresh();
    for (const role of trustRoles) await version.metadata(role);
  });
}
