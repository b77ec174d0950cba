#!/usr/bin/env node
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
const { main } = await import('./main.ts');
process.exitCode = await main(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
});
