import type { Duration, RemovalPolicy, StackProps } from 'aws-cdk-lib';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { RepositoryDomain } from './edge/distribution.ts';
import type { OpenIdProvider } from './edge/identity.ts';
import type { OutboundProxyProps } from './edge/outbound-proxy.ts';
import type { RepositoryKey } from './stores/cookies.ts';

export interface BrokerStackProps extends StackProps {
  /**
   * Address of Microsoft's offline index.
   *
   * @default https://catalog.s.download.windowsupdate.com/microsoftupdate/v6/wsusscan/wsusscn2.cab
   */
  readonly indexUrl?: string;

  /**
   * Certificates, as PEM text, that the signature of an index may lead to beside Microsoft's roots, which are part of the
   * code. Lambda allows 4 KB for all variables of a function together: up to 3,000 bytes, which is one root.
   *
   * @default - none
   */
  readonly indexRoots?: string;

  /**
   * Whether an index may be signed by SHA-1 alone, as those from before July 2020. Forgeries of such signatures are
   * within reach of the wealthy.
   *
   * @default false
   */
  readonly allowSha1Signatures?: boolean;

  /**
   * How much smaller than the current publication a new one may be before it is refused, in percent, from 0 to 100:
   * counted in updates, in those that can be installed, and in files.
   *
   * @default 20
   */
  readonly maxShrinkPercent?: number;

  /**
   * How often Microsoft is asked whether there is a new index. The question is conditional: an unchanged index costs
   * one small request. Between 1 minute, and 12 hours, because what an interrupted run copied is kept for a day only.
   *
   * @default Duration.hours(1)
   */
  readonly syncEvery?: Duration;

  /**
   * How many publications of the index stay stored, bytes and catalogue, the current one among them; 1 or more. The others are
   * deleted from two days after the current one was published on.
   *
   * @default 3
   */
  readonly keepIndexes?: number;

  /**
   * How often open requests are put on the queue.
   *
   * @default Duration.minutes(30)
   */
  readonly sweepEvery?: Duration;

  /**
   * How often the repository is cleaned of files that no host needs. Between 15 minutes and a day.
   *
   * @default Duration.days(1)
   */
  readonly cleanEvery?: Duration;

  /**
   * How long a file that no host needs stays in the repository. Hosts that come back in this time find it there.
   *
   * @default Duration.days(14)
   */
  readonly cleanGrace?: Duration;

  /**
   * How long the bytes of a file are kept after the broker no longer offers it, for hosts that are downloading it. One day at
   * least: longer than the cookies that open the repository are good, and longer than a download takes.
   *
   * @default Duration.days(2)
   */
  readonly cleanPause?: Duration;

  /**
   * How long a host that is not seen keeps the files that it needed last. When it comes back it asks for what it needs then.
   *
   * @default Duration.days(90)
   */
  readonly hostsCountFor?: Duration;

  /**
   * KB numbers, digits only, whose files are kept once they are in the repository, whoever needs them: for machines that are
   * still to be set up. Lambda allows 4 KB for all variables of a function together: up to 300 numbers.
   *
   * @default - none
   */
  readonly keepFilesOfKbs?: readonly string[];

  /**
   * Memory of the function that decodes the index, in MiB. The whole catalogue (some 140,000 updates) is held in
   * memory once.
   *
   * @default 2048
   */
  readonly syncMemoryMiB?: number;

  /**
   * Memory of the worker, in MiB. It streams: memory does not grow with the files, but Lambda gives processor time and
   * network in proportion to memory, and 1,769 MiB are one whole processor.
   *
   * @default 1769
   */
  readonly workerMemoryMiB?: number;

  /**
   * Time limit of one run of the worker, which fetches one file. A failed file is tried again after six times this
   * limit.
   *
   * @default Duration.minutes(15), the longest that Lambda allows
   */
  readonly workerTimeout?: Duration;

  /**
   * How many files are fetched at most at the same time; from 2 to 1000.
   *
   * @default 5
   */
  readonly workerConcurrency?: number;

