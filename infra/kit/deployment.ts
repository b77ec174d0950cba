import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type DeploymentConfig, deploymentConfig } from '#shared/contract/deployment.ts';
import { inOneLine, parseInWords } from '#shared/contract/parse.ts';
import { projectDir } from './paths.ts';

/** What a deployment must know is missing or wrong. The message says what to do, in one line. */
export class DeploymentError extends Error {
  override readonly name = 'DeploymentError';
  readonly code: 'no-config' | 'bad-config';
  constructor(code: DeploymentError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/**
 * The file that `kbroker setup keys` wrote: kbroker.config.json beside cdk.json, or the one that KBROKER_CONFIG names.
 *
 * @throws DeploymentError
 */
export function readDeployment(
  file = process.env.KBROKER_CONFIG ?? join(projectDir, 'kbroker.config.json'),
): DeploymentConfig {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') {
      const message = `there is no ${file}: run "npx kbroker setup keys" first, which makes the key of the repository and writes it`;
      throw new DeploymentError('no-config', message, { cause });
    }
    throw new DeploymentError('bad-config', `${file} cannot be read: ${String(cause)}`, { cause });
  }
  const parsed = parseInWords(deploymentConfig, value);
  if (parsed.success) return parsed.data;
  throw new DeploymentError('bad-config', `${file} does not fit: ${inOneLine(parsed.faults)}`);
}
