/** The HTTP API and the CloudFront distribution. */
import * as z from 'zod/mini';
import { flag, generatedId, kind, modelled, tagged, wholeNumber } from './kind.ts';

export const api = kind(
  'AWS::ApiGatewayV2::Api',
  modelled(
    {
      Name: z.string(),
      ProtocolType: z.literal('HTTP'),
      CorsConfiguration: z.optional(
        z.strictObject({
          AllowCredentials: z._default(flag, false),
          AllowHeaders: z._default(z.array(z.string()), []),
          AllowMethods: z._default(z.array(z.string()), []),
          AllowOrigins: z._default(z.array(z.string()), []),
          ExposeHeaders: z._default(z.array(z.string()), []),
          MaxAge: z.optional(wholeNumber),
        }),
      ),
      DisableExecuteApiEndpoint: z.optional(z.union([z.literal(false), z.literal('false')])),
    },
    { ...tagged, Description: 'for people' },
  ),
  (context) => {
    const id = generatedId(context, 10);
    return {
      ref: id,
      attributes: { ApiId: id, ApiEndpoint: `https://${id}.execute-api.${context.region}.amazonaws.com` },
    };
  },
);

export const stage = kind(
  'AWS::ApiGatewayV2::Stage',
  modelled(
    { ApiId: z.string(), StageName: z.literal('$default'), AutoDeploy: z.optional(flag) },
    {
      ...tagged,
      AccessLogSettings: 'requests go to the log of the runner',
      DefaultRouteSettings: 'nothing is throttled locally',
      Description: 'for people',
      RouteSettings: 'nothing is throttled locally',
    },
  ),
  () => ({ ref: '$default', attributes: {} }),
);

export const integration = kind(
  'AWS::ApiGatewayV2::Integration',
  modelled(
    {
      ApiId: z.string(),
      IntegrationType: z.literal('AWS_PROXY'),
      IntegrationUri: z.string(),
      PayloadFormatVersion: z.literal('2.0'),
      TimeoutInMillis: z._default(wholeNumber, 30_000),
    },
    {
      ConnectionType: 'functions are reached without a network of one’s own',
      Description: 'for people',
      IntegrationMethod: 'functions are always invoked by POST',
    },
  ),
  (context) => {
    const id = generatedId(context, 7);
    return { ref: id, attributes: { IntegrationId: id } };
  },
);

export const route = kind(
  'AWS::ApiGatewayV2::Route',
  modelled(
    {
      ApiId: z.string(),
      RouteKey: z.string(),
      Target: z.string(),
      AuthorizationType: z._default(z.enum(['NONE', 'AWS_IAM']), 'NONE'),
    },
    { OperationName: 'for people' },
  ),
  (context) => {
    const id = generatedId(context, 7);
    return { ref: id, attributes: { RouteId: id } };
  },
);

const headerList = z.strictObject({ Items: z.array(z.string()) });

const behaviourShape = {
  TargetOriginId: z.string(),
  AllowedMethods: z._default(z.array(z.string()), ['GET', 'HEAD']),
  ResponseHeadersPolicyId: z.optional(z.string()),
  TrustedKeyGroups: z._default(z.array(z.string()), []),
};
const behaviourInert = {
  CachedMethods: 'nothing is cached: each request goes to the origin',
  CachePolicyId: 'nothing is cached: each request goes to the origin',
  Compress: 'compression is the viewer’s offer and the edge’s choice; the local edge chooses not to',
  ViewerProtocolPolicy: 'plain HTTP on loopback stands for HTTPS',
};

export const distribution = kind(
  'AWS::CloudFront::Distribution',
  modelled(
    {
      DistributionConfig: modelled(
        {
          Enabled: z.union([z.literal(true), z.literal('true')], {
            error: 'must be true: a disabled one is not modelled',
          }),
          DefaultRootObject: z.optional(z.string()),
          DefaultCacheBehavior: modelled(behaviourShape, behaviourInert),
          CacheBehaviors: z._default(
            z.array(modelled({ ...behaviourShape, PathPattern: z.string() }, behaviourInert)),
            [],
          ),
          Origins: z.array(
            modelled(
              {
                Id: z.string(),
                DomainName: z.string(),
                OriginAccessControlId: z.string(),
                OriginPath: z._default(z.string(), ''),
                S3OriginConfig: modelled({ OriginAccessIdentity: z.optional(z.literal('')) }),
              },
              {
                ConnectionAttempts: 'the origin is on the same machine',
                ConnectionTimeout: 'the origin is on the same machine',
                OriginShield: 'nothing is cached',
              },
            ),
          ),
          CustomErrorResponses: z.optional(
            z.array(
              modelled({ ErrorCode: wholeNumber }, { ErrorCachingMinTTL: 'nothing is cached, and no error either' }),
            ),
          ),
          Restrictions: z.optional(
            z.strictObject({ GeoRestriction: z.strictObject({ RestrictionType: z.literal('none') }) }),
          ),
        },
        {
          Aliases: 'other names of the distribution are the owner’s DNS',
          Comment: 'for people',
          HttpVersion: 'the local edge speaks HTTP/1.1, which every client can',
          IPV6Enabled: 'the local edge listens on 127.0.0.1',
          Logging: 'requests go to the log of the runner',
          PriceClass: 'a matter of bills',
          ViewerCertificate: 'plain HTTP on loopback stands for HTTPS',
        },
      ),
    },
    tagged,
  ),
  (context) => {
    const id = generatedId(context, 13).toUpperCase();
    return { ref: id, attributes: { Id: id, DomainName: `d${generatedId(context, 13)}.cloudfront.net` } };
  },
);

