import { Duration, type RemovalPolicy } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { buildKey } from '#shared/contract/keys.ts';
import { catalogBinding } from '#shared/stores/catalog/binding.ts';
import type { BrokerFunction } from '../kit/broker-function.ts';
import { BrokerTable } from '../kit/broker-table.ts';
import { PrivateBucket } from '../kit/private-bucket.ts';

export interface CatalogProps {
  readonly removalPolicy: RemovalPolicy;
}

/** The index files and what they say: a table of file facts and the journal, and the index bucket. */
export class Catalog extends Construct {
  readonly table: BrokerTable;
  readonly bucket: PrivateBucket;

  constructor(scope: Construct, id: string, props: CatalogProps) {
    super(scope, id);
    this.table = new BrokerTable(this, 'Table', {
      shape: catalogBinding.table,
      removalPolicy: props.removalPolicy,
    });
    this.bucket = new PrivateBucket(this, 'Index', {
      stagingPrefix: 'staging/',
      // What was refused is for people to look at; each is as large as an index.
      lifecycleRules: [{ id: 'drop-refused', prefix: 'refused/', expiration: Duration.days(30) }],
      removalPolicy: props.removalPolicy,
    });
  }

  /** To take in publications: copy, promote or put aside, write facts and snapshots, move the pointer. */
  grantPublish(fn: BrokerFunction): void {
    // Rows are compared before they are written: some of them, or (Scan) all when nothing else can be compared with.
    this.table.allow(fn, ['BatchGetItem', 'BatchWriteItem', 'GetItem', 'PutItem', 'DeleteItem', 'Scan']);
    this.bucket.allowObjects(fn, ['s3:GetObject', 's3:PutObject'], ['index/', 'catalog/', 'staging/']);
    // What was refused is put aside for people, and never read again by a function.
    this.bucket.allowObjects(fn, ['s3:PutObject'], ['refused/']);
    this.bucket.allowObjects(fn, ['s3:AbortMultipartUpload'], ['catalog/', 'staging/']);
    // A run goes on with the copy that another began: S3 says which parts are there.
    this.bucket.allowObjects(fn, ['s3:ListMultipartUploadParts'], ['staging/']);
    // Staging is emptied, and publications that are long replaced are dropped: never the pointer.
    this.bucket.allowObjects(fn, ['s3:DeleteObject'], ['staging/', 'index/sha256/', 'catalog/']);
    this.bucket.allowMissing(fn);
    this.bind(fn);
  }

  /** To look up facts about files, updates and KBs by key. */
  grantReadFacts(fn: BrokerFunction): void {
    this.table.allow(fn, ['BatchGetItem']);
    this.bind(fn);
  }

  /** To say which index is current, and which files its updates have. */
  grantOffer(fn: BrokerFunction): void {
    fn.allow(['s3:GetObject'], [this.bucket.bucket.arnForObjects(buildKey({ kind: 'index-pointer' }))]);
    this.bucket.allowMissing(fn);
    this.grantReadFacts(fn);
  }

  /** To show the current publication and the last refused one, and to note and follow runs that a person starts. */
  grantFollowRuns(fn: BrokerFunction): void {
    const { refusal, runPrefix } = catalogBinding.journal;
    this.table.allowKeys(fn, ['GetItem'], [refusal, `${runPrefix}*`]);
    // Not the facts: what the index says of a file decides what is downloaded.
    this.table.allowKeys(fn, ['PutItem'], [`${runPrefix}*`]);
    fn.allow(['s3:GetObject'], [this.bucket.bucket.arnForObjects(buildKey({ kind: 'index-pointer' }))]);
    this.bucket.allowMissing(fn);
    this.bind(fn);
  }

  private bind(fn: BrokerFunction): void {
    const { env } = catalogBinding;
    fn.bind({ [env.table]: this.table.table.tableName, [env.bucket]: this.bucket.bucket.bucketName });
  }
}
