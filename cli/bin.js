#!/usr/bin/env node
// Plain JavaScript on purpose: an old Node must still be able to say what it lacks.
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 18)) {
  process.stderr.write(
    `kbroker needs Node 22.18 or newer, this is ${process.version}; in the checkout, use npx kbroker\n`,
  );
  process.exit(2);
}
const { main } = await import('./main.ts');
process.exitCode = await main(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
});
