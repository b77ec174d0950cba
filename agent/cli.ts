import { Command, CommanderError } from 'commander';
import * as z from 'zod/mini';
import {
  type AgentIo,
  address,
  brokerAddress,
  dataFolder,
  type Flags,
  hostFile,
  readDirect,
  readProxy,
  readTrust,
  required,
  seconds,
} from './cli-settings.ts';
import { describeRules, formatCycle, formatIdentity, formatRules } from './cli-text.ts';
import { defaultSchedule, type NextRound, type Schedule } from './core/schedule.ts';
import {
  type Agent,
  type CycleResult,
  enrolSimulatedHost,
  openAgentProcess,
  openDocuments,
  openSimulatedAgent,
  type Phase,
  phases,
  readIdentity,
  readRules,
  runCycle,
  runLoop,
} from './main.ts';
import { AgentError } from './ports/agent-error.ts';
import type { Log } from './ports/surroundings.ts';
import { cycleResult } from './run/documents.ts';
import { tufClient } from './tuf-client.ts';
import { readAgentVersion } from './version.ts';

/** Exit codes of every command. */
const exitCodes = {
  ok: 0,
  /** The cycle ran, and an update is in ERROR. */
  updateFailed: 1,
  /** Wrong arguments or settings; nothing was done. */
  usage: 2,
  /** A phase failed: broker or repository not reachable, access refused, disk full … */
  problem: 3,
  /** Another run of the agent is at work on this data folder. */
  busy: 4,
  /** The broker does not know this host, or not any more: not enrolled, token refused, key revoked or no good … */
  identity: 5,
} as const;

/** Failures of an enrolment, or that another one mends. */
const identityCodes: ReadonlySet<string> = new Set([
  'not-enrolled',
  'refused',
  'taken',
  'revoked',
  'cloned',
  'bad-key',
]);

/** What each command does; the rest of a cycle is taken from what earlier commands stored. */
const phasesOf = {
  scan: ['check-in', 'pull', 'scan', 'lookup'],
  report: ['check-in', 'pull', 'scan', 'lookup', 'report'],
  download: ['check-in', 'pull', 'scan', 'lookup', 'download'],
  install: ['check-in', 'scan', 'lookup', 'report', 'install'],
  run: phases,
} as const satisfies Record<string, readonly Phase[]>;

const help = `
Settings can also come from the environment: KBROKER_SERVER, KBROKER_REPOSITORY, KBROKER_ENROLMENT_TOKEN, KBROKER_DATA,
KBROKER_SIMULATED_HOST, KBROKER_INDEX_ROOTS, KBROKER_HTTP_PROXY, KBROKER_NO_PROXY, and true or false in KBROKER_ALLOW_SHA1,
KBROKER_DIRECT_DOWNLOAD, KBROKER_DIRECT_FIRST.

Exit codes: 0 done, 1 an update is in ERROR, 2 wrong arguments or settings, 3 a phase failed (broker or repository not
reachable, access refused, disk …), 4 another run of the agent is at work, 5 this host is not enrolled, its token was
refused, the machine is taken, or its key was revoked, copied or is no good.`;

