/**
 * `npm start`: the broker on this machine, with a fake Microsoft and a fleet of simulated hosts. Everything is imported
 * after the version is known to be good enough.
 */
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);

if (major < 22 || (major === 22 && minor < 18)) {
  process.stderr.write(
    `kbroker needs Node.js 22.18 or newer, this is ${process.version}. "npm ci" brings one along on Linux, which npm start uses.\n`,
  );
  process.exitCode = 1;
} else {
  const { runDemo } = await import('./demo/main.ts');
  const stop = new AbortController();
  // A closed terminal ends it in order, too; without one (nohup) that is nobody's wish.
  const hangup = process.stdout.isTTY ? (['SIGHUP'] as const) : [];
  for (const signal of ['SIGINT', 'SIGTERM', ...hangup] as const) {
    process.once(signal, () => {
      stop.abort();
      const asked = performance.now();
      // A second one does not wait for anything. npm passes Ctrl-C on, which the terminal has sent to all of its group: that
      // is still the first one.
      process.on(signal, () => {
        if (performance.now() - asked > 1000) process.exit(130);
      });
    });
  }
  // Whoever read the output has seen enough, as `head` has, or is gone with the terminal: a reason to end like any other,
  // and to say no more.
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error) => {
      if (!('code' in error) || (error.code !== 'EPIPE' && error.code !== 'EIO')) throw error;
      stop.abort();
    });
  }
  process.exitCode = await runDemo(process.argv.slice(2), {
    out: (text) => process.stdout.write(text),
    err: (text) => process.stderr.write(text),
    stop: stop.signal,
  });
}

export {};
