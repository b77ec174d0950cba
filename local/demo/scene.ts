import { createWriteStream } from 'node:fs';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CycleResult } from '#agent/main.ts';
import { type OperatorProfile, trustFolderOf } from '#shared/contract/login.ts';
import { operatorEndpoints } from '#shared/contract/operators/endpoints.ts';
import { type Administrator, openAdministrator } from '../administrator.ts';
import { type Fleet, openFleet } from '../fleet/fleet.ts';
import { localRepositoryKey } from '../repository-key.ts';
import { startStack } from '../stack.ts';
import type { InvocationResult, LocalStack } from '../types.ts';
import { type ControlEndpoint, startControlEndpoint } from '../upstream/control.ts';
import { type ControllableMicrosoft, startFakeMicrosoft } from '../upstream/server.ts';
import type { Publication } from '../upstream/types.ts';
import type { AgentPlaces } from './agent-command.ts';
import { DemoError } from './demo-error.ts';
import { bytes, type Narrator, plural } from './narrator.ts';
import { createOperators, type Operators } from './operators.ts';
import type { DemoOptions } from './options.ts';
import { hostsGroup } from './rules.ts';
import { openSession } from './session.ts';
import { createStackVoice } from './stack-voice.ts';
import { synthesize } from './synthesize.ts';

/** Everything that takes part, running. */
export interface Scene {
  /** Before any of it ran. ISO 8601. */
  readonly startedAt: string;
  readonly microsoft: ControllableMicrosoft;
  readonly control: ControlEndpoint;
  readonly stack: LocalStack;
  readonly fleet: Fleet;
  readonly operators: Operators;
  /** Signs in this demonstration. */
  readonly administrator: Administrator;
  /** File with the API's address and the administrator's tokens, for the command line. */
  readonly profileFile: string;
  /** What one more agent needs. */
  readonly agentPlaces: AgentPlaces;
  output(name: string): string;
  /** Resolves when all that was told to the publisher of the repository is out. */
  published(): Promise<void>;
  /** Runs a scheduled function now. @throws DemoError `function-failed` */
  trigger(functionOutput: 'SyncIndexFunction' | 'SweepRequestsFunction'): Promise<unknown>;
}

/** Closes what was opened, the last first. */
export type Cleanup = AsyncDisposableStack;

/** Enrolments beyond the fleet's own, for agents by hand, and how long they are allowed. */
const spareEnrolments = 100;
const tokenSeconds = 30 * 24 * 3600;

/** How often it is looked whether troubles have to be told again. */
const flushMilliseconds = 5000;

