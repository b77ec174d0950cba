/** Namespace of the broker's own metrics in CloudWatch. Each metric has the dimension `service`: the function's name. */
export const metricsNamespace = 'kbroker';

/**
 * Every metric the functions write, with its unit in CloudWatch's words. Alarms and dashboards name them.
 *
 * - `IndexAgeSeconds`: since Microsoft made the current index; written by each run of sync-index once there is one.
 * - `SyncFailed`, `SyncRefused`, `SyncPublished`: runs that ended so.
 * - `RequestsQueued`, `RequestsRequeued`: what a sweep put on the queue, and what of it had got lost before.
 * - `FetchFailed`: deliveries that ended without the file. `RequestsGivenUp`: those that were the last try.
 * - `PayloadBytes`: fetched from Microsoft and proved.
 * - `EventsLost`: events that could not be sent to EventBridge; what they tell of has happened all the same.
 * - `CookiesNotIssued`: check-ins of hosts that lacked cookies of the repository and got none, because they cannot be signed.
 * - `FleetAgeSeconds`: since the moment that the snapshot of the fleet stands for; written by each beat.
 * - `RepositoryAgeSeconds`: since the timestamp of the signed repository was signed; written by each run of its publisher.
 * - `SignaturesEndSeconds`: until the first signature of an administrator ends; written by each run of the publisher.
 * - `RepositoryPublished`, `RepositoryRefused`: runs that wrote a version, and those that met administrators' documents which
 *   do not count.
 * - `FilesRetired`, `FilesRemoved`, `BytesFreed`: what a cleaning took out of the offer, and what it deleted.
 * - `CleaningStopped`: 1 for a cleaning that cleaned nothing, because it is not known what hosts need; else 0.
 * - `UnreadableRows`: rows of a store that do not parse, seen by a run.
 */
export const metricUnits = {
  IndexAgeSeconds: 'Seconds',
  SyncFailed: 'Count',
  SyncRefused: 'Count',
  SyncPublished: 'Count',
  RequestsQueued: 'Count',
  RequestsRequeued: 'Count',
  FetchFailed: 'Count',
  RequestsGivenUp: 'Count',
  PayloadBytes: 'Bytes',
  EventsLost: 'Count',
  CookiesNotIssued: 'Count',
  FleetAgeSeconds: 'Seconds',
  RepositoryAgeSeconds: 'Seconds',
  SignaturesEndSeconds: 'Seconds',
  RepositoryPublished: 'Count',
  RepositoryRefused: 'Count',
  FilesRetired: 'Count',
  FilesRemoved: 'Count',
  BytesFreed: 'Bytes',
  CleaningStopped: 'Count',
  UnreadableRows: 'Count',
} as const;

export type MetricName = keyof typeof metricUnits;

/** What one run measured; added up when a metric occurs more than once. */
export type Measurements = Readonly<Partial<Record<MetricName, number>>>;
