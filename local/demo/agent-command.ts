import { relative } from 'node:path';

/** What an agent by hand needs to know of the running broker. */
export interface AgentPlaces {
  /** Address of the API. */
  readonly server: string;
  /** Enrolment token with room for one more host. */
  readonly token: string;
  /** PEM file of the root that the fake Microsoft signs under. */
  readonly rootsFile: string;
  /** Indexes signed by SHA-1 count here. */
  readonly allowSha1: boolean;
}

/**
 * Ready-made commands of one more agent, whose machine is described in `pc.json`, one a line: the first makes it known to
 * the broker, the second runs it. Files as seen from `from`.
 */
export function agentCommand(places: AgentPlaces, from: string): string {
  const enroll = ['--server', places.server, '--token', places.token];
  const run = ['--index-roots', fromFolder(places.rootsFile, from), ...(places.allowSha1 ? ['--allow-sha1'] : [])];
  // Machines in the field begin within ten minutes; who copies this line wants to see it.
  return `${commandOf('enroll', enroll)} &&\n  ${commandOf('run --first-within 0', run)}`;
}

const commandOf = (name: string, words: readonly string[]): string =>
  `npx kbroker-agent ${name} --simulated-host pc.json --data ./pc ${words.map(shellWord).join(' ')}`;

/** The file as somebody in the folder names it: relative when it is below it. */
export function fromFolder(file: string, folder: string): string {
  const path = relative(folder, file);
  return path.startsWith('..') ? file : path;
}

/** Quoted when a shell would make something else of it. */
export const shellWord = (word: string): string =>
  /^[\w./:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
