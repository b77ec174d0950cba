import { request } from 'node:http';
import { Sha256 } from '@aws-crypto/sha256-js';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { SignatureV4 } from '@smithy/signature-v4';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Credentials } from '#local/types.ts';
import { type Fixture, type FixtureStack, prepareFixture } from '../fixture/start.ts';

let fixture: Fixture;
let stack: FixtureStack;
beforeAll(async () => {
  fixture = await prepareFixture();
  stack = await fixture.start('edge');
});
afterAll(async () => {
  await stack.close();
  await fixture.remove();
});

const api = (path: string, init?: RequestInit): Promise<Response> => fetch(`${stack.output('ApiUrl')}${path}`, init);

describe('the HTTP API', () => {
  it('calls the function with an event of payload format 2.0', async () => {
    const answer = await api('/open/a%20b?x=1&x=2&y=%C3%A4', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'X-Own': 'one', Cookie: 'c=1; d=2' },
      body: '{"hello":"wörld"}',
    });
    expect(answer.status).toBe(200);
    const event = Object(await answer.json());
    expect(event).toMatchObject({
      version: '2.0',
      routeKey: 'POST /open/{name}',
      rawPath: '/open/a b',
      rawQueryString: 'x=1&x=2&y=%C3%A4',
      queryStringParameters: { x: '1,2', y: 'ä' },
      pathParameters: { name: 'a b' },
      cookies: ['c=1', 'd=2'],
      headers: { 'content-type': 'application/json', 'x-own': 'one' },
      body: '{"hello":"wörld"}',
      isBase64Encoded: false,
      requestContext: {
        accountId: '000000000000',
        http: { method: 'POST', path: '/open/a b', protocol: 'HTTP/1.1' },
        routeKey: 'POST /open/{name}',
        stage: '$default',
        time: expect.stringMatching(/^\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d \+0000$/),
      },
    });
    expect(event.headers).not.toHaveProperty('cookie');
    expect(event.requestContext).not.toHaveProperty('authorizer');
  });

  it('passes bytes on as base64, both ways', async () => {
    const headers = { 'content-type': 'application/octet-stream' };
    const sent = await api('/open/x', { method: 'POST', headers, body: new Uint8Array([0, 255, 1]) });
    expect(await sent.json()).toMatchObject({ body: 'AP8B', isBase64Encoded: true });
    const got = await api('/open/binary');
    expect(got.status).toBe(201);
    expect(got.headers.get('x-number')).toBe('7');
    expect(got.headers.getSetCookie()).toEqual(['a=1; Secure', 'b=2']);
    expect(new Uint8Array(await got.arrayBuffer())).toEqual(new Uint8Array([0, 255, 1]));
  });

  it('makes an answer of a result without a status', async () => {
    const answer = await api('/open/plain');
    expect(answer.headers.get('content-type')).toBe('application/json');
    expect(await answer.json()).toEqual({ hello: 'world' });
  });

  it('answers for a function that fails or makes no sense, and for routes that there are not', async () => {
    for (const [path, status, message] of [
      ['/open/throw', 500, 'Internal Server Error'],
      ['/open/broken', 500, 'Internal Server Error'],
      ['/open', 404, 'Not Found'],
      ['/open/a/b', 404, 'Not Found'],
      ['/open/%zz', 404, 'Not Found'],
    ] as const) {
      const answer = await api(path);
      expect([path, answer.status, await answer.json()]).toEqual([path, status, { message }]);
    }
    expect((await api('/open/a', { method: 'DELETE' })).status).toBe(404);
  });

  it('takes no more than 10 MB, and no more than the function takes', async () => {
    for (const bytes of [11, 7]) {
      const body = 'x'.repeat(bytes * 1024 * 1024);
      expect((await api('/open/a', { method: 'POST', body })).status).toBe(413);
    }
  });

  describe('on routes with AWS_IAM', () => {
    async function signed(credentials: Credentials, path: string, body = '{}', sent = body): Promise<Response> {
      const url = new URL(stack.output('ApiUrl'));
      const signer = new SignatureV4({ credentials, region: stack.region, service: 'execute-api', sha256: Sha256 });
      const { headers } = await signer.sign({
        method: 'POST',
        protocol: url.protocol,
        hostname: url.hostname,
        path,
        query: {},
        headers: { host: url.host, 'content-type': 'application/json' },
        body,
      });
      return api(path, { method: 'POST', headers, body: sent });
    }

    it('lets the operator in, and tells the function who it is', async () => {
      const answer = await signed(stack.operator, '/closed/a');
      expect(answer.status).toBe(200);
      expect(Object(await answer.json()).requestContext.authorizer.iam).toMatchObject({
        accessKey: stack.operator.accessKeyId,
        accountId: '000000000000',
        userArn: 'arn:aws:iam::000000000000:user/operator',
      });
    });

    it('lets nobody else in', async () => {
      const stranger = { accessKeyId: 'AKIANOBODY', secretAccessKey: 'x' };
      const forged = { ...stack.operator, secretAccessKey: 'guessed' };
      const answers = await Promise.all([
        api('/closed/a', { method: 'POST' }),
        signed(stranger, '/closed/a'),
        signed(forged, '/closed/a'),
        signed(stack.operator, '/closed/a', '{}', '{"changed":true}'),
      ]);
      for (const answer of answers) {
        expect([answer.status, await answer.json()]).toEqual([403, { message: 'Forbidden' }]);
      }
    });
  });
});

