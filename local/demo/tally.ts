import type { CycleResult } from '#agent/main.ts';
import { bytes, plural } from './narrator.ts';

/** Sums up what many hosts do between two looks, so that a fleet takes one line and not one per host. */
export interface CycleTally {
  add(machineId: string, result: CycleResult): void;
  /** What happened since the last call, in words; undefined when nothing did. */
  take(): string | undefined;
}

interface Sums {
  newIndex: number;
  asking: number;
  pulling: number;
  pulledFiles: number;
  pulledBytes: number;
  installing: number;
  installed: number;
  /** First host and number of hosts by what they say. */
  readonly problems: Map<string, { readonly first: string; count: number }>;
}

const nothing = (): Sums => ({
  newIndex: 0,
  asking: 0,
  pulling: 0,
  pulledFiles: 0,
  pulledBytes: 0,
  installing: 0,
  installed: 0,
  problems: new Map(),
});

export function createCycleTally(): CycleTally {
  let sums = nothing();
  return {
    add(machineId, result) {
      if (result.index && result.index.bytesReceived > 0) sums.newIndex += 1;
      if (result.needs.length > 0) sums.asking += 1;
      const downloaded = result.downloads.filter((one) => one.outcome === 'downloaded');
      if (downloaded.length > 0) sums.pulling += 1;
      sums.pulledFiles += downloaded.length;
      sums.pulledBytes += downloaded.reduce((sum, { bytesReceived }) => sum + bytesReceived, 0);
      const installed = result.installs.filter(({ outcome }) => outcome === 'installed').length;
      if (installed > 0) sums.installing += 1;
      sums.installed += installed;
      for (const { phase, code, message } of result.problems) {
        if (code === 'stopped') continue;
        const text = `${phase}: ${message}`;
        const known = sums.problems.get(text);
        if (known) known.count += 1;
        else sums.problems.set(text, { first: machineId, count: 1 });
      }
    },
    take() {
      const { newIndex, asking, pulling, pulledFiles, pulledBytes, installing, installed, problems } = sums;
      sums = nothing();
      const hosts = (count: number): string => plural(count, 'host');
      const done = [
        ...(newIndex > 0 ? [`${hosts(newIndex)} took the new index`] : []),
        ...(asking > 0 ? [`${hosts(asking)} asked for files`] : []),
        ...(pulling > 0 ? [`${hosts(pulling)} pulled ${plural(pulledFiles, 'file')} (${bytes(pulledBytes)})`] : []),
        ...(installing > 0 ? [`${hosts(installing)} installed ${plural(installed, 'update')}`] : []),
      ].join(', ');
      const troubles = [...problems].map(
        ([text, { first, count }]) => `${first}${count > 1 ? ` and ${count - 1} more` : ''}: ${text}`,
      );
      const lines = [...(done === '' ? [] : [done]), ...troubles];
      return lines.length === 0 ? undefined : lines.join('\n');
    },
  };
}
