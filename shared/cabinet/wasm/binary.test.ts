import { expect, test } from 'vitest';
import { compileWasm } from '../testing/build-wasm.ts';
import { wasmBase64 } from './binary.ts';

test('the binary is what the sources compile to; npm run build:wasm makes it', async () => {
  const compiled = await compileWasm();
  const committed = Buffer.from(wasmBase64, 'base64');
  expect({ length: committed.length, same: committed.equals(compiled) }).toEqual({
    length: compiled.length,
    same: true,
  });
});
