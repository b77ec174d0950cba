/** The HTTP APIs and distributions of the template. */
import { createPublicKey, type KeyObject } from 'node:crypto';
import { AssemblyError } from '#local/assembly/error.ts';
import * as edge from '#local/assembly/resources/edge.ts';
import * as storage from '#local/assembly/resources/storage.ts';
import { type CdnBehaviour, createCdn } from '../edge/cdn.ts';
import { createHttpApi, type HttpRoute } from '../edge/http-api.ts';
import type { Functions } from '../lambda/functions.ts';
import { listen } from '../services.ts';
import type { StackContext } from './context.ts';

const unresolved = (message: string): never => {
  throw new AssemblyError('unresolved', message);
};

/**
 * Starts the CDN. It needs no function, but functions may have its address in their environment.
 */
export async function startDistributions(context: StackContext): Promise<void> {
  const { model, access, addresses, endpoints, ports, log, cleanup } = context;
  const policies = new Map(
    model.of(edge.responseHeadersPolicy).map(({ ref, properties }) => [ref, properties.ResponseHeadersPolicyConfig]),
  );
  const accessControls = new Set(model.of(edge.originAccessControl).map(({ ref }) => ref));
  const buckets = new Map(model.of(storage.bucket).map(({ ref, attributes }) => [attributes.RegionalDomainName, ref]));
  for (const { logicalId, ref, attributes, properties } of model.of(edge.distribution)) {
    const { CacheBehaviors, DefaultCacheBehavior, Origins, DefaultRootObject } = properties.DistributionConfig;
    const behaviours = [...CacheBehaviors, { ...DefaultCacheBehavior, PathPattern: '*' }].map(
      (behaviour): CdnBehaviour => {
        const origin = Origins.find(({ Id }) => Id === behaviour.TargetOriginId);
        const bucket = origin && buckets.get(origin.DomainName);
        if (origin === undefined || bucket === undefined) {
          return unresolved(`${logicalId}: the origin ${behaviour.TargetOriginId} is no bucket of this stack`);
        }
        if (!accessControls.has(origin.OriginAccessControlId)) {
          unresolved(`${logicalId}: there is no origin access control ${origin.OriginAccessControlId}`);
        }
        const policyId = behaviour.ResponseHeadersPolicyId;
        if (policyId !== undefined && !policies.has(policyId)) {
          unresolved(`${logicalId}: the response headers policy ${policyId} is not one of this stack`);
        }
        return {
          pathPattern: behaviour.PathPattern,
          methods: behaviour.AllowedMethods,
          bucket,
          originPath: origin.OriginPath,
          responseHeaders: policyId === undefined ? undefined : policies.get(policyId),
          trustedKeys: trustedKeysOf(context, logicalId, behaviour.TrustedKeyGroups),
        };
      },
    );
    const arn = `arn:aws:cloudfront::${model.accountId}:distribution/${ref}`;
    const server = createCdn({
      region: model.region,
      s3Endpoint: endpoints.s3,
      credentials: access.serviceCredentials('cloudfront.amazonaws.com', arn),
      behaviours,
      defaultRootObject: DefaultRootObject,
      log,
    });
    const url = await listen(server, `cdn ${logicalId}`, ports, cleanup);
    addresses.add(`https://${attributes.DomainName}`, url);
  }
}

/** Public keys of the groups, by their ids; `undefined` when there is no group, and everybody may read. */
function trustedKeysOf(
  { model }: StackContext,
  logicalId: string,
  groupIds: readonly string[],
): ReadonlyMap<string, KeyObject> | undefined {
  if (groupIds.length === 0) return undefined;
  const keys = new Map(model.of(edge.publicKey).map(({ ref, properties }) => [ref, properties.PublicKeyConfig]));
  const groups = new Map(model.of(edge.keyGroup).map(({ ref, properties }) => [ref, properties.KeyGroupConfig.Items]));
  const trusted = new Map<string, KeyObject>();
  for (const groupId of groupIds) {
    const items = groups.get(groupId) ?? unresolved(`${logicalId}: there is no key group ${groupId}`);
    for (const keyId of items) {
      const { EncodedKey } = keys.get(keyId) ?? unresolved(`${logicalId}: there is no public key ${keyId}`);
      trusted.set(keyId, createPublicKey(EncodedKey));
    }
  }
  return trusted;
}

/**
 * Starts the APIs. Their functions must be there.
 * @returns ARNs that a caller of all routes with AWS_IAM authorization must be allowed to invoke
 */
export async function startApis(context: StackContext, functions: Functions): Promise<string[]> {
  const { model, access, addresses, ports, log, cleanup } = context;
  const { region, accountId } = model;
  const integrations = new Map(model.of(edge.integration).map((integration) => [integration.ref, integration]));
  const invoke: string[] = [];
  for (const { logicalId, ref: apiId, attributes, properties } of model.of(edge.api)) {
    if (!model.of(edge.stage).some((stage) => stage.properties.ApiId === apiId)) {
      unresolved(`${logicalId}: the API has no stage $default`);
    }
    const routes = model.of(edge.route).filter((route) => route.properties.ApiId === apiId);
    const served = routes.map((route): HttpRoute => {
      const { RouteKey, Target, AuthorizationType } = route.properties;
      const integration = integrations.get(Target.replace(/^integrations\//, ''));
      if (integration === undefined) return unresolved(`${route.logicalId}: there is no integration ${Target}`);
      if (AuthorizationType === 'AWS_IAM') {
        const path = RouteKey.replace(' ', '/')
          .replace('//', '/')
          .replaceAll(/\{[^}]+\}/g, '*')
          .replace(/^ANY/, '*');
        invoke.push(`arn:aws:execute-api:${region}:${accountId}:${apiId}/$default/${path}`);
      }
      return {
        key: RouteKey,
        authorization: AuthorizationType,
        target: functions.get(integration.properties.IntegrationUri),
        timeoutMilliseconds: integration.properties.TimeoutInMillis,
      };
    });
    const endpoint = attributes.ApiEndpoint ?? '';
    const server = createHttpApi({
      apiId,
      region,
      accountId,
      domainName: endpoint.replace('https://', ''),
      routes: served,
      cors: properties.CorsConfiguration,
      access,
      log,
    });
    addresses.add(endpoint, await listen(server, `api ${logicalId}`, ports, cleanup));
  }
  return invoke;
}
