import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Bench, openBench } from '../fixtures/bench.ts';
import { sha1, sha256 } from '../fixtures/publication.ts';
import type { Agent } from './agent.ts';
import { download } from './download.ts';
import { repositorySource } from './sources.ts';

const data = randomBytes(300_000);
const slot = { kind: 'payload', sha1: sha1(data) } as const;
const key = { kind: 'payload', sha256: sha256(data) } as const;
const expected = { bytes: data.length, sha256: sha256(data), sha1: sha1(data) };
const payloads = /^\/payloads/;

let bench: Bench;
let agent: Agent;
beforeEach(async () => {
  bench = await openBench();
  bench.site.hold({ data });
  agent = await bench.agent(undefined, { triesPerCycle: 1 });
});
afterEach(() => bench.close());

const from = (to: Agent = agent) => repositorySource(to, key);
const run = (to: Agent = agent) => download(to, from(to), slot, expected);
const path = (): string => agent.adapters.files.pathOf(slot);
const ranges = () => bench.site.gets(payloads).map((request) => [request.status, request.range]);
const partLength = async (): Promise<number> => (await readFile(`${path()}.part`)).length;
/** Leaves the beginning of the file, as a broken connection does. */
const cutAfter = async (bytes: number): Promise<void> => {
  bench.site.fail(payloads, { type: 'cut', afterBytes: bytes });
  await expect(run()).rejects.toMatchObject({ code: 'cut', retryable: true });
};

