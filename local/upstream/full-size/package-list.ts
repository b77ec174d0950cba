import { company, windowsFamily } from '../windows-ids.ts';
import { fileFacts } from './files.ts';
import type { PutText } from './fragments.ts';
import type { Bundle, Entry, Leaf, World } from './model.ts';
import { timeText } from './month.ts';
import { mixed } from './random.ts';

/** What package.xml of a world holds, as the generator counts it. */
export interface ListCounts {
  updates: number;
  bundles: number;
  evaluated: number;
  leaves: number;
  fileLocations: number;
  supersededBlocks: number;
  supersededRefs: number;
}

/** Writes `package.xml`: one line, in ascending order of RevisionIds. */
export function putPackageXml(world: World, put: PutText): ListCounts {
  const counts: ListCounts = {
    updates: 0,
    bundles: 0,
    evaluated: 0,
    leaves: 0,
    fileLocations: 0,
    supersededBlocks: 0,
    supersededRefs: 0,
  };
  put(
    `<?xml version="1.0" encoding="utf-8"?><OfflineSyncPackage MinimumClientVersion="5.8.0.2678" PackageId="${world.packageId}" PackageVersion="1.1" ProtocolVersion="1.0" CreationDate="${timeText(world.createdAt)}" SourceId="802cb907-a558-4033-9844-bbf65cd3481e" xmlns="http://schemas.microsoft.com/msus/2004/02/OfflineSync"><Updates>`,
  );
  for (const { entries } of world.shards) for (const entry of entries) put(updateXml(world.seed, entry, counts));
  put('</Updates><FileLocations>');
  const located = new Set<number>();
  for (const { entries } of world.shards) {
    for (const entry of entries) {
      if (entry.kind !== 'leaf') continue;
      for (const number of entry.files) {
        if (located.has(number)) continue;
        located.add(number);
        const { sha1, url } = fileFacts(world.seed, number, entry);
        put(`<FileLocation Id="${sha1}" Url="${url}" />`);
      }
    }
  }
  counts.fileLocations = located.size;
  put('</FileLocations></OfflineSyncPackage>');
  return counts;
}

function updateXml(seed: number, entry: Entry, counts: ListCounts): string {
  counts.updates += 1;
  const head = `<Update CreationDate="${timeText(entry.createdAt)}" DefaultLanguage="en" UpdateId="${entry.updateId}" RevisionNumber="${entry.revision}" RevisionId="${entry.revisionId}"`;
  switch (entry.kind) {
    case 'evaluated': {
      counts.evaluated += 1;
      const evaluated = `${head} DeploymentAction="Evaluate" IsSoftware="false"`;
      if (entry.prerequisite === undefined) return `${evaluated} />`;
      return `${evaluated}><Prerequisites><UpdateId Id="${entry.prerequisite}" /></Prerequisites></Update>`;
    }
    case 'leaf':
      counts.leaves += 1;
      return `${head} IsLeaf="true" DeploymentAction="Bundle">${leafChildren(seed, entry)}</Update>`;
    case 'bundle':
      counts.bundles += 1;
      return `${head}${entry.uup ? '' : ' IsLeaf="true"'} IsBundle="true">${bundleChildren(seed, entry, counts)}</Update>`;
  }
}

function leafChildren(seed: number, leaf: Leaf): string {
  const files = leaf.files.map((number) => `<File Id="${fileFacts(seed, number, leaf).sha1}" />`).join('');
  const bundledBy = leaf.bundledBy.map(({ revisionId }) => `<Revision Id="${revisionId}" />`).join('');
  const names = leaf.fileLanguages.map((name) => `<Language Name="${name}" />`).join('');
  const languages = names === '' ? '' : `<Languages>${names}</Languages>`;
  return `<PayloadFiles>${files}</PayloadFiles>${prerequisites(leaf)}<BundledBy>${bundledBy}</BundledBy>${languages}`;
}

/** Of so many updates that are superseded, one names a revision that is not in the file. */
const danglingEvery = 300;

function bundleChildren(seed: number, bundle: Bundle, counts: ListCounts): string {
  const later = bundle.series.slice(bundle.ordinal + 1).map(({ revisionId }) => revisionId);
  if (later.length > 0 && mixed(seed, bundle.index, 0xda6) % danglingEvery === 0) later.push(0x7fff_0000);
  if (later.length > 0) counts.supersededBlocks += 1;
  counts.supersededRefs += later.length;
  const superseded =
    later.length === 0 ? '' : `<SupersededBy>${later.map((id) => `<Revision Id="${id}" />`).join('')}</SupersededBy>`;
  return `${prerequisites(bundle)}${superseded}<Categories><Category Type="UpdateClassification" Id="${bundle.classification}" /><Category Type="Company" Id="${company}" /><Category Type="ProductFamily" Id="${windowsFamily}" /><Category Type="Product" Id="${bundle.product.updateId}" /></Categories>`;
}

function prerequisites({ clauses }: Bundle | Leaf): string {
  const inner = clauses.map((ids) => {
    const list = ids.map((id) => `<UpdateId Id="${id}" />`).join('');
    return ids.length > 1 ? `<Or>${list}</Or>` : list;
  });
  return `<Prerequisites>${inner.join('')}</Prerequisites>`;
}
