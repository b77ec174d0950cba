import * as z from 'zod/mini';
import { checkIn, checkInAnswer } from '../agent/check-in.ts';
import { enrolment, enrolmentAnswer, enrolmentToken } from '../agent/enrolment.ts';
import { fileLookup, fileLookupAnswer } from '../agent/files.ts';
import { groupName, hostPublicKey, keyThumbprint } from '../agent/identity.ts';
import { hostFacts, hostReport, reportAnswer, reportChanges, reportedUpdate, reportMessage } from '../agent/report.ts';
import { actor, auditAnchor, auditAnchorsPage, auditEntry, auditPage } from '../audit.ts';
import {
  command,
  commandId,
  commandOutcome,
  commandsPage,
  commandTarget,
  commandView,
  createdCommand,
  hostFilter,
  hostOutcome,
  newCommand,
} from '../commands.ts';
import { syncWishes } from '../messages/sync-index.ts';
import {
  fleetCounts,
  groupsView,
  groupView,
  hostSummary,
  hostsPage,
  hostView,
  reportedUpdatesPage,
  revocation,
} from '../operators/hosts.ts';
import { indexRefusal, indexView, syncRun } from '../operators/index-sync.ts';
import { explanation, impact, impactQuestion, rulesHistory } from '../operators/rules.ts';
import { updatesPage, updateView } from '../operators/updates.ts';
import { filesPage, fileView, heldFile, meView, requestsPage, statusView, sweepResult } from '../operators/views.ts';
import { byteCount, guid, identity, kbNumber, machineId, severity, sha1, sha256, timestamp } from '../primitives.ts';
import { problem } from '../problem.ts';
import { fileRequest } from '../requests.ts';
import {
  assignments,
  hostRules,
  packageName,
  ruleBook,
  rulePackage,
  rulesChange,
  rulesDocument,
  updateLookup,
  updateLookupAnswer,
} from '../rules.ts';
import { createdToken, newToken, tokenId, tokensPage, tokenView } from '../tokens.ts';
import { trustChange, trustChangeAnswer, trustFile, trustView } from '../trust.ts';

/** Shapes that have a name in the OpenAPI document; others are written where they are used. */
const named: Readonly<Record<string, z.core.$ZodType>> = {
  Actor: actor,
  AuditAnchor: auditAnchor,
  AuditAnchorsPage: auditAnchorsPage,
  AuditEntry: auditEntry,
  AuditPage: auditPage,
  ByteCount: byteCount,
  CheckIn: checkIn,
  CheckInAnswer: checkInAnswer,
  Command: command,
  CommandId: commandId,
  CommandOutcome: commandOutcome,
  CommandTarget: commandTarget,
  CommandView: commandView,
  CommandsPage: commandsPage,
  CreatedCommand: createdCommand,
  CreatedToken: createdToken,
  Enrolment: enrolment,
  EnrolmentAnswer: enrolmentAnswer,
  EnrolmentToken: enrolmentToken,
  FileLookup: fileLookup,
  FileLookupAnswer: fileLookupAnswer,
  FileRequest: fileRequest,
  FileView: fileView,
  FilesPage: filesPage,
  FleetCounts: fleetCounts,
  GroupName: groupName,
  GroupView: groupView,
  GroupsView: groupsView,
  Guid: guid,
  HeldFile: heldFile,
  HostFacts: hostFacts,
  HostFilter: hostFilter,
  HostOutcome: hostOutcome,
  HostPublicKey: hostPublicKey,
  HostReport: hostReport,
  HostRules: hostRules,
  HostSummary: hostSummary,
  HostView: hostView,
  HostsPage: hostsPage,
  IndexRefusal: indexRefusal,
  IndexView: indexView,
  KbNumber: kbNumber,
  KeyThumbprint: keyThumbprint,
  MachineId: machineId,
  Me: meView,
  NewCommand: newCommand,
  NewToken: newToken,
  Problem: problem,
  ReportAnswer: reportAnswer,
  ReportChanges: reportChanges,
  ReportMessage: reportMessage,
  ReportedUpdate: reportedUpdate,
  ReportedUpdatesPage: reportedUpdatesPage,
  RequestsPage: requestsPage,
  Revocation: revocation,
  RuleBook: ruleBook,
  RulePackage: rulePackage,
  RulePackageName: packageName,
  RulesAssignments: assignments,
  RulesChange: rulesChange,
  RulesDocument: rulesDocument,
  TrustChange: trustChange,
  TrustChangeAnswer: trustChangeAnswer,
  TrustFile: trustFile,
  TrustView: trustView,
  RulesExplanation: explanation,
  RulesHistory: rulesHistory,
  RulesImpact: impact,
  RulesImpactQuestion: impactQuestion,
  Severity: severity,
  Sha1: sha1,
  Sha256: sha256,
  Status: statusView,
  SweepResult: sweepResult,
  SyncRun: syncRun,
  SyncWishes: syncWishes,
  Timestamp: timestamp,
  TokenId: tokenId,
  TokenView: tokenView,
  TokensPage: tokensPage,
  UpdateIdentity: identity,
  UpdateLookup: updateLookup,
  UpdateLookupAnswer: updateLookupAnswer,
  UpdateView: updateView,
  UpdatesPage: updatesPage,
};

/** A JSON Schema (draft 2020-12), as OpenAPI 3.1 takes them. */
export type JsonSchema = z.core.JSONSchema.BaseSchema;

const place = (id: string): string => `#/components/schemas/${id}`;

/**
 * Turns shapes into JSON Schemas that refer to the named ones. They say what a reader must take: members that a schema
 * does not name are allowed in answers, because later versions may add some.
 */
export function createSchemas(): {
  /** By name, for `components.schemas`. */
  readonly components: Readonly<Record<string, JsonSchema>>;
  /** A reference for a named shape, else the schema itself. */
  schemaOf(shape: z.core.$ZodType): JsonSchema;
} {
  const registry = z.registry<{ id: string }>();
  for (const [id, shape] of Object.entries(named)) registry.add(shape, { id });
  const write = (): Readonly<Record<string, JsonSchema>> => {
    const { __shared, ...schemas } = z.toJSONSchema(registry, { uri: place, io: 'input' }).schemas;
    return Object.fromEntries(Object.entries(schemas).map(([id, schema]) => [id, withoutLabels(schema) as JsonSchema]));
  };
  return {
    components: write(),
    schemaOf(shape) {
      const id = registry.get(shape)?.id;
      if (id !== undefined && named[id] === shape) return { $ref: place(id) };
      // Beside the named ones, so that what it is made of becomes references as well.
      registry.add(shape, { id: 'Unnamed' });
      try {
        return write().Unnamed ?? {};
      } finally {
        registry.remove(shape);
      }
    },
  };
}

/** Without `$schema` and `$id`, which the document as a whole stands for; any JSON value is the empty schema. */
function withoutLabels(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutLabels);
  if (typeof value !== 'object' || value === null) return value;
  if ('$ref' in value && String(value.$ref).includes('__shared')) return {};
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => key !== '$schema' && key !== '$id')
      .map(([key, member]) => [key, withoutLabels(member)]),
  );
}
