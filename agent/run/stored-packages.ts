import * as z from 'zod/mini';
import type { Documents } from '../ports/documents.ts';
import { packagesDocument, type StoredPackages } from './documents.ts';
import { readIdentity } from './identity.ts';

const readStored = (documents: Documents): Promise<StoredPackages | undefined> =>
  documents.read('packages', (value) => z.parse(packagesDocument, value));

/** The signed packages that were read last, if they count on the host as it is enrolled now. @throws AgentError `disk` */
export async function readPackages(documents: Documents): Promise<StoredPackages['manifests']> {
  const [stored, identity] = [await readStored(documents), await readIdentity(documents)];
  if (stored === undefined || identity === undefined) return [];
  const { rootSha256, enrolment } = stored;
  const counts =
    rootSha256 === identity.rootSha256 &&
    enrolment.group === identity.group &&
    enrolment.machineId === identity.machineId;
  return counts ? stored.manifests : [];
}

/** The newest version of the role `custom` that was proved here with this root; 0 when none was. @throws AgentError `disk` */
export async function provedPackages(documents: Documents, rootSha256: string): Promise<number> {
  const stored = await readStored(documents);
  return stored?.rootSha256 === rootSha256 ? stored.customVersion : 0;
}

/** Writes down packages that were proved, so that they count without a network, too. @throws AgentError `disk` */
export async function keepPackages(documents: Documents, packages: StoredPackages): Promise<void> {
  const before = await readStored(documents);
  const next = z.parse(packagesDocument, packages);
  if (JSON.stringify(before) !== JSON.stringify(next)) await documents.write('packages', next);
}
