#!/usr/bin/env node
import { main } from './cli.ts';

const stop = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort());
// Whoever reads the output may have seen enough, as `head` has: the cycle at work is ended in order, and nothing is said.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error) => {
    if (!('code' in error) || error.code !== 'EPIPE') {
      process.stderr.write(`kbroker-agent: the output cannot be written: ${error.message}\n`);
      process.exit(3);
    }
    if (stream === process.stdout) stop.abort();
  });
}

process.exitCode = await main(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  signal: stop.signal,
});
