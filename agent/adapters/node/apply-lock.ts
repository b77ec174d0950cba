import { randomUUID } from 'node:crypto';
import { mkdir, open, readFile, stat, utimes } from 'node:fs/promises';
import { dirname } from 'node:path';
import * as z from 'zod/mini';
import { AgentError } from '../../ports/agent-error.ts';
import type { ApplyLock } from '../../ports/surroundings.ts';
import { isMissing, onDisk, readIfThere, removeIfThere } from './disk.ts';

const holder = z.object({ pid: z.int(), processStart: z.number(), token: z.string() });
type Holder = z.infer<typeof holder>;

/** How often a holder shows that it lives, and how long it may be silent. Seconds. */
const beatSeconds = 10;
const silentSeconds = 60;

/**
 * A lock as a file. Its holder touches it while it works. A holder counts as dead when its process is gone, when this
 * process has its pid but began later (pids repeat, above all in containers), or when it was silent for a minute.
 */
export function openApplyLock(path: string): ApplyLock {
  return {
    acquire: () =>
      onDisk(`cannot lock ${path}`, async () => {
        await mkdir(dirname(path), { recursive: true });
        const me: Holder = { pid: process.pid, processStart: performance.timeOrigin, token: randomUUID() };
        if (!(await create(path, me))) await takeOver(path, me);
        const beat = setInterval(() => {
          // A beat that fails is made up for by the next; after a minute of failures the disk is the problem.
          utimes(path, new Date(), new Date()).catch(() => undefined);
        }, beatSeconds * 1000);
        beat.unref();
        return {
          release: () =>
            onDisk(`cannot release ${path}`, async () => {
              clearInterval(beat);
              await removeIfMine(path, me);
            }),
        };
      }),
  };
}

const busy = (path: string, other: Holder | undefined): AgentError =>
  new AgentError('busy', `another run of the agent${other ? ` (process ${other.pid})` : ''} is at work; lock ${path}`);

/**
 * Takes the lock when it was released meanwhile, or the place of a dead holder. Of those one at a time does so, and judges again
 * once it is its turn: who judged before another one's turn would take away the lock of a living holder.
 */
async function takeOver(path: string, me: Holder): Promise<void> {
  const found = await look(path);
  if (found.state === 'living') throw busy(path, found.holder);
  if (found.state === 'free') return createOrFail(path, me);
  const turn = `${path}.turn`;
  if (!(await create(turn, me))) {
    // A turn takes milliseconds; one that is dead was left by a crash, and the next run finds it gone.
    if ((await look(turn)).state === 'dead') await removeIfThere(turn);
    throw busy(path, undefined);
  }
  try {
    const again = await look(path);
    if (again.state === 'living') throw busy(path, again.holder);
    if (again.state === 'dead') await removeIfThere(path);
    await createOrFail(path, me);
  } finally {
    await removeIfMine(turn, me);
  }
}

async function createOrFail(path: string, me: Holder): Promise<void> {
  if (await create(path, me)) return;
  const found = await look(path);
  throw busy(path, found.state === 'living' ? found.holder : undefined);
}

async function removeIfMine(path: string, me: Holder): Promise<void> {
  const text = await readIfThere(path);
  if (text !== undefined && parseHolder(text)?.token === me.token) await removeIfThere(path);
}

async function create(path: string, me: Holder): Promise<boolean> {
  try {
    const handle = await open(path, 'wx');
    try {
      await handle.writeFile(JSON.stringify(me));
    } catch (error) {
      // Nobody holds a lock without a name in it; on a disk without room it would keep out the next run.
      await removeIfThere(path);
      throw error;
    } finally {
      await handle.close();
    }
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

type Found = { readonly state: 'free' | 'dead' } | { readonly state: 'living'; readonly holder: Holder | undefined };

/** How a lock stands: not there, held by somebody alive, or left by somebody who is not. */
async function look(path: string): Promise<Found> {
  let text: string;
  let silence: number;
  try {
    text = await readFile(path, 'utf8');
    silence = (Date.now() - (await stat(path)).mtimeMs) / 1000;
  } catch (error) {
    if (isMissing(error)) return { state: 'free' };
    throw error;
  }
  const holder = parseHolder(text);
  // A file without a holder: just created and about to be filled, or left by a crash in that moment.
  if (holder === undefined) return silence < beatSeconds ? { state: 'living', holder } : { state: 'dead' };
  if (silence > silentSeconds) return { state: 'dead' };
  const isAlive = holder.pid === process.pid ? holder.processStart === performance.timeOrigin : runs(holder.pid);
  return isAlive ? { state: 'living', holder } : { state: 'dead' };
}

function parseHolder(text: string): Holder | undefined {
  try {
    return z.parse(holder, JSON.parse(text));
  } catch {
    // Not a holder; the caller decides by the age of the file.
    return undefined;
  }
}

function runs(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it lives and belongs to somebody else.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
