import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { aHost } from '../../fixtures/bench.ts';
import { packageRunnerContract } from '../../ports/package-runner-contract-suite.ts';
import { createSimulatedPackageRunner, restartSimulatedMachine } from './package-runner.ts';

packageRunnerContract({
  name: 'simulated',
  async folder() {
    const path = await mkdtemp(join(tmpdir(), 'kbroker-packages-'));
    return { path, remove: () => rm(path, { recursive: true, force: true }) };
  },
  async prepare(folder) {
    const packages = [
      { name: 'failing', exitCode: 1603 },
      { name: 'endless', exitCode: 'timeout' as const },
    ];
    await writeFile(join(folder, 'host.json'), JSON.stringify(aHost({ edition: 'Professional', packages })));
  },
  open: (folder) => createSimulatedPackageRunner({ hostFile: join(folder, 'host.json'), log: () => {} }),
  restart: (folder) => restartSimulatedMachine(join(folder, 'host.json'), new Date()),
});