  /**
   * What all workers together take from Microsoft at most, in bytes per second; each has an equal share of it.
   *
   * @default - as much as they get
   */
  readonly downloadBytesPerSecond?: number;

  /**
   * How many objects the snapshot of the fleet is divided into at most; it begins with one, and is divided further for
   * each 12,500 hosts. From 1 to 256; of others than powers of two, the next lower one counts.
   *
   * @default 8
   */
  readonly fleetPartitions?: number;

  /**
   * Requests per second that the API lets through on average.
   *
   * @default 100
   */
  readonly apiRequestsPerSecond?: number;

  /**
   * Requests that the API takes at once.
   *
   * @default 200
   */
  readonly apiBurst?: number;

  /**
   * Requests that one host may make at once. A usual round makes one, a busy one about five.
   *
   * @default 60
   */
  readonly hostBurst?: number;

  /**
   * Requests per minute that one host may make besides; what is above is answered 429 and costs one read.
   *
   * @default 6
   */
  readonly hostRequestsPerMinute?: number;

  /**
   * Files that one host may have fetched from Microsoft on a day (UTC), those left out that another one asked for first.
   * What is above is refused by name until the next day.
   *
   * @default 500
   */
  readonly hostFilesPerDay?: number;

  /**
   * How long the agents' API keeps active commands in memory before it reads them again. Hosts hear of new ones that much
   * later; a shorter time costs more reads.
   *
   * @default Duration.minutes(1)
   */
  readonly settingsKept?: Duration;

  /**
   * Requests that one person may make in a minute; what is above is answered 429.
   *
   * @default 120
   */
  readonly requestsPerPersonAndMinute?: number;

  /**
   * How long the daily anchors of the audit log are locked: nobody can delete or change one before, not even the root of
   * the account. Whole days.
   *
   * @default Duration.days(365)
   */
  readonly auditRetention?: Duration;

  /**
   * Age of Microsoft's publication from which on the alarm `index-age` rings. Publications come on the second Tuesday
   * of a month, 28 or 35 days apart.
   *
   * @default Duration.days(38)
   */
  readonly maxIndexAge?: Duration;

  /**
   * A proxy that Microsoft's hosts are reached through. Calls of AWS's services do not go through it.
   *
   * @default - functions reach them by themselves
   */
  readonly outboundProxy?: OutboundProxyProps;

  /**
   * An address that gets an e-mail for each alarm; AWS asks it for a confirmation first.
   *
   * @default - no e-mail; alarms are seen in CloudWatch
   */
  readonly alarmEmail?: string;

  /**
   * An SNS topic of yours that is told of each alarm, beside or instead of an e-mail.
   *
   * @default - none
   */
  readonly alarmTopicArn?: string;

  /** The key whose cookies open the repository, as `kbroker setup keys` made it. */
  readonly repositoryKey: RepositoryKey;

  /**
   * A name of your own for the repository, with its certificate. Without it TLS below 1.2 cannot be refused.
   *
   * @default - the name that CloudFront gives
   */
  readonly repositoryDomain?: RepositoryDomain;

  /**
   * The OpenID provider whose access tokens let people in.
   *
   * @default - a Cognito user pool with a group for each role is made
   */
  readonly oidc?: OpenIdProvider;

  /**
   * First part of the host name of Cognito's login page; nobody else in the region may have it.
   *
   * @default - the stack's name and the account's number
   */
  readonly loginDomainPrefix?: string;

  /**
   * How long logs are kept.
   *
   * @default RetentionDays.THREE_MONTHS
   */
  readonly logRetention?: RetentionDays;

  /**
   * What happens to buckets, tables and queues when they leave the stack. With DESTROY, tables lose their deletion
   * protection too; a bucket must be emptied by hand before.
   *
   * @default RemovalPolicy.RETAIN
   */
  readonly stateRemoval?: RemovalPolicy;

  /** Folder with the bundles of the functions, one folder per function, as kit/bundle.ts makes them. */
  readonly bundleDir: string;
}
