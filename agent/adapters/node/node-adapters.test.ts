import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sha1, sha256 } from '../../fixtures/publication.ts';
import { openApplyLock } from './apply-lock.ts';
import { systemClock } from './clock.ts';
import { openDocumentFolder } from './documents.ts';
import { openFileStore } from './file-store.ts';
import { parseRetryAfter } from './http.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kbroker-node-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('the lock', () => {
  const path = (): string => join(folder, 'data', 'apply.lock');
  const lock = () => openApplyLock(path());
  const leave = async (holder: object | string) => {
    await (await lock().acquire()).release();
    await writeFile(path(), typeof holder === 'string' ? holder : JSON.stringify(holder));
  };
  const old = () => utimes(path(), new Date(0), new Date(0));

  it('is held by one, and free afterwards', async () => {
    const held = await lock().acquire();
    await expect(lock().acquire()).rejects.toMatchObject({ code: 'busy', retryable: false });
    await held.release();
    await (await lock().acquire()).release();
  });

  it('one of many who ask together gets it', async () => {
    const all = await Promise.allSettled(Array.from({ length: 20 }, () => lock().acquire()));
    expect(all.filter((one) => one.status === 'fulfilled')).toHaveLength(1);
  });

  it('of a process that died is taken over, by one', async () => {
    const child = spawn(process.execPath, ['-e', '']);
    await once(child, 'exit');
    await leave({ pid: child.pid, processStart: 1, token: 't' });
    const all = await Promise.allSettled(Array.from({ length: 10 }, () => lock().acquire()));
    expect(all.filter((one) => one.status === 'fulfilled')).toHaveLength(1);
    expect(await readdir(join(folder, 'data'))).toEqual(['apply.lock']);
  });

  it('of a process that died is taken over by one, however the askers interleave', async () => {
    for (let round = 0; round < 100; round++) {
      await leave({ pid: process.pid, processStart: 1, token: 't' });
      const all = await Promise.allSettled(Array.from({ length: 5 + (round % 20) }, () => lock().acquire()));
      const held = all.filter((one) => one.status === 'fulfilled');
      expect(held).toHaveLength(1);
      await held[0]?.value.release();
    }
  });

  it('is held by one at a time, however many take and release it', async () => {
    let inside = 0;
    let taken = 0;
    const most = { inside: 0 };
    const worker = async (): Promise<void> => {
      for (let round = 0; round < 60; round++) {
        const held = await lock()
          .acquire()
          .catch(() => undefined);
        if (held === undefined) continue;
        inside += 1;
        taken += 1;
        most.inside = Math.max(most.inside, inside);
        await readdir(folder);
        inside -= 1;
        await held.release();
      }
    };
    await Promise.all(Array.from({ length: 12 }, worker));
    expect(most.inside).toBe(1);
    expect(taken).toBeGreaterThan(10);
  });

  it('is taken over at the second try when the first died in the middle', async () => {
    await leave({ pid: process.pid, processStart: 1, token: 't' });
    await writeFile(`${path()}.turn`, JSON.stringify({ pid: process.pid, processStart: 1, token: 'u' }));
    await expect(lock().acquire()).rejects.toMatchObject({ code: 'busy' });
    await (await lock().acquire()).release();
    expect(await readdir(join(folder, 'data'))).toEqual([]);
  });

  it('of another process that lives is respected, unless it was silent for long', async () => {
    await leave({ pid: process.ppid, processStart: 1, token: 't' });
    await expect(lock().acquire()).rejects.toMatchObject({ message: expect.stringContaining(String(process.ppid)) });
    await old();
    await (await lock().acquire()).release();
  });

  it('of an earlier process with the same pid is taken over', async () => {
    await leave({ pid: process.pid, processStart: 1, token: 't' });
    await (await lock().acquire()).release();
  });

  it('that is empty is respected while it is fresh', async () => {
    await leave('');
    await expect(lock().acquire()).rejects.toMatchObject({ code: 'busy' });
    await old();
    await (await lock().acquire()).release();
  });

  it('is not removed by who lost it', async () => {
    const held = await lock().acquire();
    await writeFile(path(), JSON.stringify({ pid: process.ppid, processStart: 1, token: 'other' }));
    await held.release();
    expect(await readFile(path(), 'utf8')).toContain('other');
  });
});

