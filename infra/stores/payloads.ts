import { Duration, type RemovalPolicy } from 'aws-cdk-lib';
import { StorageClass } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { payloadsBinding } from '#shared/stores/payloads/binding.ts';
import type { BrokerFunction } from '../kit/broker-function.ts';
import { BrokerTable } from '../kit/broker-table.ts';
import { PrivateBucket } from '../kit/private-bucket.ts';

export interface PayloadsProps {
  readonly removalPolicy: RemovalPolicy;
}

/** Files held in the repository: a table of records by SHA-1, a bucket of objects by SHA-256. */
export class Payloads extends Construct {
  readonly table: BrokerTable;
  readonly bucket: PrivateBucket;

  constructor(scope: Construct, id: string, props: PayloadsProps) {
    super(scope, id);
    this.table = new BrokerTable(this, 'Table', {
      shape: payloadsBinding.table,
      indexes: [payloadsBinding.byTime],
      removalPolicy: props.removalPolicy,
    });
    this.bucket = new PrivateBucket(this, 'Objects', {
      stagingPrefix: 'staging/',
      // A large file may come in parts, over more than one run of the worker.
      uploadsLast: Duration.days(7),
      lifecycleRules: [
        {
          id: 'tier-payloads',
          prefix: 'payloads/',
          // Hosts fetch a file in the days after it came, and then hardly ever. Files below 128 kB stay where they are.
          transitions: [{ storageClass: StorageClass.INTELLIGENT_TIERING, transitionAfter: Duration.days(0) }],
        },
      ],
      removalPolicy: props.removalPolicy,
    });
    // What administrators signed stays what they signed, whoever may put files there.
    this.bucket.writeOnce(['packages/*']);
  }

  /** To upload files and record them. */
  grantAdd(fn: BrokerFunction): void {
    // The record of a file whose removal broke off is dropped before the file comes again.
    this.table.allow(fn, ['BatchGetItem', 'DeleteItem', 'GetItem', 'PutItem', 'UpdateItem']);
    this.bucket.allowObjects(fn, ['s3:PutObject', 's3:AbortMultipartUpload'], ['payloads/', 'staging/']);
    // A large file is put together in staging, over several invocations, and copied to its digest's key when it is proved; so is
    // one whose SHA-256 is only known at its end.
    this.bucket.allowObjects(fn, ['s3:GetObject', 's3:DeleteObject', 's3:ListMultipartUploadParts'], ['staging/']);
    this.bucket.allowMissing(fn);
    this.bind(fn);
  }

  /** To say which files are held. */
  grantLookUp(fn: BrokerFunction): void {
    this.table.allow(fn, ['BatchGetItem']);
    this.bind(fn);
  }

  /** To list what is held, and to say how much it is. */
  grantList(fn: BrokerFunction): void {
    this.table.allow(fn, ['BatchGetItem', 'GetItem']);
    this.table.allowIndex(fn, payloadsBinding.byTime, ['Query']);
    this.bind(fn);
  }

  /** To take files out: nobody else may delete their objects. */
  grantClean(fn: BrokerFunction): void {
    const { cleaning, runPrefix, unnamedPackageFiles } = payloadsBinding.rows;
    this.table.allow(fn, ['DeleteItem', 'GetItem', 'UpdateItem']);
    this.table.allowKeys(fn, ['PutItem'], [cleaning, unnamedPackageFiles, `${runPrefix}*`]);
    this.table.allowIndex(fn, payloadsBinding.byTime, ['Query']);
    this.bucket.allowObjects(fn, ['s3:DeleteObject'], ['payloads/', 'packages/']);
    // To find files of packages that no manifest names.
    this.bucket.allowMissing(fn);
    this.bind(fn);
  }

  /** To let people upload files of packages, by addresses that take one file each, and to say which are there. */
  grantPackages(fn: BrokerFunction): void {
    this.bucket.allowObjects(fn, ['s3:GetObject', 's3:PutObject'], ['packages/']);
    this.bucket.allowMissing(fn);
    this.bind(fn);
  }

  /** To note and follow cleanings that a person starts. */
  grantFollowRuns(fn: BrokerFunction): void {
    const { runPrefix } = payloadsBinding.rows;
    this.table.allowKeys(fn, ['GetItem', 'PutItem'], [`${runPrefix}*`]);
    this.bind(fn);
  }

  private bind(fn: BrokerFunction): void {
    const { env } = payloadsBinding;
    fn.bind({ [env.table]: this.table.table.tableName, [env.bucket]: this.bucket.bucket.bucketName });
  }
}
