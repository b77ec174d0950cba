import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { haveSamples, sample } from '#test/kit/samples.ts';
import { type ByteSink, CabError, type CabErrorCode, type CabMember, CabReader, readCab } from './index.ts';

/** Chunk sizes to push each cabinet in. */
const chunkSizes = [1, 7, 4096, 1 << 20];

interface Outcome {
  /** Hash of each member that was read to its end. */
  readonly hashes: Record<string, string>;
  readonly error: unknown;
}

function unpack(cab: Uint8Array, chunkSize: number, algorithm: string): Outcome {
  const hashes: Record<string, string> = {};
  const reader = new CabReader({ onMember: (member) => hashing(member, algorithm, hashes) });
  try {
    for (let at = 0; at < cab.length; at += chunkSize) reader.write(cab.subarray(at, at + chunkSize));
    reader.end();
  } catch (error) {
    return { hashes, error };
  }
  return { hashes, error: undefined };
}

function hashing(member: CabMember, algorithm: string, hashes: Record<string, string>): ByteSink {
  const hash = createHash(algorithm);
  let length = 0;
  return {
    write(chunk) {
      hash.update(chunk);
      length += chunk.length;
    },
    end() {
      expect(length).toBe(member.size);
      hashes[member.name] = hash.digest('hex');
    },
  };
}

/** Lines `<sha256>  <cab>!<member>`; names are bytes of an unknown code page, so Latin-1 keeps them apart. */
function expectedHashes(folder: string): Map<string, Record<string, string>> {
  const byCab = new Map<string, Record<string, string>>();
  for (const line of readFileSync(sample(folder, 'EXPECTED.sha256'), 'latin1').trim().split('\n')) {
    const [, hash, cab, member] = /^([0-9a-f]{64}) {2}([^!]+)!(.*)$/.exec(line) ?? [];
    if (hash === undefined || cab === undefined || member === undefined) throw new Error(`cannot read: ${line}`);
    byCab.set(cab, { ...byCab.get(cab), [member]: hash });
  }
  return byCab;
}

describe.runIf(haveSamples)('real cabinets, with the hashes on which 7z and cabextract agree', () => {
  for (const folder of ['cab/real', 'cab/lzx-uncompressed-synthetic', 'wsusscn2/wsus-export']) {
    if (!haveSamples) continue;
    for (const [name, members] of expectedHashes(folder)) {
      const cab = readFileSync(sample(folder, name));
      test.each(chunkSizes)(`${name} in chunks of %i bytes`, (chunkSize) => {
        expect(unpack(cab, chunkSize, 'sha256')).toEqual({ hashes: members, error: undefined });
      });
    }
  }

  test('a signature after the cabinet is not read', () => {
    const { vcredis1, external } = {
      vcredis1: expectedHashes('cab/real').get('vcredis1.cab'),
      external: expectedHashes('cab/real').get('msi_with_external_cab.cab'),
    };
    const signed = (name: string) => readFileSync(sample('cab/signed-synthetic', name));
    expect(unpack(signed('signed_vcredis1.cab'), 4096, 'sha256')).toEqual({ hashes: vcredis1, error: undefined });
    expect(unpack(signed('signed_msi_with_external_cab.cab'), 7, 'sha256')).toEqual({
      hashes: external,
      error: undefined,
    });
  });

  test('an export that lost nine bytes fails with the place', () => {
    const { hashes, error } = unpack(readFileSync(sample('wsusscn2/wsus-export/WSUS-2020feb.cab')), 4096, 'sha256');
    expect(hashes).toEqual({});
    expect(error).toBeInstanceOf(CabError);
    expect(error).toMatchObject({
      code: 'bad-checksum',
      member: 'package.xml',
      offset: 26_591,
      message:
        'package.xml: data block has checksum 0x1f6cd10f, and its header says 0x696b1631 (at byte 26591 of the cabinet)',
    });
  });
});