/** Runs the agent's command line and gives the exit code (the help lists them). */
export async function main(args: readonly string[], io: AgentIo): Promise<number> {
  let exitCode: number = exitCodes.ok;
  const program = buildProgram(io, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync([...args], { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    if (!(error instanceof AgentError)) throw error;
    io.stderr.write(`kbroker-agent: ${error.message}\n`);
    if (error.code === 'bad-config') return exitCodes.usage;
    if (error.code === 'busy') return exitCodes.busy;
    return identityCodes.has(error.code) ? exitCodes.identity : exitCodes.problem;
  }
}

function buildProgram(io: AgentIo, end: (exitCode: number) => void): Command {
  const output = {
    writeOut: (text: string) => void io.stdout.write(text),
    writeErr: (text: string) => void io.stderr.write(text),
  };
  const program = new Command('kbroker-agent')
    .description('Keeps one Windows machine up to date from a kbroker repository.')
    .version(readAgentVersion(), '--version', 'print the version')
    .configureOutput(output)
    .exitOverride()
    .addHelpText('after', help);
  const command = (name: string, description: string): Command =>
    program
      .command(name)
      .description(description)
      .option('--data <dir>', 'folder of indexes, payloads and state')
      .option('--json', 'print JSON for scripts')
      .option('--verbose', 'say on stderr what is being done')
      .configureOutput(output)
      .exitOverride()
      .addHelpText('after', help);
  const talking = (name: string, description: string): Command =>
    command(name, description)
      .option(
        '--http-proxy <url>',
        'what connections go through, http://user:password@host:port; rather set KBROKER_HTTP_PROXY',
      )
      .option('--noproxy <hosts>', 'hosts and domains that are reached without it, separated by commas');
  const online = (name: string, description: string): Command =>
    talking(name, description)
      .option('--server <url>', "address of the broker's API (default: where this host enrolled)")
      .option('--repository <url>', 'address of the repository (default: what the broker named at enrolment)')
      .option('--simulated-host <file>', 'JSON file of a simulated machine')
      .option('--index-roots <file>', "PEM file of the roots that indexes are signed under (default: Microsoft's)")
      .option('--direct-download', 'fetch files from Microsoft itself where the repository is away or lacks them')
      .option('--direct-first', 'ask Microsoft before the repository, and the broker for nothing that comes from there')
      .option('--allow-sha1', 'also accept indexes signed by SHA-1, as until 2020');
  const once = (name: 'scan' | 'report' | 'download' | 'install', description: string): Command =>
    online(name, description).action((flags: Flags & { again?: boolean }) =>
      withAgent(flags, io, async (agent) => {
        const retryGivenUp = flags.again === true;
        const result = await runCycle(agent, {
          phases: phasesOf[name],
          signal: io.signal,
          retryGivenUp,
          wholeReport: name === 'report',
          // Whoever types a command wants that one; operators' commands wait for `run`.
          heedCommands: false,
        });
        print(result, flags, io);
        end(exitCodeOf(result));
      }),
    );

  talking('enroll', 'make this machine known to a broker, with a token that an operator made')
    .alias('enrol')
    .option('--server <url>', "address of the broker's API")
    .option('--token <token>', 'enrolment token; rather set KBROKER_ENROLMENT_TOKEN, which other users cannot see')
    .option('--simulated-host <file>', 'JSON file of a simulated machine')
    .option('--new-key', 'make another key, for instance after the old one was revoked; the token must allow it')
    .action((flags: Flags & { token?: string; newKey?: boolean }) => enrolMachine(flags, io));
  once('scan', 'bring index and rules, scan, and say where each update stands');
  once('report', 'scan and report to the broker, which requests what is missing');
  once('download', 'scan and download what the repository holds');
  once('install', 'install what is downloaded, then scan and report').option(
    '--again',
    'also try updates again whose attempts are used up',
  );
  online('run', 'do all of it again and again until stopped')
    .addOption(seconds('--interval <seconds>', 'between cycles, whatever the broker wishes (default: its wish)'))
    .addOption(seconds('--first-within <seconds>', 'first cycle within').default(defaultSchedule.firstWithinSeconds))
    .action((flags: Flags & { interval?: number; firstWithin: number }) =>
      withAgent(flags, io, async (agent) => {
        const { poll, ...usual } = agent.settings.schedule;
        const schedule: Schedule = {
          ...usual,
          firstWithinSeconds: flags.firstWithin,
          ...(flags.interval === undefined ? poll && { poll } : { intervalSeconds: flags.interval }),
        };
        const onCycle = (result: CycleResult): void => print(result, flags, io);
        const onWait = ({ full, seconds }: NextRound): void => {
          io.stderr.write(`next ${full ? 'cycle' : 'check-in'} in ${Math.round(seconds)} s\n`);
        };
        await runLoop({ ...agent, settings: { ...agent.settings, schedule } }, { signal: io.signal, onCycle, onWait });
      }),
    );
  command('status', 'say who this host is, which settings count and what the last cycle found; asks nobody').action(
    async (flags: Flags) => {
      const documents = openDocuments(dataFolder(flags, io), logTo(io, flags));
      const identity = await readIdentity(documents);
      const rules = await readRules(documents);
      const last = await documents.read('last-cycle', (value) => z.parse(cycleResult, value));
      if (flags.json === true) {
        const described = rules === undefined ? null : describeRules(rules);
        const told = { identity: identity ?? null, rules: described, lastCycle: last ?? null };
        io.stdout.write(`${JSON.stringify(told)}\n`);
      } else {
        io.stdout.write(formatIdentity(identity));
        if (identity !== undefined) io.stdout.write(formatRules(rules));
        io.stdout.write(last === undefined ? 'no cycle has run here yet\n' : formatCycle(last));
      }
      if (last !== undefined) end(exitCodeOf(last));
    },
  );
  program.addCommand(tufClient(io, end).configureOutput(output).exitOverride());
  return program;
}

async function enrolMachine(flags: Flags & { token?: string; newKey?: boolean }, io: AgentIo): Promise<void> {
  const { env } = io;
  const server = required(flags.server ?? env.KBROKER_SERVER, '--server', 'KBROKER_SERVER');
  const process = openAgentProcess({ proxy: readProxy(flags, io) });
  try {
    const { identity, changed } = await enrolSimulatedHost({
      process,
      server: brokerAddress(server, '--server'),
      token: required(flags.token ?? env.KBROKER_ENROLMENT_TOKEN, '--token', 'KBROKER_ENROLMENT_TOKEN').trim(),
      newKey: flags.newKey === true,
      dataDir: dataFolder(flags, io),
      hostFile: hostFile(flags, io),
      log: logTo(io, flags),
      signal: io.signal,
    });
    if (flags.json === true) io.stdout.write(`${JSON.stringify({ changed, identity })}\n`);
    else io.stdout.write(`${changed ? '' : 'was enrolled already: '}${formatIdentity(identity)}`);
  } finally {
    await process.close();
  }
}

const logTo =
  (io: AgentIo, flags: Flags): Log =>
  ({ level, message }) => {
    if (flags.verbose === true || level === 'error') io.stderr.write(`${level}: ${message}\n`);
  };

async function withAgent(flags: Flags, io: AgentIo, action: (agent: Agent) => Promise<void>): Promise<void> {
  const { env } = io;
  const server = flags.server ?? env.KBROKER_SERVER;
  const repository = flags.repository ?? env.KBROKER_REPOSITORY;
  const common = { dataDir: dataFolder(flags, io), hostFile: hostFile(flags, io), log: logTo(io, flags) };
  const indexTrust = await readTrust(flags, io);
  const direct = readDirect(flags, io);
  const process = openAgentProcess({ proxy: readProxy(flags, io) });
  try {
    const agent = await openSimulatedAgent({
      ...common,
      process,
      server: server === undefined ? undefined : brokerAddress(server, '--server'),
      repository: repository === undefined ? undefined : address(repository, '--repository'),
      settings: { indexTrust, direct },
    });
    // A host file that is wrong is told at once, and not as the failure of some phase.
    await agent.adapters.updateAgent.machine();
    await action(agent);
  } finally {
    await process.close();
  }
}

function print(result: CycleResult, flags: Flags, io: AgentIo): void {
  io.stdout.write(flags.json === true ? `${JSON.stringify(result)}\n` : formatCycle(result));
}

function exitCodeOf(result: CycleResult): number {
  if (result.problems.some((problem) => problem.code === 'busy')) return exitCodes.busy;
  if (result.problems.some((problem) => identityCodes.has(problem.code))) return exitCodes.identity;
  if (result.problems.length > 0) return exitCodes.problem;
  return result.state === 'ERROR' ? exitCodes.updateFailed : exitCodes.ok;
}
