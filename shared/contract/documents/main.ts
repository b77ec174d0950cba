import { readFile, writeFile } from 'node:fs/promises';
import { withTables } from './api-tables.ts';
import { openApiDocument } from './openapi.ts';

/** `npm run openapi`: writes docs/openapi.json and the tables of docs/api.md anew from the endpoint tables. */
const fileOf = (name: string): URL => new URL(`../../../docs/${name}`, import.meta.url);

await writeFile(fileOf('openapi.json'), `${JSON.stringify(openApiDocument(), undefined, 2)}\n`);
await writeFile(fileOf('api.md'), withTables(await readFile(fileOf('api.md'), 'utf8')));
