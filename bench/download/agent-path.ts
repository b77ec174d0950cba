import { execFile, spawn } from 'node:child_process';
import { createHash, randomFillSync } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createHttpWeb } from '#agent/adapters/node/http-web.ts';
import { openBench } from '#agent/fixtures/bench.ts';
import type { Agent } from '#agent/main.ts';
import { download } from '#agent/run/download.ts';
import type { Source } from '#agent/run/sources.ts';
import type { BenchRow } from '../kit/bench.ts';
import { median } from '../kit/measure.ts';

const run = promisify(execFile);

export interface AgentPathOptions {
  /** Of the file. @default 512 MiB */
  readonly bytes?: number;
  /** Downloads by each contestant, in turn. @default 5 */
  readonly runs?: number;
  readonly progress?: (line: string) => void;
}

/** A line of 1 Gbit/s, which is what most machines of a fleet have at best. */
const gigabit = 125_000_000;

/**
 * The agent's way of one file from a server to its proved name (both digests, flush, rename), against `curl -o` from the same
 * server to the same disk. Wall time, medians of runs that alternate.
 *
 * Over a line of 1 Gbit/s the agent is to keep up with `curl -o`, which proves nothing. As fast as loopback goes, the digests
 * alone take more than curl takes in all; there it is to keep up with curl and the two programs that make the same proof.
 */
export async function measureAgentPath(options: AgentPathOptions = {}): Promise<readonly BenchRow[]> {
  const { bytes = 512 * 1024 ** 2, runs = 5, progress = () => undefined } = options;
  const folder = await mkdtemp(join(tmpdir(), 'kbroker-bench-'));
  const bench = await openBench(folder);
  const file = join(folder, 'file.bin');
  const digests = await makeFile(file, bytes);
  const serving = spawn(process.execPath, [fileURLToPath(new URL('serve-file.ts', import.meta.url)), file], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  try {
    const [said] = await once(serving.stdout, 'data');
    const server = `http://127.0.0.1:${String(said).trim()}`;
    const agent = await bench.agent();
    const web = createHttpWeb({ dispatcher: bench.process.dispatcher, timeoutSeconds: 60 });
    const byAgent = (url: string) => byTheAgent(agent, sourceAt(web, new URL(url)), { bytes, ...digests });
    const target = join(folder, 'curl.bin');
    const byCurl = async (url: string): Promise<void> => {
      await run('curl', ['-sS', '-o', target, url]);
    };
    const byCurlWithProof = async (url: string): Promise<void> => {
      await byCurl(url);
      await run('sha256sum', [target]);
      await run('sha1sum', [target]);
    };
    const contestants = [
      ['agent, 1 Gbit/s', byAgent, `${server}/${gigabit}`],
      ['curl -o, 1 Gbit/s', byCurl, `${server}/${gigabit}`],
      ['agent, loopback', byAgent, `${server}/`],
      ['curl -o, loopback', byCurl, `${server}/`],
      ['curl -o, sha256sum and sha1sum, loopback', byCurlWithProof, `${server}/`],
    ] as const;
    const seconds = new Map<string, number[]>(contestants.map(([name]) => [name, []]));
    for (let at = 1; at <= runs; at += 1) {
      for (const [name, action, url] of contestants) {
        const took = await secondsOf(() => action(url));
        seconds.get(name)?.push(took);
        progress(`${at} of ${runs}, ${name}: ${took.toFixed(2)} s`);
      }
    }
    const rate = (name: (typeof contestants)[number][0]): number => bytes / 1e6 / median(seconds.get(name) ?? []);
    const ratio = (a: Parameters<typeof rate>[0], b: Parameters<typeof rate>[0]): number => rate(a) / rate(b);
    return [
      ...contestants.map(([name]) => ({ name, value: rate(name), unit: 'MB/s' })),
      {
        name: 'agent / curl -o, 1 Gbit/s',
        value: ratio('agent, 1 Gbit/s', 'curl -o, 1 Gbit/s'),
        unit: 'ratio',
        goal: { atLeast: 0.8 },
      },
      {
        name: 'agent / curl -o and the same proof, loopback',
        value: ratio('agent, loopback', 'curl -o, sha256sum and sha1sum, loopback'),
        unit: 'ratio',
        goal: { atLeast: 0.8 },
      },
      {
        name: 'agent / curl -o, loopback',
        value: ratio('agent, loopback', 'curl -o, loopback'),
        unit: 'ratio',
      },
    ];
  } finally {
    serving.stdin.end();
    await bench.close();
    await rm(folder, { recursive: true, force: true });
  }
}

const sourceAt = (web: ReturnType<typeof createHttpWeb>, url: URL): Source => ({
  name: 'microsoft',
  async open(resume, signal) {
    const answer = await web.open(url, resume, signal);
    if ('location' in answer) throw new Error(`${url.href} redirects to ${answer.location}`);
    return answer;
  },
});

/** Downloads, and clears the place for the next time. */
async function byTheAgent(
  agent: Agent,
  source: Source,
  expected: { readonly bytes: number; readonly sha1: string; readonly sha256: string },
): Promise<void> {
  const slot = { kind: 'payload', sha1: expected.sha1 } as const;
  const { bytesReceived } = await download(agent, source, slot, expected);
  if (bytesReceived !== expected.bytes) throw new Error(`${bytesReceived} of ${expected.bytes} bytes came`);
  await agent.adapters.files.remove(slot);
}

async function secondsOf(action: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await action();
  return (performance.now() - start) / 1000;
}

/** Bytes that nothing can squeeze. @returns their digests */
async function makeFile(path: string, bytes: number): Promise<{ readonly sha1: string; readonly sha256: string }> {
  const [sha1, sha256] = [createHash('sha1'), createHash('sha256')];
  const handle = await open(path, 'w');
  const chunk = Buffer.alloc(1 << 20);
  for (let left = bytes; left > 0; left -= chunk.length) {
    const piece = randomFillSync(chunk).subarray(0, Math.min(left, chunk.length));
    sha1.update(piece);
    sha256.update(piece);
    await handle.write(piece);
  }
  await handle.close();
  return { sha1: sha1.digest('hex'), sha256: sha256.digest('hex') };
}