describe('download', () => {
  it('brings the file once, and not again', async () => {
    expect(await run()).toEqual({ bytesReceived: data.length, bytesResumed: 0 });
    expect(await readFile(path())).toEqual(data);
    expect(await run()).toEqual({ bytesReceived: 0, bytesResumed: 0 });
    expect(ranges()).toEqual([[200, undefined]]);
  });

  it('goes on where the connection broke, also in another process', async () => {
    await cutAfter(120_000);
    const there = await partLength();
    expect(there).toBe(120_000);
    const other = await bench.agent(undefined, { triesPerCycle: 1 });
    expect(await run(other)).toEqual({ bytesReceived: data.length - there, bytesResumed: there });
    expect(await readFile(path())).toEqual(data);
    expect(ranges()).toEqual([
      [200, undefined],
      [206, `bytes=${there}-`],
    ]);
  });

  it('goes on by itself while there are tries', async () => {
    bench.site.fail(payloads, { type: 'cut', afterBytes: 50_000 }, 2);
    const patient = await bench.agent(undefined, { triesPerCycle: 3 });
    expect(await run(patient)).toMatchObject({ bytesReceived: data.length });
    expect(ranges().map(([status]) => status)).toEqual([200, 206, 206]);
  });

  it('starts again when the object changed meanwhile: If-Range brings the whole', async () => {
    await cutAfter(120_000);
    const held = bench.site.objects.get(`payloads/sha256/${key.sha256}`);
    if (held) held.etag = '"changed"';
    expect(await run()).toMatchObject({ bytesReceived: data.length });
    expect(ranges().map(([status]) => status)).toEqual([200, 200]);
    expect(await readFile(path())).toEqual(data);
  });

  it('does not trust a range under another ETag', async () => {
    await cutAfter(120_000);
    bench.site.fail(payloads, { type: 'other-etag' });
    expect(await run()).toMatchObject({ bytesReceived: data.length });
    expect(ranges().map(([status]) => status)).toEqual([200, 206, 200]);
    expect(await readFile(path())).toEqual(data);
  });

  it('takes the whole from a server without ranges', async () => {
    await cutAfter(120_000);
    bench.site.fail(payloads, { type: 'no-ranges' });
    expect(await run()).toMatchObject({ bytesReceived: data.length });
    expect(await readFile(path())).toEqual(data);
  });

  it('a partial file that was damaged on the disk is noticed, and the download starts again once', async () => {
    await cutAfter(120_000);
    await writeFile(`${path()}.part`, Buffer.alloc(120_000));
    expect(await run()).toEqual({ bytesReceived: data.length * 2 - 120_000, bytesResumed: 120_000 });
    expect(ranges()).toEqual([
      [200, undefined],
      [206, 'bytes=120000-'],
      [200, undefined],
    ]);
    expect(await readFile(path())).toEqual(data);
  });

  it('a partial file longer than the whole is dropped', async () => {
    await cutAfter(120_000);
    await writeFile(`${path()}.part`, Buffer.alloc(data.length + 1));
    await run();
    expect(ranges().at(-1)).toEqual([200, undefined]);
    expect(await readFile(path())).toEqual(data);
  });

  it('a partial file without a note of its ETag is dropped', async () => {
    await cutAfter(120_000);
    await writeFile(`${path()}.part.json`, '{"etag"');
    await run();
    expect(ranges().at(-1)).toEqual([200, undefined]);
    expect(await readFile(path())).toEqual(data);
  });

  it('wrong bytes are asked for twice and never kept', async () => {
    bench.site.fail(payloads, { type: 'wrong-bytes' }, 2);
    await expect(run()).rejects.toMatchObject({ code: 'damaged', retryable: false });
    expect(ranges()).toHaveLength(2);
    await expect(readFile(path())).rejects.toThrow('ENOENT');
    expect(await partLength()).toBe(0);
  });

  it('a longer body is refused when it is announced, and stopped when it is not', async () => {
    bench.site.fail(payloads, { type: 'longer', bytes: 1, announced: true });
    await expect(run()).rejects.toMatchObject({ code: 'too-long', message: expect.stringContaining('300001') });
    bench.site.fail(payloads, { type: 'longer', bytes: 50_000_000, announced: false });
    await expect(run()).rejects.toMatchObject({ code: 'too-long', message: expect.stringContaining('more arrive') });
    expect(await partLength()).toBe(0);
  });

  it('a shorter object is refused before it is read', async () => {
    const held = bench.site.objects.get(`payloads/sha256/${key.sha256}`);
    if (held) held.data = data.subarray(0, 1000);
    await expect(run()).rejects.toMatchObject({ code: 'damaged' });
  });

  it('a connection that goes silent is given up, and what came is kept', async () => {
    bench.site.fail(payloads, { type: 'hang', afterBytes: 80_000 });
    await expect(run()).rejects.toMatchObject({ code: 'timeout', retryable: true });
    expect(await partLength()).toBe(80_000);
    expect(await run()).toMatchObject({ bytesResumed: 80_000 });
  });

  it('an empty file is a file', async () => {
    const empty = new Uint8Array();
    bench.site.hold({ data: empty });
    const to = { kind: 'payload', sha1: sha1(empty) } as const;
    await download(agent, repositorySource(agent, { kind: 'payload', sha256: sha256(empty) }), to, {
      bytes: 0,
      sha256: sha256(empty),
    });
    expect(await agent.adapters.files.has(to)).toBe(true);
  });

  it('stops when it is asked to, and can be resumed', async () => {
    bench.site.fail(payloads, { type: 'hang', afterBytes: 80_000 });
    const stop = AbortSignal.timeout(200);
    await expect(download(agent, from(), slot, expected, stop)).rejects.toMatchObject({
      code: 'stopped',
    });
    expect(await run()).toMatchObject({ bytesResumed: 80_000 });
  });

  it('says what the repository lacks, and heeds Retry-After', async () => {
    bench.site.fail(payloads, { type: 'status', status: 503, retryAfter: '17' });
    await expect(run()).rejects.toMatchObject({ code: 'unavailable', retryAfterSeconds: 17 });
    bench.site.objects.clear();
    // Whoever has fresh cookies knows that it is not there.
    await expect(run()).rejects.toMatchObject({ code: 'refused' });
  });
});
