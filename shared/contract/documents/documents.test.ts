import { readFile } from 'node:fs/promises';
import { Validator } from '@seriousme/openapi-schema-validator';
import { describe, expect, it } from 'vitest';
import { withTables } from './api-tables.ts';
import { allEndpoints, openApiDocument } from './openapi.ts';
import { parametersOf } from './parameters.ts';

const hint = 'run `npm run openapi` and commit what it wrote';
const read = (name: string): Promise<string> => readFile(new URL(`../../../docs/${name}`, import.meta.url), 'utf8');
const document = JSON.parse(JSON.stringify(openApiDocument()));

interface Written {
  readonly operationId: string;
  readonly parameters?: readonly { readonly $ref?: string; readonly name?: string; readonly required?: boolean }[];
  readonly security: readonly Readonly<Record<string, readonly string[]>>[];
  readonly responses: Readonly<Record<string, { readonly $ref?: string }>>;
}
const operations: readonly (readonly [string, string, Written])[] = Object.entries(
  document.paths as Record<string, Record<string, Written>>,
).flatMap(([path, item]) => Object.entries(item).map(([method, operation]) => [path, method, operation] as const));

describe('docs/openapi.json', () => {
  it('is what the endpoint tables say now', async () => {
    expect(JSON.parse(await read('openapi.json')), hint).toEqual(document);
  });

  it('is a document of OpenAPI 3.1', async () => {
    const validator = new Validator();
    expect(await validator.validate(structuredClone(document))).toEqual({ valid: true });
    expect(validator.version).toBe('3.1');
    const broken = structuredClone(document);
    delete broken.paths['/v1/status'].get.responses;
    broken.paths['/v1/status'].get.parameters = [{ name: 'x' }];
    expect(await new Validator().validate(broken)).toMatchObject({ valid: false });
  });

  it('refers to nothing that is not in it', () => {
    const places = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map(([, place = '']) => place);
    const missing = places.filter((place) => {
      const [root, ...parts] = place.split('/');
      return root !== '#' || parts.reduce((at, part) => at?.[part], document) === undefined;
    });
    expect(missing).toEqual([]);
    expect(places.length).toBeGreaterThan(100);
  });

  it('has each route under the name of its row, with its parameters, its callers and its refusals', () => {
    expect(operations.map(([, , { operationId }]) => operationId).toSorted()).toEqual(
      Object.keys(allEndpoints).toSorted(),
    );
    for (const [path, method, operation] of operations) {
      const endpoint = allEndpoints[operation.operationId];
      expect([path, method]).toEqual([endpoint?.path, endpoint?.method.toLowerCase()]);
      const named = (operation.parameters ?? []).flatMap(({ name }) => name ?? []);
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      expect(named).toEqual([...inPath, ...(endpoint?.query ?? [])]);
      const takesKey = operation.parameters?.some(({ $ref }) => $ref?.endsWith('/IdempotencyKey')) ?? false;
      const changes = method !== 'get' && endpoint?.safe !== true;
      expect([path, method, takesKey]).toEqual([path, method, changes && !path.startsWith('/v1/agent/')]);
      expect(operation.security).toHaveLength(1);
      expect(Object.keys(operation.responses)).toEqual(['200', '429', 'default']);
    }
  });

  it('describes no parameter that it does not know', () => {
    const endpoint = { method: 'GET', path: '/v1/me', summary: '', access: 'viewer', query: ['colour'] } as const;
    const { response } = allEndpoints.getMe ?? {};
    if (response === undefined) throw new Error('no row getMe');
    expect(() => parametersOf({ ...endpoint, response })).toThrow('the parameter colour of /v1/me is not described');
  });
});

describe('docs/api.md', () => {
  it('has the tables of routes and codes as they are now', async () => {
    const text = await read('api.md');
    expect(withTables(text), hint).toBe(text);
    for (const { method, path } of Object.values(allEndpoints)) expect(text).toContain(`| \`${method} ${path}\` |`);
  });

  it('cannot lose a table unnoticed', () => {
    expect(() => withTables('# API')).toThrow('docs/api.md has no place for the table codes');
  });
});
