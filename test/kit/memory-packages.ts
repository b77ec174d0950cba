import type {
  PackageFileCleaning,
  PackageFileId,
  PackageFileStore,
  UploadAddress,
} from '#shared/stores/packages/port.ts';

/** Files of packages in memory. An upload address is good for whoever calls {@link put}. */
export class MemoryPackageFiles implements PackageFileStore, PackageFileCleaning {
  /** Lengths by SHA-256. */
  readonly files = new Map<string, number>();
  /** SHA-256 of files that an address was given for. */
  readonly addresses: string[] = [];
  private since: ReadonlyMap<string, string> = new Map();

  put({ sha256, size }: PackageFileId): void {
    this.files.set(sha256, size);
  }

  async has({ sha256, size }: PackageFileId): Promise<boolean> {
    return this.files.get(sha256) === size;
  }

  async uploadAddress({ sha256 }: PackageFileId): Promise<UploadAddress> {
    this.addresses.push(sha256);
    return { url: `https://files.example/packages/${sha256}`, headers: {}, expiresAt: '2026-01-01T12:00:00Z' };
  }

  async *list(): AsyncIterable<PackageFileId> {
    for (const [sha256, size] of [...this.files]) yield { sha256, size };
  }

  async remove(sha256: string): Promise<void> {
    this.files.delete(sha256);
  }

  async unnamed(): Promise<ReadonlyMap<string, string>> {
    return this.since;
  }

  async noteUnnamed(since: ReadonlyMap<string, string>): Promise<void> {
    this.since = new Map(since);
  }
}