/** MD5 of each member as cabextract reads it. */
const welcome = { 'hello.c': 'c2535936b8908b1f8a28b7724a2c2045', 'welcome.c': '67c981a019c21f3f4bb8f92efe4d95a1' };
const tests = { 'test1.txt': '2debfdcf79f03e4a65a667d21ef9de14', 'test2.txt': 'd8e8fca2dc0f896fd7cb4cb0031ba249' };
const nothing = 'd41d8cd98f00b204e9800998ecf8427e';
const directories = {
  empty: nothing,
  'dir1\\file1': '9f348626c6a84b91537327656c98e113',
  'dir2\\file2': 'cc38402d8b50f75cdb7279e90ee33b39',
};
const good: Record<string, Record<string, string>> = {
  'libmspack/normal_2files_1folder.cab': welcome,
  'libmspack/normal_2files_2folders.cab': {
    'mszip1.txt': '59571918d5be925ad8aec9f5d7369cf5',
    'mszip2.txt': 'cb18e329a9effc70aa07a7061844b584',
    'lzx1.txt': '67c5cd73e661fa667b8de3d8a5f6f3bf',
    'lzx2.txt': '5182c12627058cf1afd4e6ce8f10d635',
  },
  'libmspack/normal_255c_filename.cab': { [`${'Hello'.repeat(50)}!.txt`]: 'e134ced312b3511d88943d57ccd70c83' },
  // The file table is where the header says (coffFiles), as for 7z, bsdtar and extract.exe.
  'libmspack/hidden-files.cab': { 'hidden1.txt': nothing, 'hidden2.txt': nothing },
  ...Object.fromEntries(
    ['---', '--D', '-F-', '-FD', 'H--', 'H-D', 'HF-', 'HFD'].map((which) => [`libmspack/reserve_${which}.cab`, tests]),
  ),
  'libarchive/test_fuzz.cab': {
    file: '492a74f7fa51e19acc0bd25248c89fc6',
    INSTALL: '47e9b560110a7206cd689e8b0b0d2c43',
    random: 'b55511830c3990dc44a4e3179b059a2e',
    zero: '0f343b0931126a20f133d67c2b018a3b',
  },
  'libarchive/test_read_format_cab_1.cab': directories,
  'libarchive/test_read_format_cab_2.cab': { ...directories, zero: 'd7ea97d313b83e91efbb901cc558bea4' },
  'libarchive/test_read_format_cab_3.cab': { ...directories, zero: 'd7ea97d313b83e91efbb901cc558bea4' },
  'libarchive/test_read_format_cab_filename_cp932.cab': {
    [Buffer.from('955c82be82e65c8abf8e9a2e747874', 'hex').toString('latin1')]: '7a48b3323b0b04bd61a7c10fdcb10120',
    [Buffer.from('955c82be82e65c88ea9797955c2e747874', 'hex').toString('latin1')]: '8b1a9953c4611296a827abf8c47804d7',
  },
  'libarchive/test_read_format_cab_lzx_16bit.cab': { 'lzx16.bin': 'f22d032a73f5500e7a2b44127a1d0fb9' },
  'libarchive/test_read_format_cab_lzx_e8.cab': { 'e8.bin': 'a4c27ca1bc8bd5abdcba4ebeb3d18674' },
  'libarchive/test_read_format_cab_lzx_literal_control.cab': { x: 'c4103f122d27677c9db144cae1394a66' },
};

