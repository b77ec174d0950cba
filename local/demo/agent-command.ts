import { relative } from 'node:path';

/** What an agent by hand needs to know of the running broker. */
export interface AgentPlaces {
  /** Addresses of the API and of the repository. */
  readonly server: string;
  readonly repository: string;
  readonly secretFile: string;
  /** PEM file of the root that the fake Microsoft signs under. */
  readonly rootsFile: string;
  /** Indexes signed by SHA-1 count here. */
  readonly allowSha1: boolean;
}

/** Ready-made command of one more agent, whose machine is described in `pc.json`; files as seen from `from`. */
export function agentCommand(places: AgentPlaces, from: string): string {
  const words = [
    ...['--server', places.server],
    ...['--repository', places.repository],
    ...['--secret-file', fromFolder(places.secretFile, from)],
    ...['--index-roots', fromFolder(places.rootsFile, from)],
    ...(places.allowSha1 ? ['--allow-sha1'] : []),
  ];
  return `npx kbroker-agent run --simulated-host pc.json --data ./pc ${words.map(shellWord).join(' ')}`;
}

/** The file as somebody in the folder names it: relative when it is below it. */
export function fromFolder(file: string, folder: string): string {
  const path = relative(folder, file);
  return path.startsWith('..') ? file : path;
}

/** Quoted when a shell would make something else of it. */
export const shellWord = (word: string): string =>
  /^[\w./:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
