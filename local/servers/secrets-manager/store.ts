/** Secrets in one JSON file that only its owner may read; replaced as a whole, so that a killed server leaves it whole. */
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod/mini';

const versionSchema = z.object({
  id: z.string(),
  createdMs: z.number(),
  secretString: z.optional(z.string()),
  /** Base64. */
  secretBinary: z.optional(z.string()),
  stages: z.array(z.string()),
});
export type SecretVersion = z.infer<typeof versionSchema>;

const secretSchema = z.object({
  name: z.string(),
  arn: z.string(),
  description: z.optional(z.string()),
  kmsKeyId: z.optional(z.string()),
  tags: z.array(z.object({ Key: z.string(), Value: z.string() })),
  createdMs: z.number(),
  changedMs: z.number(),
  /** Oldest first. */
  versions: z.array(versionSchema),
});
export type Secret = z.infer<typeof secretSchema>;

const fileSchema = z.object({ version: z.literal(1), secrets: z.array(secretSchema) });

export class SecretStore {
  readonly #file: string;
  #secrets: readonly Secret[];

  constructor(dataDir: string) {
    this.#file = join(dataDir, 'secrets.json');
    this.#secrets = readSecrets(this.#file);
  }

  secrets(): readonly Secret[] {
    return this.#secrets;
  }

  /** By name or by ARN. */
  find(id: string): Secret | undefined {
    return this.#secrets.find((secret) => secret.name === id || secret.arn === id);
  }

  /** Adds a secret, or replaces the one with the same name. */
  put(secret: Secret): void {
    this.#write([...this.#secrets.filter((one) => one.name !== secret.name), secret]);
  }

  remove(name: string): void {
    this.#write(this.#secrets.filter((one) => one.name !== name));
  }

  #write(secrets: readonly Secret[]): void {
    const temporary = `${this.#file}.new`;
    rmSync(temporary, { force: true });
    const file = openSync(temporary, 'wx', 0o600);
    try {
      writeFileSync(file, JSON.stringify({ version: 1, secrets }));
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, this.#file);
    this.#secrets = secrets;
  }
}

function readSecrets(file: string): readonly Secret[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  return z.parse(fileSchema, JSON.parse(text)).secrets;
}
