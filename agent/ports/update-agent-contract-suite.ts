import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { hostFacts } from '#shared/contract/agent/report.ts';
import type { NeededUpdate } from '#shared/core/catalog/scan.ts';
import { leafId, publish, type SmallUpdate, sha1, sha256, unitId } from '../fixtures/publication.ts';
import type { IndexFile, InstallFile, UpdateAgent } from './update-agent.ts';

const bytes = (text: string): Uint8Array => Buffer.from(text);
const older = { id: 10, kb: '5000010', files: [{ name: 'old.cab', data: bytes('old') }], supersededBy: [11] };
const newer = {
  id: 11,
  kb: '5000011',
  title: 'Cumulative update (KB5000011)',
  severity: 'Critical',
  reboot: 'AlwaysRequiresReboot',
  files: [
    { name: 'first.cab', data: bytes('first') },
    { name: 'second.cab', data: bytes('second') },
  ],
};
const there = { id: 12, kb: '5000012', files: [{ name: 'there.cab', data: bytes('there') }] };
const broken = { id: 13, kb: '5000013', files: [{ name: 'broken.cab', data: bytes('broken') }] };
const updates: readonly SmallUpdate[] = [older, newer, there, broken];

/** A machine for the suite: `there` is installed on it, and installing `broken` fails with 0x80070643. */
interface SuiteMachine {
  readonly folder: string;
  readonly installed: readonly string[];
  readonly failing: readonly { readonly updateId: string; readonly hresult: string }[];
}

/** An adapter under test. */
export interface UpdateAgentUnderTest {
  readonly name: string;
  /** Makes the machine; called once for each test. */
  prepare(machine: SuiteMachine): Promise<void>;
  /** The adapter on that machine; called again, it is as after a restart of the agent. */
  open(folder: string): UpdateAgent;
  /** A fresh folder, and what removes it. */
  folder(): Promise<{ readonly path: string; remove(): Promise<void> }>;
}

/** What every adapter of the Windows Update Agent must do, the simulated one as the one on Windows. */
export function updateAgentContract(under: UpdateAgentUnderTest): void {
  describe(`the Windows Update Agent, ${under.name}`, () => {
    let folder: { readonly path: string; remove(): Promise<void> };
    let agent: UpdateAgent;
    let index: IndexFile;

    beforeEach(async () => {
      folder = await under.folder();
      await mkdir(join(folder.path, 'files'), { recursive: true });
      const { cab, pointer } = publish(updates);
      index = { path: join(folder.path, 'index.cab'), sha256: pointer.sha256 };
      await writeFile(index.path, cab);
      await under.prepare({
        folder: folder.path,
        installed: [unitId(12), leafId(12)],
        failing: [{ updateId: unitId(13), hresult: '0x80070643' }],
      });
      agent = under.open(folder.path);
    });
    afterEach(() => folder.remove());

    const find = async (id: number): Promise<NeededUpdate> => {
      const found = (await agent.scan(index)).needed.find((update) => update.updateId === unitId(id));
      if (found === undefined) throw new Error(`the scan does not need update ${id}`);
      return found;
    };
    /** Puts the files of an update on the disk under the names that the agent gives them: their SHA-1. */
    const put = async (update: SmallUpdate): Promise<InstallFile[]> => {
      const list: InstallFile[] = [];
      for (const { name, data } of update.files) {
        const path = join(folder.path, 'files', sha1(data));
        await writeFile(path, data);
        list.push({ path, name, sha1: sha1(data), sha256: sha256(data), size: data.byteLength });
      }
      return list;
    };
    const idsAfter = async () => {
      const { needed, installed } = await under.open(folder.path).scan(index);
      return { needed: needed.map((update) => update.updateId), installed: installed.map((update) => update.updateId) };
    };
    const untouched = { needed: [unitId(10), unitId(11), unitId(13)], installed: [unitId(12)] };

    it('gives facts of the machine that the contract takes', async () => {
      const facts = { ...(await agent.machine()), agentVersion: '1' };
      expect(z.parse(hostFacts, facts)).toEqual(facts);
    });

    it('finds what is needed and what is installed, oldest first, with what the index says of it', async () => {
      const { needed, installed } = await agent.scan(index);
      expect(needed.map((update) => update.updateId)).toEqual(untouched.needed);
      expect(installed.map((update) => update.kbs)).toEqual([['5000012']]);
      expect(needed[1]).toMatchObject({
        revision: 100,
        title: newer.title,
        kbs: ['5000011'],
        severity: 'Critical',
        reboot: 'always',
        supersededBy: [],
      });
      expect(needed[1]?.files.map((file) => [file.sha1, file.name])).toEqual(
        newer.files.map((file) => [sha1(file.data), file.name]),
      );
      expect(needed[0]?.supersededBy).toEqual([unitId(11)]);
    });

    it('changes nothing by scanning', async () => {
      expect(await agent.scan(index)).toEqual(await agent.scan(index));
    });

    it('installs an update whose files are all there; the next scan finds it installed, also after a restart', async () => {
      const outcome = await agent.install(await find(11), await put(newer));
      expect(outcome).toEqual({ outcome: 'installed', rebootRequired: true });
      expect(await idsAfter()).toEqual({ needed: [unitId(10), unitId(13)], installed: [unitId(11), unitId(12)] });
    });

    it('installs no part of an update: a file that is not given is a failure, and nothing changes', async () => {
      const outcome = await agent.install(await find(11), (await put(newer)).slice(0, 1));
      expect(outcome).toMatchObject({ outcome: 'failed', hresult: expect.stringMatching(/^0x[0-9A-Fa-f]{8}$/) });
      expect(await idsAfter()).toEqual(untouched);
    });

    it.each([
      ['is gone', '0x80070002', undefined],
      ['has other bytes of the same length', '0x80246002', 'SECOND'],
      ['is shorter', '0x80246002', 'sec'],
    ])('refuses a file that %s, with %s, and nothing changes', async (_what, hresult, text) => {
      const files = await put(newer);
      const last = files[1];
      const path = join(folder.path, 'files', 'replaced');
      if (text !== undefined) await writeFile(path, text);
      const given = last === undefined ? [] : [...files.slice(0, 1), { ...last, path }];
      expect(await agent.install(await find(11), given)).toMatchObject({ outcome: 'failed', hresult });
      expect(await idsAfter()).toEqual(untouched);
    });

    it('gives the code of an installation that fails, and the update stays needed', async () => {
      const outcome = await agent.install(await find(13), await put(broken));
      expect(outcome).toMatchObject({ outcome: 'failed', hresult: '0x80070643' });
      expect(await idsAfter()).toEqual(untouched);
    });

    it('says that an index which is none cannot be scanned', async () => {
      const path = join(folder.path, 'none.cab');
      await writeFile(path, 'not a cabinet');
      const none = { path, sha256: '0'.repeat(64) };
      await expect(agent.scan(none)).rejects.toMatchObject({ name: 'AgentError', code: 'scan-failed' });
    });
  });
}
