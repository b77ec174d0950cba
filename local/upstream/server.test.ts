import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { readIndex } from '#shared/index/index.ts';
import { haveSamples, sample } from '#test/kit/samples.ts';
import { type ControllableMicrosoft, hosts, startFakeMicrosoft } from './server.ts';
import { indexPath } from './shelf.ts';

const folder = mkdtempSync(join(tmpdir(), 'kbroker-microsoft-'));
let microsoft: ControllableMicrosoft;
beforeAll(async () => {
  microsoft = await startFakeMicrosoft({ dataDir: join(folder, 'main') });
});
afterAll(async () => {
  await microsoft.close();
  rmSync(folder, { recursive: true, force: true });
});

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** Message of the error that ended the body too early. */
  readonly broken?: string;
}

/** One request under a real name, sent to where the address book says that it is. */
function ask(
  address: string,
  headers: Record<string, string> = {},
  options: { readonly method?: string; readonly of?: ControllableMicrosoft } = {},
): Promise<Answer> {
  const url = new URL(address);
  const secure = url.protocol === 'https:';
  const { connect, caFile } = (options.of ?? microsoft).addresses;
  const target = new URL(`http://${connect[`${url.hostname}:${secure ? 443 : 80}`]}`);
  return new Promise((resolve, reject) => {
    const request = (secure ? httpsRequest : httpRequest)(
      {
        host: target.hostname,
        port: target.port,
        path: url.pathname,
        method: options.method ?? 'GET',
        headers: { host: url.hostname, ...headers },
        ...(secure ? { ca: readFileSync(caFile), servername: url.hostname } : {}),
      },
      (response) => {
        const chunks: Buffer[] = [];
        const done = (broken?: string): void =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(chunks),
            ...(broken === undefined ? {} : { broken }),
          });
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => done());
        response.on('error', (error) => done(error.message));
      },
    );
    request.on('error', reject);
    request.end();
  });
}

const indexUrl = `https://catalog.s.download.windowsupdate.com${indexPath}`;
const hash = (algorithm: string, bytes: Buffer): string => createHash(algorithm).update(bytes).digest('hex');

describe('before anything is published', () => {
  it('has no index, and refuses other hosts, methods and unknown paths', async () => {
    expect(microsoft.current()).toBeUndefined();
    expect((await ask(indexUrl)).status).toBe(404);
    expect((await ask('http://download.windowsupdate.com/nothing')).status).toBe(404);
    expect((await ask('http://download.windowsupdate.com/', {}, { method: 'POST' })).status).toBe(405);
    expect((await ask('http://download.windowsupdate.com/x', { host: 'evil.example' })).status).toBe(404);
  });
});