export const originAccessControl = kind(
  'AWS::CloudFront::OriginAccessControl',
  modelled({
    OriginAccessControlConfig: modelled(
      {
        Name: z.string(),
        OriginAccessControlOriginType: z.literal('s3'),
        SigningBehavior: z.literal('always'),
        SigningProtocol: z.literal('sigv4'),
      },
      { Description: 'for people' },
    ),
  }),
  (context) => {
    const id = generatedId(context, 14).toUpperCase();
    return { ref: id, attributes: { Id: id } };
  },
);

export const publicKey = kind(
  'AWS::CloudFront::PublicKey',
  modelled({
    PublicKeyConfig: modelled(
      { EncodedKey: z.string(), Name: z.string() },
      { CallerReference: 'tells repeated calls apart', Comment: 'for people' },
    ),
  }),
  (context) => {
    const id = `K${generatedId(context, 13).toUpperCase()}`;
    return { ref: id, attributes: { Id: id } };
  },
);

export const keyGroup = kind(
  'AWS::CloudFront::KeyGroup',
  modelled({
    KeyGroupConfig: modelled({ Items: z.array(z.string()), Name: z.string() }, { Comment: 'for people' }),
  }),
  (context) => {
    const id = `${generatedId(context, 8)}-0000-4000-8000-${generatedId(context, 12)}`;
    return { ref: id, attributes: { Id: id } };
  },
);

const override = { Override: flag };

export const responseHeadersPolicy = kind(
  'AWS::CloudFront::ResponseHeadersPolicy',
  modelled({
    ResponseHeadersPolicyConfig: modelled(
      {
        Name: z.string(),
        SecurityHeadersConfig: z.optional(
          z.strictObject({
            ContentSecurityPolicy: z.optional(z.strictObject({ ContentSecurityPolicy: z.string(), ...override })),
            ContentTypeOptions: z.optional(z.strictObject(override)),
            FrameOptions: z.optional(z.strictObject({ FrameOption: z.enum(['DENY', 'SAMEORIGIN']), ...override })),
            ReferrerPolicy: z.optional(z.strictObject({ ReferrerPolicy: z.string(), ...override })),
            StrictTransportSecurity: z.optional(
              z.strictObject({
                AccessControlMaxAgeSec: wholeNumber,
                IncludeSubdomains: z._default(flag, false),
                Preload: z._default(flag, false),
                ...override,
              }),
            ),
            XSSProtection: z.optional(
              z.strictObject({ Protection: flag, ModeBlock: z._default(flag, false), ...override }),
            ),
          }),
        ),
        CustomHeadersConfig: z.optional(
          z.strictObject({
            Items: z.array(z.strictObject({ Header: z.string(), Value: z.string(), ...override })),
          }),
        ),
        RemoveHeadersConfig: z.optional(z.strictObject({ Items: z.array(z.strictObject({ Header: z.string() })) })),
        CorsConfig: z.optional(
          z.strictObject({
            AccessControlAllowCredentials: flag,
            AccessControlAllowHeaders: headerList,
            AccessControlAllowMethods: headerList,
            AccessControlAllowOrigins: headerList,
            AccessControlExposeHeaders: z.optional(headerList),
            AccessControlMaxAgeSec: z.optional(wholeNumber),
            OriginOverride: flag,
          }),
        ),
      },
      { Comment: 'for people' },
    ),
  }),
  (context) => {
    const id = `${generatedId(context, 8)}-0000-4000-8000-${generatedId(context, 12)}`;
    return { ref: id, attributes: { Id: id } };
  },
);
