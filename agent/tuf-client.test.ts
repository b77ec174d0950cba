import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { textOf } from '#shared/repository/metadata.ts';
import { SignedRepository } from '#test/kit/signed-repository.ts';
import { main } from './cli.ts';

const files = [{ sha1: '1'.repeat(40), sha256: '2'.repeat(64), size: 3 }];
let folder: string;
let repository: SignedRepository;
let url: string;
let close: () => Promise<void>;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kbroker-tuf-'));
  repository = await SignedRepository.make({ feed: { catalogs: { pilot: files } } });
  await writeFile(join(folder, 'initial.json'), textOf(repository.parts.root));
  const server = createServer((request, response) => {
    const name = decodeURIComponent((request.url ?? '/').slice(1));
    repository.asked.push(name);
    const text = repository.objects.get(name);
    response.writeHead(text === undefined ? 404 : 200).end(text);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  close = async () => {
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
    await rm(folder, { recursive: true });
  };
});
afterEach(() => close());

async function client(...args: string[]) {
  const printed = { out: '', err: '' };
  const code = await main(['tuf-client', '--metadata-dir', join(folder, 'metadata'), ...args], {
    stdout: { write: (text) => (printed.out += text) },
    stderr: { write: (text) => (printed.err += text) },
    env: {},
    signal: new AbortController().signal,
  });
  return { code, ...printed };
}
const metadata = (): string[] => ['--metadata-url', `${url}/metadata`];
const target = (name: string): string[] => [
  ...metadata(),
  ...['--target-name', name, '--target-base-url', `${url}/targets`, '--target-dir', join(folder, 'targets')],
];

describe('kbroker-agent tuf-client', () => {
  it('begins with a root, refreshes, and downloads a target once', async () => {
    expect(await client('init', join(folder, 'initial.json'))).toMatchObject({ code: 0, err: '' });
    expect(repository.asked).toEqual([]);
    expect(await client(...metadata(), 'refresh')).toMatchObject({ code: 0, err: '' });
    expect((await readdir(join(folder, 'metadata'))).toSorted()).toEqual([
      'root.json',
      'snapshot.json',
      'targets.json',
      'timestamp.json',
    ]);
    expect(await client(...target('catalog/pilot.json'), 'download')).toMatchObject({ code: 0, err: '' });
    expect(JSON.parse(await readFile(join(folder, 'targets', 'catalog%2Fpilot.json'), 'utf8'))).toMatchObject({
      files,
    });
    repository.asked.length = 0;
    const again = await client(...target('catalog/pilot.json'), 'download');
    expect(again).toMatchObject({ code: 0, out: expect.stringContaining('already') });
    expect(repository.asked.filter((name) => name.startsWith('targets/'))).toEqual([]);
  });

  it('ends in exit code 1 for what is not proved, and keeps what was', async () => {
    await client('init', join(folder, 'initial.json'));
    await client(...metadata(), 'refresh');
    const before = await readFile(join(folder, 'metadata', 'timestamp.json'), 'utf8');
    repository.objects.set('metadata/timestamp.json', before.replace('"version":1', '"version":7'));
    expect(await client(...metadata(), 'refresh')).toMatchObject({
      code: 1,
      err: expect.stringContaining('timestamp'),
    });
    expect(await readFile(join(folder, 'metadata', 'timestamp.json'), 'utf8')).toBe(before);
    repository.objects.set('metadata/timestamp.json', before);
    for (const [name, text] of repository.objects)
      if (name.startsWith('targets/catalog')) repository.objects.set(name, text.replace('1111', '3333'));
    expect(await client(...target('catalog/pilot.json'), 'download')).toMatchObject({
      code: 1,
      err: expect.stringContaining('digest'),
    });
    expect(await client(...target('catalog/nobody.json'), 'download')).toMatchObject({
      code: 1,
      err: expect.stringContaining('no role names'),
    });
    expect(await readdir(folder)).not.toContain('targets');
  });

  it('says which option is missing', async () => {
    expect(await client('refresh')).toMatchObject({ code: 1, err: expect.stringContaining('--metadata-url') });
    expect(await client(...metadata(), 'download')).toMatchObject({
      code: 1,
      err: expect.stringContaining('--target-name'),
    });
  });
});