describe('the first publication', () => {
  beforeAll(async () => {
    const first = await microsoft.publishNext();
    expect(first.number).toBe(1);
    expect(microsoft.current()).toEqual(first);
    expect(microsoft.publishedFile()).toBeUndefined();
  });
  afterEach(() => {
    for (const { id } of microsoft.faults.active) microsoft.faults.remove(id);
  });

  it('is served under every name, by HTTP and by HTTPS, with the headers of IIS', async () => {
    const current = microsoft.current();
    for (const host of hosts) {
      for (const scheme of ['http', 'https']) {
        const { status, headers, body } = await ask(`${scheme}://${host}${indexPath}`);
        expect(status).toBe(200);
        expect(hash('sha256', body)).toBe(current?.indexSha256);
        expect(headers).toMatchObject({
          'content-type': 'application/octet-stream',
          'content-length': String(current?.indexBytes),
          'accept-ranges': 'bytes',
          etag: current?.etag,
          'last-modified': 'Tue, 13 Jan 2026 14:36:24 GMT',
        });
      }
    }
  });

  it('answers conditional requests', async () => {
    const { etag = '', 'last-modified': modified = '' } = (await ask(indexUrl, {}, { method: 'HEAD' })).headers;
    const before = microsoft.counters();
    const statusFor = async (headers: Record<string, string>): Promise<number> => (await ask(indexUrl, headers)).status;
    expect(await statusFor({ 'if-none-match': etag })).toBe(304);
    expect(await statusFor({ 'if-none-match': `"x", W/${etag}` })).toBe(304);
    expect(await statusFor({ 'if-none-match': '"x"', 'if-modified-since': modified })).toBe(200);
    expect(await statusFor({ 'if-modified-since': modified })).toBe(304);
    expect(await statusFor({ 'if-modified-since': 'Mon, 12 Jan 2026 00:00:00 GMT' })).toBe(200);
    expect(await statusFor({ 'if-match': '"x"' })).toBe(412);
    expect(await statusFor({ 'if-match': etag })).toBe(200);
    expect(await statusFor({ 'if-unmodified-since': 'Mon, 12 Jan 2026 00:00:00 GMT' })).toBe(412);
    const after = microsoft.counters();
    expect(after.indexNotModified - before.indexNotModified).toBe(3);
    expect(after.indexDownloads - before.indexDownloads).toBe(3);
  });

  it('answers ranges, and If-Range with everything when the tag is another', async () => {
    const whole = await ask(indexUrl);
    const size = whole.body.byteLength;
    const part = await ask(indexUrl, { range: 'bytes=1000-1999', 'if-range': whole.headers.etag ?? '' });
    expect(part.status).toBe(206);
    expect(part.headers['content-range']).toBe(`bytes 1000-1999/${size}`);
    expect(part.body.equals(whole.body.subarray(1000, 2000))).toBe(true);
    expect((await ask(indexUrl, { range: 'bytes=0-9', 'if-range': '"another"' })).status).toBe(200);
    expect((await ask(indexUrl, { range: `bytes=${size}-` })).status).toBe(416);
  });

  it('has each payload file at the address that the index tells, with the digests that it tells', async () => {
    const index = await ask(indexUrl);
    const catalog = await readIndex(
      (async function* () {
        yield index.body;
      })(),
    );
    const files = [...catalog.files.values()];
    const before = microsoft.counters();
    for (const file of files.slice(0, 12)) {
      const { status, body } = await ask(file.url ?? '');
      expect(status).toBe(200);
      expect(body.byteLength).toBe(file.size);
      expect(hash('sha1', body)).toBe(file.sha1);
      if (file.sha256 !== undefined) expect(hash('sha256', body)).toBe(file.sha256);
      const range = await ask(file.url ?? '', { range: 'bytes=777-1234' });
      expect(range.body.equals(body.subarray(777, 1235))).toBe(true);
    }
    const after = microsoft.counters();
    expect(after.payloadGets - before.payloadGets).toBe(24);
    expect(after.byPath[new URL(files[0]?.url ?? '').pathname]).toBe(2);
    expect(Object.values(after.byHost).reduce((sum, gets) => sum + gets, 0)).toBe(after.payloadGets);
  });

  it('shows each fault on demand, as often as asked', async () => {
    const path = /wsusscn2\.cab$/;
    const good = await ask(indexUrl);
    microsoft.addFault({ path, kind: { type: 'status', status: 503, retryAfterSeconds: 2 }, times: 1 });
    const busy = await ask(indexUrl);
    expect([busy.status, busy.headers['retry-after']]).toEqual([503, '2']);

    const location = 'http://elsewhere.example/x.cab';
    microsoft.addFault({ path, kind: { type: 'redirect', location }, times: 1 });
    const moved = await ask(indexUrl);
    expect([moved.status, moved.headers.location]).toEqual([302, location]);

    const host = 'download.windowsupdate.com';
    const away = microsoft.addFault({ path, host, kind: { type: 'no-answer' } });
    await expect(ask(`http://${host}${new URL(indexUrl).pathname}`)).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect((await ask(`https://catalog.s.${host}${new URL(indexUrl).pathname}`)).status).toBe(200);
    away();

    microsoft.addFault({ path, kind: { type: 'cut', afterBytes: 70_000 }, times: 1 });
    const cut = await ask(indexUrl);
    expect(cut.body.byteLength).toBe(70_000);
    expect(cut.broken).toBeDefined();

    microsoft.addFault({ path, kind: { type: 'cut', afterBytes: 0 }, times: 1 });
    const nothing = await ask(indexUrl);
    expect([nothing.status, nothing.body.byteLength]).toEqual([200, 0]);
    expect(nothing.broken).toBeDefined();

    microsoft.addFault({ path, kind: { type: 'wrong-bytes' }, times: 1 });
    const wrong = await ask(indexUrl);
    expect(wrong.body.byteLength).toBe(good.body.byteLength);
    expect(wrong.body.equals(good.body)).toBe(false);

    const off = microsoft.addFault({ path, kind: { type: 'changing-etag' } });
    const ranged = [await ask(indexUrl, { range: 'bytes=0-9' }), await ask(indexUrl, { range: 'bytes=0-9' })];
    expect(new Set([good, ...ranged].map((answer) => answer.headers.etag)).size).toBe(3);
    expect((await ask(indexUrl, { range: 'bytes=0-9', 'if-range': good.headers.etag ?? '' })).status).toBe(200);
    expect((await ask(indexUrl)).headers.etag).toBe(good.headers.etag);
    off();
    expect(await ask(indexUrl, { range: 'bytes=0-9' })).toMatchObject({ headers: { etag: good.headers.etag } });

    microsoft.addFault({ path, kind: { type: 'slow', bytesPerSecond: 4_000 }, times: 1 });
    const started = performance.now();
    const slow = await ask(indexUrl, { range: 'bytes=0-1999' });
    expect(slow.body.equals(good.body.subarray(0, 2000))).toBe(true);
    expect(performance.now() - started).toBeGreaterThan(400);
    expect((await ask(indexUrl)).body.equals(good.body)).toBe(true);
  });
});

