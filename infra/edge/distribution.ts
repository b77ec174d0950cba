import { Aws, Duration } from 'aws-cdk-lib';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import {
  AllowedMethods,
  type BehaviorOptions,
  CachePolicy,
  type CfnDistribution,
  Distribution,
  HeadersFrameOption,
  HeadersReferrerPolicy,
  HttpVersion,
  type IKeyGroup,
  OriginBase,
  ResponseHeadersPolicy,
  S3OriginAccessControl,
  SecurityPolicyProtocol,
  ViewerProtocolPolicy,
} from 'aws-cdk-lib/aws-cloudfront';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { buildKey, type publicPrefixes } from '#shared/contract/keys.ts';
import { acknowledge } from '../kit/acknowledge.ts';

/** A name of your own for the repository. */
export interface RepositoryDomain {
  /** For instance `updates.example.org`. Its DNS record is yours to make. */
  readonly name: string;
  /** Certificate of that name in AWS Certificate Manager, in us-east-1. */
  readonly certificateArn: string;
}

export interface RepositoryDistributionProps {
  /** Which bucket holds the objects of each public prefix. */
  readonly origins: Readonly<Record<(typeof publicPrefixes)[number], Bucket>>;
  /** Keys whose cookies open it. */
  readonly trusted: IKeyGroup;
  /**
   * @default - the name that CloudFront gives
   */
  readonly domain?: RepositoryDomain;
}

/**
 * Serves the public prefixes of the repository over HTTPS to hosts that were given cookies, and nothing else. CloudFront
 * asks for the cookies on every path, before it looks at its cache or at a bucket. A path outside of the prefixes
 * reaches a bucket whose policy lets CloudFront read only the public prefix, so that S3 answers 403. The same answer
 * comes for an index or a payload that is not there, because CloudFront may not list their buckets.
 */
export class RepositoryDistribution extends Construct {
  /** With https:// and without a slash at the end. */
  readonly url: string;

