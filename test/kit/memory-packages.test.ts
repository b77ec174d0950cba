import { packageFilesContract } from '#shared/stores/packages/contract-suite.ts';
import { MemoryPackageFiles } from './memory-packages.ts';

packageFilesContract({
  name: 'memory',
  async prepare() {
    const files = new MemoryPackageFiles();
    return { store: files, cleaning: files, put: async (file) => files.put(file) };
  },
});