describe('a restart', () => {
  it('goes on with the same publication, ports, certificates and payload files', async () => {
    const dataDir = join(folder, 'restarted');
    const first = await startFakeMicrosoft({ dataDir, seed: 5 });
    const published = await first.publishNext();
    const authority = readFileSync(first.addresses.caFile, 'utf8');
    const catalog = await readIndex(
      (async function* () {
        yield (await ask(indexUrl, {}, { of: first })).body;
      })(),
    );
    await first.close();
    const second = await startFakeMicrosoft({ dataDir });
    try {
      expect(second.current()).toEqual(published);
      expect(second.addresses).toEqual(first.addresses);
      expect(readFileSync(second.addresses.caFile, 'utf8')).toBe(authority);
      const file = [...catalog.files.values()][3];
      const served = await ask(file?.url ?? '', {}, { of: second });
      expect(hash('sha1', served.body)).toBe(file?.sha1);
      const next = await second.publishNext();
      expect(next.number).toBe(2);
      expect(next.etag).not.toBe(published.etag);
      expect(next.indexSha256).not.toBe(published.indexSha256);
      expect((await ask(file?.url ?? '', {}, { of: second })).status).toBe(200);
    } finally {
      await second.close();
    }
    await expect(startFakeMicrosoft({ dataDir, seed: 6 })).rejects.toMatchObject({ code: 'bad-state' });
    writeFileSync(join(dataDir, 'state.json'), '{"version":1');
    await expect(startFakeMicrosoft({ dataDir })).rejects.toMatchObject({ code: 'bad-state' });
  });
});

describe('files of somebody else', () => {
  it('are published when they are an index, once, and refused when they are not', async () => {
    const index = join(folder, 'wsusscn2.cab');
    writeFileSync(index, (await ask(indexUrl)).body);
    const other = await startFakeMicrosoft({ dataDir: join(folder, 'taken') });
    try {
      const taken = await other.publishFile(index);
      expect(taken).toMatchObject({ number: 1, indexSha256: microsoft.current()?.indexSha256 });
      expect(await other.publishFile(index)).toEqual(taken);
      expect(await other.publishFile(index)).toEqual(other.current());
      const text = join(folder, 'text.cab');
      writeFileSync(text, 'no cabinet at all');
      await expect(other.publishFile(text)).rejects.toMatchObject({ code: 'unusable-file' });
      expect(other.current()).toEqual(taken);
    } finally {
      await other.close();
    }
  });

  it.runIf(haveSamples)(
    'serve the index of a real .msu byte for byte, and its payload where the index says',
    async () => {
      const msu = join(folder, 'a.msu');
      copyFileSync(sample('msu', 'Windows6.1-KB2999226-x64.msu'), msu);
      const other = await startFakeMicrosoft({ dataDir: join(folder, 'msu') });
      try {
        const taken = await other.publishFile(msu);
        const { body } = await ask(indexUrl, {}, { of: other });
        // With the signature behind the cabinet; as cabextract takes it out of the .msu.
        expect(taken.indexBytes).toBe(171_784);
        expect(taken.indexSha256).toBe('4b1aecb3a048d7714d6a1465cfdace880fc5a9f77f6db1d2ea9ad2d8a06dcc84');
        expect(hash('sha256', body)).toBe(taken.indexSha256);
        const payload = await ask('http://www.windowsupdate.com/Windows6.1-KB2999226-x64.cab', {}, { of: other });
        expect(hash('sha1', payload.body)).toBe('2509ad86db7608a9f806c9549e13e5fd64d98a92');
        expect(hash('sha256', payload.body)).toBe('da9ef7ee23a63f4cd38325c6ffcead50ea565e92dfed3af3318f9e52278372e6');
        expect(await other.publishFile(msu)).toEqual(taken);
        expect(other.publishedFile()).toBe('a.msu');
        expect(existsSync(join(folder, 'msu', 'publications', '2'))).toBe(false);
      } finally {
        await other.close();
      }
    },
  );
});
