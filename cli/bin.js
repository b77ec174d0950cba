#!/usr/bin/env node
import { createInterface } from 'node:readline/promises';
import { setFlagsFromString } from 'node:v8';

// Plain JavaScript on purpose: an old Node must still be able to say what it lacks.
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 18)) {
  process.stderr.write(
    `kbroker needs Node 22.18 or newer, this is ${process.version}; in the checkout, use npx kbroker\n`,
  );
  process.exit(2);
}
// Reading a whole index makes a lot of short-lived garbage. V8 answers by letting its young generation grow to some
// 100 MB, which gains no time here and is half of what a small machine can spare.
setFlagsFromString('--semi-space-growth-factor=1');
// Whoever reads the output may have seen enough, as `head` has. That is no fault, and what the command does is brought to
// its end (half a file of `cab extract` would be worse than a late one); it is only told to nobody.
let isClosed = false;
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error) => {
    if (!('code' in error) || error.code !== 'EPIPE') {
      process.stderr.write(`kbroker: the output cannot be written: ${error.message}\n`);
      process.exit(1);
    }
    if (stream === process.stdout) isClosed = true;
  });
}
/** Nobody can answer unless both ways lead to a terminal. The end of the input is no answer. */
async function ask(question) {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await Promise.race([
      terminal.question(question),
      new Promise((resolve) => terminal.once('close', () => resolve(''))),
    ]);
  } finally {
    terminal.close();
  }
}
const { main } = await import('./main.ts');
const { openBrowser } = await import('./browser.ts');
process.exitCode = await main(process.argv.slice(2), {
  stdout: {
    write: (text) => process.stdout.write(text),
    isTTY: process.stdout.isTTY,
    get isClosed() {
      return isClosed;
    },
  },
  stderr: process.stderr,
  ...(process.stdin.isTTY === true && process.stderr.isTTY === true && { ask }),
  openBrowser,
  env: process.env,
});