/** What is wrong with each bad cabinet, and what can be read of it before (MD5). */
const bad: Record<string, { code: CabErrorCode; reason: RegExp; hashes?: Record<string, string> }> = {
  'libmspack/bad_signature.cab': { code: 'not-a-cabinet', reason: /does not begin with "MSCF"/ },
  'libmspack/bad_nofolders.cab': { code: 'bad-header', reason: /no folder/ },
  'libmspack/bad_nofiles.cab': { code: 'bad-header', reason: /no file/ },
  'libmspack/bad_folderindex.cab': { code: 'bad-header', reason: /in folder 1, and there are 1/ },
  'libmspack/filename-read-violation-1.cab': { code: 'bad-header', reason: /empty name/ },
  'libmspack/filename-read-violation-2.cab': { code: 'bad-data', reason: /up to byte 4587520, and .* it has 84/ },
  'libmspack/filename-read-violation-3.cab': { code: 'bad-data', reason: /up to byte 16777473, and .* it has 80/ },
  'libmspack/filename-read-violation-4.cab': { code: 'bad-data', reason: /up to byte 128, and .* it has 80/ },
  'libmspack/cve-2017-11423-fname-overread.cab': { code: 'bad-header', reason: /more than 255 bytes/ },
  'libmspack/hidden-file-bad-folderid.cab': { code: 'bad-header', reason: /in folder 1, and there are 1/ },
  'libmspack/hidden-file-beyond-eof.cab': { code: 'truncated', reason: /ends after 62 bytes/ },
  'libmspack/partial_nodata.cab': { code: 'truncated', reason: /ends after 94 of 253 bytes/ },
  ...Object.fromEntries(
    ['nofiles', 'nofolder', 'shortextheader', 'shortfile1', 'shortfile2', 'shortfolder', 'shortheader'].map((which) => [
      `libmspack/partial_${which}.cab`,
      { code: 'truncated', reason: /ends after \d+ bytes, inside its header/ },
    ]),
  ),
  ...Object.fromEntries(
    ['pname', 'pinfo', 'nname', 'ninfo', 'fname'].flatMap((which) => [
      [`libmspack/partial_str_no${which}.cab`, { code: 'split-set', reason: /one of a set/ }],
      [`libmspack/partial_str_short${which}.cab`, { code: 'split-set', reason: /one of a set/ }],
    ]),
  ),
  ...Object.fromEntries(
    [1, 2, 3, 4, 5].map((part) => [
      `libmspack/multi_basic_pt${part}.cab`,
      { code: 'split-set', reason: /one of a set/ },
    ]),
  ),
  'libarchive/test_read_format_cab_multi.p1.cab': { code: 'split-set', reason: /one of a set/ },
  'libarchive/test_read_format_cab_multi.p2.cab': { code: 'split-set', reason: /one of a set/ },
  'real/vbruntime_Disk1.cab': { code: 'split-set', reason: /one of a set/ },
  'real/vbruntime_Disk2.cab': { code: 'split-set', reason: /one of a set/ },
  // Cabinets inside other data: this reader takes a cabinet, it does not search for one.
  'libmspack/search_basic.cab': { code: 'not-a-cabinet', reason: /does not begin with "MSCF"/ },
  'libmspack/search_tricky1.cab': { code: 'split-set', reason: /one of a set/ },
  'libmspack/cve-2010-2800-mszip-infinite-loop.cab': { code: 'bad-data', reason: /ends after 1 of the 16 bytes/ },
  'libmspack/cve-2014-9556-qtm-infinite-loop.cab': { code: 'unsupported-compression', reason: /Quantum/ },
  'libmspack/cve-2014-9732-folders-segfault.cab': {
    code: 'unsupported-compression',
    reason: /unknown type 0x000f/,
    hashes: { 1: '93b885adfe0da089cdf634904fd59f71', 3: '93b885adfe0da089cdf634904fd59f71' },
  },
  'libmspack/cve-2015-4470-mszip-over-read.cab': { code: 'bad-data', reason: /invalid distance too far back/ },
  'libmspack/cve-2015-4471-lzx-under-read.cab': { code: 'bad-header', reason: /file table is said to begin at byte/ },
  'libmspack/cve-2018-18584-qtm-max-size-block.cab': { code: 'unsupported-compression', reason: /Quantum/ },
  'libmspack/lzx-main-tree-no-lengths.cab': { code: 'bad-data', reason: /LZX pretree is empty/ },
  'libmspack/lzx-premature-matches.cab': { code: 'bad-data', reason: /LZX code lengths run beyond their tree/ },
  'libmspack/mszip_lzx_qtm.cab': {
    code: 'unsupported-compression',
    reason: /Quantum/,
    hashes: { 'mszip.txt': '940cba86658fbceb582faecd2b5975d1', 'lzx.txt': '703474293b614e7110b3eb8ac2762b53' },
  },
  'libarchive/test_read_format_cab_lzx_invalid_history.cab': { code: 'bad-data', reason: /before the first byte/ },
  'libarchive/test_read_format_cab_lzx_oob.cab': { code: 'bad-data', reason: /unpacks to 65280 bytes/ },
  'libarchive/test_read_format_cab_skip_malformed.cab': { code: 'bad-checksum', reason: /0x8417eed6/ },
};