/** Synthesizes and starts it all; what is opened is closed by `cleanup`, also when a later part fails. */
export async function setScene(
  options: DemoOptions,
  narrator: Narrator,
  cleanup: Cleanup,
  stop: AbortSignal,
  onCycle: (machineId: string, result: CycleResult) => void,
): Promise<Scene> {
  const { data } = options;
  const startedAt = new Date().toISOString();
  const log = createWriteStream(join(data, 'stack.log'), { flags: 'a' });
  cleanup.defer(() => new Promise((resolve) => log.end(resolve)));

  narrator.say('stack', 'synthesizing the CDK stack');
  const assemblyDir = join(data, 'assembly');
  const repositoryKey = await localRepositoryKey(join(data, 'repository-key'));
  await synthesize(assemblyDir, repositoryKey.configFile, stop);

  const microsoft = await startFakeMicrosoft({
    dataDir: join(data, 'microsoft'),
    log: (line) => log.write(`microsoft ${line}\n`),
    ...(options.index === undefined ? {} : { allowSha1: true }),
    ...(options.seed === undefined ? {} : { seed: options.seed }),
  });
  cleanup.defer(() => microsoft.close());
  const { indexTrust } = microsoft.addresses;
  if (indexTrust.allowSha1) {
    narrator.say(
      'stack',
      'accepts signatures by SHA-1 here, for real files from before 2020; a deployed broker does not',
    );
  }
  const portFile = join(data, 'control-port');
  const control = await startControlEndpoint(microsoft, {
    port: await keptPort(portFile),
    onPublication: (now) => narrator.say('Microsoft', `publishes ${indexInWords(now)}, as it was told to`),
  });
  await writeFile(portFile, `${control.port}\n`);
  cleanup.defer(() => control.close());

  const voice = createStackVoice({ narrator, tellSyncs: !options.once, now: () => performance.now() });
  const flushing = setInterval(() => voice.flush(), flushMilliseconds);
  cleanup.defer(() => {
    clearInterval(flushing);
    voice.flush(true);
  });
  const stack = await startStack({
    assemblyDir,
    dataDir: join(data, 'stack'),
    upstream: microsoft.addresses,
    secrets: repositoryKey.secrets,
    speed: options.speed,
    schedules: !options.once,
    log: (line) => {
      const { source, level, message } = line;
      if (level !== 'debug') log.write(`${new Date().toISOString()} ${source} ${level} ${message}\n`);
      voice.hear(line);
    },
  });
  cleanup.defer(() => stack.close());
  const output = (name: string): string => {
    const value = stack.outputs[name];
    if (value === undefined) {
      throw new DemoError('synthesis-failed', `the stack has no output ${name}; it has: ${Object.keys(stack.outputs)}`);
    }
    return value;
  };
  narrator.say('stack', `runs on loopback: API ${output('ApiUrl')}, repository ${output('RepositoryUrl')}`);

  const apiUrl = output('ApiUrl');
  const provider = { issuer: output('Issuer'), clientId: output('ClientId') };
  const session = await openSession({ ...provider, username: 'administrator' }, Date.now);
  const operators = createOperators({ apiUrl, accessToken: session.accessToken });
  const profileFile = join(data, 'operator.json');
  const profile: OperatorProfile = { version: 2, apiUrl, ...provider, tokens: session.tokens };
  await writePrivate(profileFile, `${JSON.stringify(profile, null, 2)}\n`);
  const administrator = await openAdministrator({ call: operators.call, folder: trustFolderOf(profileFile) });
  narrator.say('administrator', `signs who may sign; hosts pin the root ${administrator.rootSha256.slice(0, 12)}…`);
  const { token } = await operators.call(operatorEndpoints.createToken, {
    body: {
      version: 1,
      group: hostsGroup,
      uses: options.hosts + spareEnrolments,
      expiresInSeconds: tokenSeconds,
      rootSha256: administrator.rootSha256,
      note: 'hosts of npm start',
    },
  });
  const agentPlaces: AgentPlaces = {
    server: output('ApiUrl'),
    token,
    rootsFile: join(data, 'microsoft', 'signing', 'root.pem'),
    allowSha1: indexTrust.allowSha1,
  };
  const fleet = await openFleet({
    folder: join(data, 'fleet'),
    seed: options.seed ?? microsoft.seed,
    hosts: options.hosts,
    server: new URL(output('ApiUrl')),
    repository: new URL(output('RepositoryUrl')),
    token,
    indexTrust,
    speed: options.speed,
    onCycle: ({ machineId }, result) => onCycle(machineId, result),
    log: (machineId, message) => log.write(`fleet ${machineId} ${message}\n`),
  });
  cleanup.defer(() => fleet.close());
  return {
    startedAt,
    microsoft,
    control,
    stack,
    fleet,
    operators,
    administrator,
    profileFile,
    agentPlaces,
    output,
    published: () => stack.drained(output('PublishQueueUrl')),
    async trigger(functionOutput) {
      const result: InvocationResult = await stack.trigger(output(functionOutput));
      if (!result.ok) throw new DemoError('function-failed', `${functionOutput}: ${result.kind}: ${result.error}`);
      return result.payload;
    },
  };
}

/** Lets Microsoft publish what was asked for; nothing when it is out already. */
export async function publish(scene: Scene, options: DemoOptions, narrator: Narrator): Promise<void> {
  const before = scene.microsoft.current();
  if (options.index !== undefined) await scene.microsoft.publishFile(options.index);
  else if (before === undefined) await scene.microsoft.publishNext();
  const now = scene.microsoft.current();
  if (now === undefined) return;
  const what = indexInWords(now);
  narrator.say('Microsoft', before?.number === now.number ? `still has ${what}` : `publishes ${what}`);
}

export const indexInWords = ({ number, indexBytes, indexSha256 }: Publication): string =>
  `index number ${number} (${bytes(indexBytes)}, SHA-256 ${indexSha256.slice(0, 12)}…)`;

export const hostsInWords = (fleet: Fleet): string =>
  `${plural(fleet.hosts.length, 'simulated host')} of ${plural(new Set(fleet.hosts.map(({ profile }) => profile.key)).size, 'kind')}`;

/** Of the life before, so that whoever steers the fake Microsoft finds it again; 0, for any, in a first life. */
async function keptPort(file: string): Promise<number> {
  const text = await readFile(file, 'utf8').catch(() => '');
  const port = Number(text);
  return Number.isInteger(port) && port > 0 && port < 65_536 ? port : 0;
}

/** Readable by this user only. */
async function writePrivate(file: string, text: string): Promise<void> {
  await writeFile(`${file}.new`, text, { mode: 0o600 });
  await rename(`${file}.new`, file);
}
