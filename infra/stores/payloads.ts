import type { RemovalPolicy } from 'aws-cdk-lib';
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
    this.bucket = new PrivateBucket(this, 'Objects', { stagingPrefix: 'staging/', removalPolicy: props.removalPolicy });
  }

  /** To upload files and record them. */
  grantAdd(fn: BrokerFunction): void {
    this.table.allow(fn, ['BatchGetItem', 'GetItem', 'PutItem', 'UpdateItem']);
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

  private bind(fn: BrokerFunction): void {
    const { env } = payloadsBinding;
    fn.bind({ [env.table]: this.table.table.tableName, [env.bucket]: this.bucket.bucket.bucketName });
  }
}
