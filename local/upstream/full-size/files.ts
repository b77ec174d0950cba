import type { Leaf, PayloadKind } from './model.ts';
import { Row } from './random.ts';

/** One payload file, as both fragments and package.xml tell of it. */
export interface FileFacts {
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** Base64. */
  readonly sha1: string;
  /** Base64; undefined for old files. */
  readonly sha256: string | undefined;
  readonly url: string;
  readonly modified: string;
}

const extensions: Readonly<Record<PayloadKind, readonly string[]>> = {
  cbs: ['cab'],
  msi: ['cab', 'msp'],
  command: ['exe', 'exe', 'cab'],
  uup: ['cab', 'wim', 'psf', 'msu', 'cab', 'cab'],
};
const digestlessUntil = Date.UTC(2012, 0, 1);

/**
 * What a file of this number is: the same in each leaf that has it, and in each month. Its times follow from the leaf, which
 * is never revised as its owner may be.
 *
 * @param leaf one that has it; all of them are of one month and kind
 */
export function fileFacts(seed: number, number: number, leaf: Leaf): FileFacts {
  const row = new Row(seed, number, 0xf11e);
  const digest = row.bytes(20);
  const [sha1, hex] = [digest.toString('base64'), digest.toString('hex')];
  const { payload, kb } = leaf.owner;
  const extension = row.of(extensions[payload]);
  const time = leaf.createdAt.getTime();
  const modified = new Date(time - row.below(400_000) * 1000);
  const date = modified.toISOString();
  if (payload === 'uup') {
    // Other bundles of the month have some of these files too, so that nothing may depend on the owner's number.
    const plain = `${row.of(['ssu', 'windows11.0', 'edition', 'metadata'])}-kb${5_000_000 + row.below(300_000)}-${row.hex8()}`;
    return {
      // Some names carry the digest in front, where their address has it at the end.
      name: row.percent(40) ? `${hex.toUpperCase()}_${plain}.${extension}` : `${plain}.${extension}`,
      size: extension === 'wim' ? 2_000_000_000 + row.below(3_000_000_000) : 20_000 + row.below(700_000_000),
      sha1,
      sha256: row.bytes(32).toString('base64'),
      url: `http://dl.delivery.mp.microsoft.com/filestreamingservice/files/${row.guid()}/public/${plain}_${hex}.${extension}`,
      modified: `${date.slice(0, 19)}Z`,
    };
  }
  const name = `${row.of(['windows10.0', 'windows6.1', 'ndp48', 'office'])}-kb${kb}-${row.of(['x86', 'x64', 'arm64'])}-${row.below(1000)}.${extension}`;
  const old = time < digestlessUntil;
  const folder = `${row.of(['secu', 'secu', 'uprl', 'updt'])}/${date.slice(0, 4)}/${date.slice(5, 7)}`;
  return {
    name,
    size: Math.floor(10_000 * Math.exp(row.fraction() * 11.5)),
    sha1,
    sha256: old ? undefined : row.bytes(32).toString('base64'),
    url: `http://download.windowsupdate.com/${old ? '' : row.of(['c/', 'd/'])}msdownload/update/software/${folder}/${name.slice(0, -4)}_${hex}.${extension}`,
    modified: row.percent(10) ? `${date.slice(0, 19)}.617Z` : `${date.slice(0, 19)}Z`,
  };
}