describe.runIf(haveSamples)('the test cabinets of libmspack and libarchive', () => {
  test('each of them is good or bad here', () => {
    const present = ['libmspack', 'libarchive'].flatMap((folder) =>
      readdirSync(sample('cab', folder)).map((name) => `${folder}/${name}`),
    );
    const known = [...Object.keys(good), ...Object.keys(bad)].filter((name) => !name.startsWith('real/'));
    expect(present.sort()).toEqual(known.sort());
  });

  test.each(Object.entries(good))('%s is read', (name, hashes) => {
    const cab = readFileSync(sample('cab', name));
    for (const chunkSize of chunkSizes) {
      expect(unpack(cab, chunkSize, 'md5')).toEqual({ hashes, error: undefined });
    }
  });

  test.each(Object.entries(bad))('%s is refused', (name, { code, reason, hashes }) => {
    const cab = readFileSync(sample('cab', name));
    for (const chunkSize of chunkSizes) {
      const outcome = unpack(cab, chunkSize, 'md5');
      expect(outcome.error).toBeInstanceOf(CabError);
      expect(outcome.error).toMatchObject({ code, offset: expect.any(Number), reason: expect.stringMatching(reason) });
      expect(outcome.hashes).toEqual(hashes ?? {});
    }
  });

  test('calls are translated back at both ends of the range', () => {
    const bytes: number[] = [];
    const sink = { write: (chunk: Uint8Array) => void bytes.push(...chunk), end: () => undefined };
    new CabReader({ onMember: () => sink }).write(
      readFileSync(sample('cab/libarchive/test_read_format_cab_lzx_e8.cab')),
    );
    expect(Buffer.from(bytes).toString('hex')).toBe('e800000000e800000080e8ffffff7fe8ff000000e812345678e887654321');
  });
});

describe.runIf(haveSamples)('a signed index inside an .msu, three cabinets deep', () => {
  // Numbers of the extraction with cabextract, cabinet by cabinet.
  const packageXml = 'a6369472af8b9e23292949e4258a58106c2f2a8dfe91f4acc9c8c9f203c0e112';

  test.each(chunkSizes)('in chunks of %i bytes', async (chunkSize) => {
    const msu = readFileSync(sample('msu/Windows6.1-KB2999226-x64.msu'));
    const seen: Record<string, number> = {};
    const hashes: Record<string, string> = {};
    let bytes = 0;
    const indexReader = () =>
      new CabReader({
        onMember(member) {
          const directory = member.name.includes('\\') ? member.name.slice(0, member.name.indexOf('\\')) : '';
          seen[directory] = (seen[directory] ?? 0) + 1;
          bytes += member.size;
          return hashing(member, 'sha256', hashes);
        },
      });
    const scanReader = () =>
      new CabReader({ onMember: (member) => (member.name === 'package.cab' ? indexReader() : undefined) });
    const names: string[] = [];
    await readCab(chunksOf(msu, chunkSize), {
      onHeader(header) {
        expect(header.size).toBe(msu.length - 15_688);
        expect(Buffer.from(header.reserve).readUInt32LE(4)).toBe(header.size);
        expect(Buffer.from(header.reserve).readUInt32LE(8)).toBe(15_688);
      },
      onMember(member) {
        names.push(member.name);
        if (member.name === 'WSUSSCAN.cab') return scanReader();
        return member.name.endsWith('x64.cab') ? hashing(member, 'sha256', hashes) : undefined;
      },
    });
    expect(names.length).toBe(4);
    expect(seen).toEqual({ '': 1, core: 765, extended: 765, localized: 3420 });
    expect(bytes).toBe(2_082_095);
    expect(hashes['package.xml']).toBe(packageXml);
    expect(hashes['Windows6.1-KB2999226-x64.cab']).toBe(
      Buffer.from('2p737iOmP0zTgyXG/86tUOpWXpLf7TrzMY+eUieDcuY=', 'base64').toString('hex'),
    );
  });
});

async function* chunksOf(bytes: Uint8Array, size: number): AsyncIterable<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}
