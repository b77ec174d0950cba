import { encodeCab } from '#shared/cabinet/testing/encode.ts';
import type { InventedPublication, InventedUpdate } from '../invent/model.ts';
import { signatureReserve } from '../signing/cab.ts';
import { coreFragment, extendedFragment, localizedFragment } from './fragments.ts';
import { packageXml } from './package-xml.ts';

/** Updates of one detail cab at most; the real ones hold thousands. */
const updatesPerShard = 160;
/** RevisionIds below this are in the first detail cab, which the real index fills with re-numbered updates. */
const lowShardEnd = 700;

interface Member {
  readonly name: string;
  readonly data: Uint8Array;
  readonly modified: Date;
}

/** How an index is put together; what Microsoft does not document can be varied. */
export interface IndexCabOptions {
  /** Window of the LZX streams, as a power of two: 15 to 21. Default 21, as in Microsoft's cabinets. */
  readonly window?: 15 | 16 | 17 | 18 | 19 | 20 | 21;
  /** Text of the licence that the first detail cab carries in its `files` directory. */
  readonly licence?: Uint8Array;
}

/**
 * wsusscn2.cab of a publication: an LZX cabinet with index.xml, package.cab (package.xml) and the detail cabs
 * package2.cab, package3.cab …, each LZX too and in several folders. Its header has the place for a signature, as
 * Microsoft's has; `signing/` puts one there.
 */
export function indexCab(publication: InventedPublication, options: IndexCabOptions = {}): Uint8Array {
  const window = options.window ?? 21;
  const modified = new Date(publication.createdAt);
  const text = (name: string, content: string): Member => ({ name, data: Buffer.from(content, 'utf8'), modified });
  const shards = shardsOf(publication.updates);
  const cabs = shards.map((updates, index): { member: Member; start: number } => {
    const fragments = fragmentMembers(updates, modified);
    const licence =
      index === 0 && options.licence ? [{ name: 'files\\eula.txt', data: options.licence, modified }] : [];
    const members = [...fragments, ...licence];
    // One folder for each directory: a folder is a compressed stream of its own.
    const directories = [...new Set(members.map(directoryOf))];
    return {
      start: index === 0 ? 0 : (updates[0]?.revisionId ?? 0),
      member: {
        name: `package${index + 2}.cab`,
        data: encodeCab({
          members,
          compression: { lzx: window },
          folderOf: (at) => directories.indexOf(directoryOf(members[at])),
        }),
        modified,
      },
    };
  });
  const packageCab = encodeCab({
    members: [text('package.xml', packageXml(publication))],
    compression: { lzx: window },
  });
  const list = cabs
    .map(
      ({ member, start }, index) =>
        `<CAB NAME="${member.name}" RANGESTART="${start}"${index === 0 ? ' FILESDIR="1"' : ''} />`,
    )
    .join('');
  return encodeCab({
    members: [
      text('index.xml', `<INDEX VERSION="1"><CABLIST XOR="0"><CAB NAME="package.cab" />${list}</CABLIST></INDEX>`),
      { name: 'package.cab', data: packageCab, modified },
      ...cabs.map(({ member }) => member),
    ],
    compression: { lzx: window },
    reserve: { header: signatureReserve },
  });
}

/** Ranges of RevisionIds in ascending order; the first is the low one. */
function shardsOf(updates: readonly InventedUpdate[]): InventedUpdate[][] {
  const low = updates.filter((update) => update.revisionId < lowShardEnd);
  const high = updates.filter((update) => update.revisionId >= lowShardEnd);
  const shards = [low];
  for (let at = 0; at < high.length; at += updatesPerShard) shards.push(high.slice(at, at + updatesPerShard));
  return shards;
}

function fragmentMembers(updates: readonly InventedUpdate[], modified: Date): Member[] {
  const directories: [string, (update: InventedUpdate) => string | undefined][] = [
    ['c', coreFragment],
    ['x', extendedFragment],
    ['l\\en', (update) => localizedFragment(update, 'en')],
    ['l\\de', (update) => localizedFragment(update, 'de')],
  ];
  return directories.flatMap(([directory, fragment]) =>
    updates.flatMap((update) => {
      const content = fragment(update);
      return content === undefined
        ? []
        : [{ name: `${directory}\\${update.revisionId}`, data: Buffer.from(content, 'utf8'), modified }];
    }),
  );
}

const directoryOf = (member: Member | undefined): string => member?.name.split('\\')[0] ?? '';
