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
              const text = await readIfThere(path);
              if (text !== undefined && parseHolder(text)?.token === me.token) await removeIfThere(path);
            }),
        };
      }),
  };
}

const busy = (path: string, other: Holder | undefined): AgentError =>
  new AgentError('busy', `another run of the agent${other ? ` (process ${other.pid})` : ''} is at work; lock ${path}`);

/**
 * Takes the place of a dead holder. One at a time does so, and judges again once it is its turn: who judged before
 * another one's turn would take away the lock of a living holder.
 */
async function takeOver(path: string, me: Holder): Promise<void> {
  const other = await livingHolder(path);
  if (other !== undefined) throw busy(path, other);
  const turn = `${path}.turn`;
  if (!(await create(turn, me))) {
    // A turn takes milliseconds; one that is left was left by a crash, and the next run finds it gone.
    if ((await livingHolder(turn)) === undefined) await removeIfThere(turn);
    throw busy(path, await livingHolder(path));
  }
  try {
    const successor = await livingHolder(path);
    if (successor !== undefined) throw busy(path, successor);
    await removeIfThere(path);
    if (!(await create(path, me))) throw busy(path, await livingHolder(path));
  } finally {
    await removeIfThere(turn);
  }
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

/** Who holds the lock, or undefined when nobody alive does. */
async function livingHolder(path: string): Promise<Holder | undefined> {
  let text: string;
  let silence: number;
  try {
    text = await readFile(path, 'utf8');
    silence = (Date.now() - (await stat(path)).mtimeMs) / 1000;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
  const found = parseHolder(text);
  // A file without a holder: just created and about to be filled, or left by a crash in that moment.
  if (found === undefined) return silence < beatSeconds ? { pid: 0, processStart: 0, token: '' } : undefined;
  if (silence > silentSeconds) return undefined;
  if (found.pid === process.pid) return found.processStart === performance.timeOrigin ? found : undefined;
  return isAlive(found.pid) ? found : undefined;
}

function parseHolder(text: string): Holder | undefined {
  try {
    return z.parse(holder, JSON.parse(text));
  } catch {
    // Not a holder; the caller decides by the age of the file.
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it lives and belongs to somebody else.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
