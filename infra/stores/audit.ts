import type { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { auditAnchorPrefix } from '#shared/contract/keys.ts';
import { auditBinding } from '#shared/stores/audit/binding.ts';
import type { BrokerFunction } from '../kit/broker-function.ts';
import { BrokerTable } from '../kit/broker-table.ts';
import { LockedBucket } from '../kit/locked-bucket.ts';

export interface AuditProps {
  readonly removalPolicy: RemovalPolicy;
  /** How long an anchor is locked. */
  readonly retention: Duration;
}

/** The audit log: a table that is only added to, and the bucket of its daily anchors. */
export class Audit extends Construct {
  readonly table: BrokerTable;
  readonly bucket: LockedBucket;

  constructor(scope: Construct, id: string, props: AuditProps) {
    super(scope, id);
    this.table = new BrokerTable(this, 'Table', {
      shape: auditBinding.table,
      removalPolicy: props.removalPolicy,
      // Entries come by PutItem, on the condition that there is none of their number. IAM cannot see the condition; the
      // chain shows an entry that was written over.
      denied: ['UpdateItem', 'DeleteItem', 'BatchWriteItem', 'PartiQLInsert', 'PartiQLUpdate', 'PartiQLDelete'],
    });
    this.bucket = new LockedBucket(this, 'Anchors', props);
  }

  /** To add entries. The last one is read for it. */
  grantAppend(fn: BrokerFunction): void {
    this.table.allow(fn, ['PutItem', 'Query']);
    this.bind(fn);
  }

  /** To read entries and anchors. */
  grantRead(fn: BrokerFunction): void {
    this.table.allow(fn, ['Query']);
    this.bucket.allowObjects(fn, ['s3:GetObject'], auditAnchorPrefix, 'days');
    this.bucket.allowList(fn);
    this.bind(fn);
    this.bindBucket(fn);
  }

  /** To anchor the last entry. */
  grantAnchor(fn: BrokerFunction): void {
    this.table.allow(fn, ['Query']);
    this.bucket.allowObjects(fn, ['s3:PutObject'], auditAnchorPrefix, 'days');
    this.bind(fn);
    this.bindBucket(fn);
  }

  private bind(fn: BrokerFunction): void {
    fn.bind({ [auditBinding.env.table]: this.table.table.tableName });
  }

  private bindBucket(fn: BrokerFunction): void {
    fn.bind({ [auditBinding.env.bucket]: this.bucket.bucket.bucketName });
  }
}
