/** Names of the small state files. */
export type DocumentName =
  | 'identity'
  | 'index'
  | 'rules'
  | 'packages'
  | 'first-published'
  | 'journal'
  | 'accepted-report'
  | 'cookies'
  | 'last-cycle';

/**
 * Small state files of the agent, readable by their owner only. Each is written whole or not at all. Calls throw
 * AgentError `disk`.
 */
export interface Documents {
  /**
   * The document, or undefined when there is none.
   *
   * @param parse turns JSON into the document and throws on anything else. A document that it refuses (or that is no
   *   JSON) is renamed, so that it can be looked at, and counts as missing; `onSetAside` hears of it.
   */
  read<T>(name: DocumentName, parse: (value: unknown) => T): Promise<T | undefined>;
  write(name: DocumentName, value: unknown): Promise<void>;
}
