import { fileURLToPath } from 'node:url';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { Command } from 'commander';
import { type SetupKeysFlags, setupKeys } from '../commands/setup.ts';
import { type AddCommands, wantsJson } from './kit.ts';

/** Beside cdk.json, where infra/app.ts looks for it. */
const defaultConfig = fileURLToPath(new URL('../../kbroker.config.json', import.meta.url));

interface Flags extends Omit<SetupKeysFlags, 'config'> {
  readonly region?: string;
  readonly config?: string;
}

/** `kbroker setup`. */
export const addSetupCommands: AddCommands = (program, { io, end, sub }) => {
  const setup = sub(program, 'setup', 'what must be there before the stack is deployed, with AWS credentials');
  sub(setup, 'keys', 'make the key whose cookies open the repository; one that is there is kept')
    .option('--region <region>', 'AWS region of the stack (default: AWS_REGION, or that of the AWS profile)')
    .option('--secret-name <name>', 'secret for the private half', 'kbroker/repository-key')
    .option(
      '--config <file>',
      'file for the public half (default: KBROKER_CONFIG, or kbroker.config.json beside cdk.json)',
    )
    .option('--rotate', 'make a new key; the one before stays good until the next rotation')
    .option('--yes', 'do not ask before a rotation')
    .action(async (flags: Flags, command: Command) => {
      const region = flags.region ?? io.env.AWS_REGION;
      const secrets = new SecretsManagerClient(region === undefined ? {} : { region });
      try {
        const config = flags.config ?? io.env.KBROKER_CONFIG ?? defaultConfig;
        end(await setupKeys({ io, json: wantsJson(command), secrets }, { ...flags, config }));
      } finally {
        secrets.destroy();
      }
    });
};
