/**
 * A server of one file, in a process of its own: `node serve-file.ts FILE` prints its port. `/` is as fast as loopback goes,
 * `/N` sends N bytes per second, as a line of that speed would.
 */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { setTimeout as wait } from 'node:timers/promises';

const [file = ''] = process.argv.slice(2);
const { size } = await stat(file);
const pieceBytes = 256 * 1024;

/** Pieces, none before its time. */
async function* paced(pieces: AsyncIterable<Uint8Array>, bytesPerSecond: number): AsyncGenerator<Uint8Array> {
  const start = performance.now();
  let sent = 0;
  for await (const piece of pieces) {
    const early = (sent / bytesPerSecond) * 1000 - (performance.now() - start);
    if (early > 1) await wait(early);
    sent += piece.byteLength;
    yield piece;
  }
}

const server = createServer((request, response) => {
  response.writeHead(200, { 'content-length': size, etag: '"file"' });
  const pieces = createReadStream(file, { highWaterMark: pieceBytes });
  const speed = Number(request.url?.slice(1) ?? '');
  // A client that goes away is its own business.
  pipeline(speed > 0 ? paced(pieces, speed) : pieces, response).catch(() => undefined);
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.stdout.write(`${typeof address === 'object' && address !== null ? address.port : ''}\n`);
});
// Whoever started it went away.
process.stdin.on('end', () => process.exit()).resume();