describe('the CDN', () => {
  const body = 'A file of the repository';
  beforeAll(async () => {
    const credentials = stack.administrator;
    const s3 = new S3Client({ region: stack.region, credentials, endpoint: stack.endpoints.s3, forcePathStyle: true });
    for (const Key of ['public/file', 'other/file', 'public/a+b c']) {
      const CacheControl = 'max-age=31536000, immutable';
      await s3.send(
        new PutObjectCommand({
          Bucket: stack.output('Bucket'),
          Key,
          Body: body,
          CacheControl,
          ContentType: 'text/plain',
        }),
      );
    }
  });
  const cdn = (path: string, init?: RequestInit): Promise<Response> => fetch(`${stack.output('CdnUrl')}${path}`, init);

  it('serves objects with what they were stored with', async () => {
    const answer = await cdn('/public/file');
    expect(answer.status).toBe(200);
    expect(await answer.text()).toBe(body);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'content-type': 'text/plain',
      'content-length': String(body.length),
      'cache-control': 'max-age=31536000, immutable',
      'accept-ranges': 'bytes',
      'x-cache': 'Miss from cloudfront',
    });
    expect((await cdn('/public/a+b%20c')).status).toBe(200);
  });

  it('answers HEAD, ranges and conditions', async () => {
    const head = await cdn('/public/file', { method: 'HEAD' });
    const etag = head.headers.get('etag') ?? '';
    expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([
      200,
      String(body.length),
      '',
    ]);
    const part = await cdn('/public/file', { headers: { range: 'bytes=2-5' } });
    expect([part.status, part.headers.get('content-range'), await part.text()]).toEqual([
      206,
      `bytes 2-5/${body.length}`,
      'file',
    ]);
    expect((await cdn('/public/file', { headers: { 'if-none-match': etag } })).status).toBe(304);
    expect((await cdn('/public/file', { headers: { range: 'bytes=900-' } })).status).toBe(416);
  });

  it('gives the range only of the same object when asked so', async () => {
    const head = await cdn('/public/file', { method: 'HEAD' });
    const etag = head.headers.get('etag') ?? '';
    const modified = head.headers.get('last-modified') ?? '';
    const ifRange = (value: string) => cdn('/public/file', { headers: { range: 'bytes=2-5', 'if-range': value } });
    expect((await ifRange(etag)).status).toBe(206);
    expect((await ifRange(modified)).status).toBe(206);
    for (const other of ['"another"', `W/${etag}`, 'Mon, 01 Jan 2001 00:00:00 GMT']) {
      const answer = await ifRange(other);
      expect([other, answer.status, await answer.text()]).toEqual([other, 200, body]);
    }
  });

  it('adds the headers of the policy of the behaviour, and only of that', async () => {
    const byDefault = await cdn('/other/file');
    expect(byDefault.headers.get('strict-transport-security')).toBe('max-age=31536000; includeSubDomains');
    expect(byDefault.headers.get('x-content-type-options')).toBe('nosniff');
    expect((await cdn('/public/file')).headers.get('x-content-type-options')).toBeNull();
  });

  it('answers 403 for what is not there, and for other methods', async () => {
    expect((await cdn('/public/absent')).status).toBe(403);
    expect((await cdn('/public/file', { method: 'PUT', body: 'x' })).status).toBe(403);
    expect((await cdn('/public/file', { method: 'DELETE' })).status).toBe(403);
  });

  it('does not leave the bucket by a path', async () => {
    const { port } = new URL(stack.output('CdnUrl'));
    const status = await new Promise<number | undefined>((resolve, reject) => {
      request({ port, path: '/public/../../other-bucket/file' }, (response) => {
        response.resume();
        resolve(response.statusCode);
      })
        .on('error', reject)
        .end();
    });
    expect(status).toBe(403);
  });
});