describe('documents', () => {
  const aside: string[] = [];
  const open = () => openDocumentFolder({ folder: join(folder, 'state'), onSetAside: (path) => aside.push(path) });
  const text = (value: unknown): string => {
    if (typeof value !== 'string') throw new TypeError('not a string');
    return value;
  };

  it('come back as they were written, and are missing before', async () => {
    expect(await open().read('rules', text)).toBeUndefined();
    await open().write('rules', 'a');
    await open().write('rules', 'b');
    expect(await open().read('rules', text)).toBe('b');
    expect(await readdir(join(folder, 'state'))).toEqual(['rules.json']);
  });

  it('that are damaged, or not what was expected, are set aside', async () => {
    await open().write('rules', 5);
    expect(await open().read('rules', text)).toBeUndefined();
    expect(aside).toEqual([join(folder, 'state', 'rules.json.damaged')]);
    expect(await readFile(aside[0] ?? '', 'utf8')).toBe('5\n');
    expect(await open().read('rules', text)).toBeUndefined();
  });

  it('that cannot be written are an error of the disk', async () => {
    await writeFile(join(folder, 'state'), 'a file, not a folder');
    await expect(open().write('rules', 'a')).rejects.toMatchObject({ code: 'disk' });
  });
});

describe('the file store', () => {
  const data = Buffer.from('some bytes');
  const slot = { kind: 'payload', sha1: sha1(data) } as const;
  const expected = { bytes: data.length, sha256: sha256(data), sha1: sha1(data) };

  it('keeps a part until it is proved, and refuses what is not right', async () => {
    const store = openFileStore(folder);
    const part = await store.openPart(slot);
    await part.restart({ source: 'repository', etag: '"e"' });
    await part.append(data.subarray(0, 4));
    await part.close();
    expect(await store.list('payload')).toEqual([{ slot, whole: false, bytes: 4 }]);

    const again = await openFileStore(folder).openPart(slot);
    expect([again.bytes, again.origin]).toEqual([4, { source: 'repository', etag: '"e"' }]);
    await expect(again.commit(expected)).rejects.toMatchObject({ code: 'damaged' });
    await again.append(data.subarray(4));
    await expect(again.commit({ ...expected, sha1: sha1(Buffer.from('x')) })).rejects.toMatchObject({
      message: expect.stringContaining('SHA-1'),
    });
    await again.commit(expected);
    expect(await readdir(join(folder, 'payloads'))).toEqual([slot.sha1]);
    expect(await store.verify(slot, expected)).toBe(true);
    expect(await store.verify(slot, { ...expected, sha256: sha256(Buffer.from('x')) })).toBe(false);
    expect(await store.list('payload')).toEqual([{ slot, whole: true, bytes: data.length }]);
    await store.remove(slot);
    expect(await store.has(slot)).toBe(false);
    expect(await store.list('payload')).toEqual([]);
  });

  it('goes on with a part that an older agent left, which had one source only', async () => {
    const part = await openFileStore(folder).openPart(slot);
    await part.close();
    await writeFile(`${openFileStore(folder).pathOf(slot)}.part.json`, '{"etag":"\\"e\\""}');
    expect((await openFileStore(folder).openPart(slot)).origin).toEqual({ source: 'repository', etag: '"e"' });
  });

  it('lists its own files only', async () => {
    const store = openFileStore(folder);
    expect(await store.list('index')).toEqual([]);
    await (await store.openPart({ kind: 'index', sha256: 'a'.repeat(64) })).close();
    await writeFile(join(folder, 'index', 'notes.txt'), '');
    expect(await store.list('index')).toEqual([
      { slot: { kind: 'index', sha256: 'a'.repeat(64) }, whole: false, bytes: 0 },
    ]);
  });
});

describe('parseRetryAfter', () => {
  const now = new Date('2026-01-01T00:00:00Z');
  it.each([
    ['120', 120],
    ['0', 0],
    ['Thu, 01 Jan 2026 00:02:00 GMT', 120],
    ['Wed, 31 Dec 2025 00:00:00 GMT', 0],
    ['soon', undefined],
    [undefined, undefined],
  ])('%s is %s seconds', (value, seconds) => {
    expect(parseRetryAfter(value, now)).toBe(seconds);
  });
});

describe('the clock', () => {
  it('wakes when it is asked to stop', async () => {
    const stop = new AbortController();
    const slept = systemClock.sleep(3600, stop.signal);
    stop.abort();
    await slept;
    await systemClock.sleep(0);
    expect(Math.abs(systemClock.now().getTime() - Date.now())).toBeLessThan(1000);
  });
});