  constructor(scope: Construct, id: string, props: RepositoryDistributionProps) {
    super(scope, id);
    const originAccessControlId = new S3OriginAccessControl(this, 'AccessControl').originAccessControlId;
    const indexOrigin = new BucketOrigin(props.origins['index/'], originAccessControlId);
    const payloadsOrigin = new BucketOrigin(props.origins['payloads/'], originAccessControlId);
    const signedOrigin = new BucketOrigin(props.origins['metadata/'], originAccessControlId);

    const pointerCache = new CachePolicy(this, 'PointerCache', {
      comment: 'The pointer to the current index and the timestamp move',
      minTtl: Duration.seconds(0),
      defaultTtl: Duration.seconds(60),
      maxTtl: Duration.seconds(60),
    });
    const immutableCache = new CachePolicy(this, 'ImmutableCache', {
      comment: 'Objects under the digest of their bytes never change',
      minTtl: Duration.days(1),
      defaultTtl: Duration.days(365),
      maxTtl: Duration.days(365),
    });
    const common = {
      viewerProtocolPolicy: ViewerProtocolPolicy.HTTPS_ONLY,
      trustedKeyGroups: [props.trusted],
      allowedMethods: AllowedMethods.ALLOW_GET_HEAD,
      // Agents check digests and resume at a byte: they need the bytes as they are. Cabinets do not compress anyway.
      compress: false,
      responseHeadersPolicy: securityHeaders(this),
    };
    const pointer: BehaviorOptions = { ...common, origin: indexOrigin, cachePolicy: pointerCache };
    const index: BehaviorOptions = { ...common, origin: indexOrigin, cachePolicy: immutableCache };
    const payloads: BehaviorOptions = { ...common, origin: payloadsOrigin, cachePolicy: immutableCache };
    const timestamp: BehaviorOptions = { ...common, origin: signedOrigin, cachePolicy: pointerCache };
    const signed: BehaviorOptions = { ...common, origin: signedOrigin, cachePolicy: immutableCache };

    const distribution = new Distribution(this, 'Distribution', {
      comment: 'Repository of Windows updates',
      // CloudFront insists on a default behaviour; see above why it gives nothing.
      defaultBehavior: pointer,
      additionalBehaviors: {
        [`/${buildKey({ kind: 'index-pointer' })}`]: pointer,
        '/index/*': index,
        '/payloads/*': payloads,
        '/packages/*': payloads,
        [`/${buildKey({ kind: 'timestamp' })}`]: timestamp,
        '/metadata/*': signed,
        '/targets/*': signed,
      },
      // A file that was missing a moment ago may be there now.
      errorResponses: [403, 404].map((httpStatus) => ({ httpStatus, ttl: Duration.seconds(5) })),
      httpVersion: HttpVersion.HTTP2_AND_3,
      ...(props.domain && {
        domainNames: [props.domain.name],
        certificate: Certificate.fromCertificateArn(this, 'Certificate', props.domain.certificateArn),
        minimumProtocolVersion: SecurityPolicyProtocol.TLS_V1_2_2021,
      }),
    });

    const byCloudFront = {
      principals: [new ServicePrincipal('cloudfront.amazonaws.com')],
      conditions: {
        StringEquals: {
          'AWS:SourceArn': `arn:${Aws.PARTITION}:cloudfront::${Aws.ACCOUNT_ID}:distribution/${distribution.distributionId}`,
        },
      },
    };
    for (const [prefix, bucket] of Object.entries(props.origins)) {
      const resources = [bucket.arnForObjects(`${prefix}*`)];
      bucket.addToResourcePolicy(new PolicyStatement({ ...byCloudFront, actions: ['s3:GetObject'], resources }));
    }
    // At each round hosts look for the next root, which is not there: 404 must not look like cookies that have ended (403).
    // No path of a viewer is a listing: that would be the root of the bucket, and the behaviours lead below it.
    const signedBucket = props.origins['metadata/'];
    signedBucket.addToResourcePolicy(
      new PolicyStatement({ ...byCloudFront, actions: ['s3:ListBucket'], resources: [signedBucket.bucketArn] }),
    );

    acknowledge(distribution, {
      'AwsSolutions-CFR1': 'A company has hosts in any country; what is served are public files of Microsoft.',
      'AwsSolutions-CFR2': 'Only GET and HEAD of immutable objects in S3: there is no application to protect.',
      'AwsSolutions-CFR3':
        'Hosts report what they installed to the API; standard logs of the CDN would only repeat it as addresses of hosts.',
      ...(props.domain
        ? {}
        : {
            'AwsSolutions-CFR4':
              'Without a domain of its own the distribution uses the certificate of cloudfront.net, for which ' +
              'CloudFront fixes the protocol list. Current agents negotiate TLS 1.3; set `repositoryDomain` to enforce 1.2.',
          }),
    });
    this.url = `https://${props.domain?.name ?? distribution.distributionDomainName}`;
  }
}

/**
 * A bucket behind an origin access control. Unlike the CDK's S3BucketOrigin it leaves the bucket policy alone, which
 * would otherwise let CloudFront read the whole bucket.
 */
class BucketOrigin extends OriginBase {
  constructor(bucket: Bucket, originAccessControlId: string) {
    super(bucket.bucketRegionalDomainName, { originAccessControlId });
  }

  protected override renderS3OriginConfig(): CfnDistribution.S3OriginConfigProperty {
    // Empty: the older origin access identity is not used. CloudFront still asks for the element.
    return { originAccessIdentity: '' };
  }
}

function securityHeaders(scope: Construct): ResponseHeadersPolicy {
  return new ResponseHeadersPolicy(scope, 'SecurityHeaders', {
    comment: 'Files for agents, never a page',
    securityHeadersBehavior: {
      contentSecurityPolicy: { contentSecurityPolicy: "default-src 'none'; sandbox", override: true },
      contentTypeOptions: { override: true },
      frameOptions: { frameOption: HeadersFrameOption.DENY, override: true },
      referrerPolicy: { referrerPolicy: HeadersReferrerPolicy.NO_REFERRER, override: true },
      strictTransportSecurity: {
        accessControlMaxAge: Duration.days(365),
        includeSubdomains: false,
        override: true,
      },
    },
  });
}