describe('routes', () => {
  it('go to the full match first, then to a greedy variable, then to $default; in the time that they have', async () => {
    const assemblyDir = await fixture.edited(({ Resources }) => {
      for (const [logicalId, resource] of Object.entries(Resources)) {
        const { Type, Properties } = resource;
        if (Type === 'AWS::Lambda::Permission') delete Properties.SourceArn;
        if (Type === 'AWS::ApiGatewayV2::Integration') Properties.TimeoutInMillis = 1000;
        if (Type === 'AWS::ApiGatewayV2::Api') Properties.CorsConfiguration = { AllowOrigins: ['*'] };
        if (Type !== 'AWS::ApiGatewayV2::Route' || Properties.RouteKey !== 'POST /open/{name}') continue;
        Resources[`${logicalId}Greedy`] = { Type, Properties: { ...Properties, RouteKey: 'ANY /open/{rest+}' } };
        Resources[`${logicalId}Default`] = { Type, Properties: { ...Properties, RouteKey: '$default' } };
      }
    });
    const routed = await fixture.start('routed', { assemblyDir });
    const route = async (method: string, path: string): Promise<unknown> => {
      const answer = await fetch(`${routed.output('ApiUrl')}${path}`, { method });
      const { routeKey, pathParameters } = Object(await answer.json());
      return [routeKey, pathParameters];
    };
    expect(await route('GET', '/open/a')).toEqual(['GET /open/{name}', { name: 'a' }]);
    expect(await route('PUT', '/open/a')).toEqual(['ANY /open/{rest+}', { rest: 'a' }]);
    expect(await route('GET', '/open/a/b/c')).toEqual(['ANY /open/{rest+}', { rest: 'a/b/c' }]);
    expect(await route('GET', '/elsewhere')).toEqual(['$default', undefined]);
    const slow = await fetch(`${routed.output('ApiUrl')}/open/slow`, { headers: { origin: 'https://a.example.org' } });
    expect([slow.status, await slow.json()]).toEqual([503, { message: 'Service Unavailable' }]);
    expect(slow.headers.get('access-control-allow-origin')).toBe('*');
    const preflight = { origin: 'https://a.example.org', 'access-control-request-method': 'GET' };
    const answer = await fetch(`${routed.output('ApiUrl')}/open/a`, { method: 'OPTIONS', headers: preflight });
    expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([204, '*']);
    await routed.close();
  });
});

describe('without the grants of the template', () => {
  it('the CDN is refused by the bucket, and the API by its function', async () => {
    const assemblyDir = await fixture.edited(({ Resources }) => {
      for (const [logicalId, { Type, Properties }] of Object.entries(Resources)) {
        if (Type === 'AWS::Lambda::Permission') delete Resources[logicalId];
        const document = Properties.PolicyDocument;
        if (Type === 'AWS::S3::BucketPolicy' && document) {
          document.Statement = document.Statement.filter(({ Effect }) => Effect === 'Deny');
        }
      }
    });
    const bare = await fixture.start('bare', { assemblyDir });
    const key = 'public/file';
    expect(await bare.invoke(bare.output('Worker'), { do: 'put', key, body: 'x' })).toMatchObject({ ok: true });
    expect((await fetch(`${bare.output('CdnUrl')}/${key}`)).status).toBe(403);
    expect((await fetch(`${bare.output('ApiUrl')}/open/a`)).status).toBe(500);
    const denials = bare.log.filter(({ source }) => source === 'iam').map(({ message }) => message);
    expect(denials).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/cloudfront\.amazonaws\.com is not authorized to perform: s3:GetObject/),
        expect.stringMatching(/apigateway\.amazonaws\.com is not authorized to perform: lambda:InvokeFunction/),
      ]),
    );
    await bare.close();
  });
});
