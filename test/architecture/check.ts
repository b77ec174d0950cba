import type { Import } from './imports.ts';
import { type Room, roomOf } from './rooms.ts';

/** An import that the table forbids, with the way from an entry to it. */
export interface Violation {
  readonly chain: readonly string[];
  readonly why: string;
}

const isFile = (target: string): boolean => /\.(ts|js|json|css)$/.test(target);

/** Checks every import against the rooms and says how each violation is reached. */
export function findViolations(imports: readonly Import[]): Violation[] {
  const importers = new Map<string, string>();
  for (const entry of imports) if (!importers.has(entry.to)) importers.set(entry.to, entry.from);
  const violations: Violation[] = [];
  for (const entry of imports) {
    const why = forbidden(entry);
    if (why !== undefined)
      violations.push({ chain: chainTo(entry, importers), why: `${entry.from}:${entry.line} ${why}` });
  }
  return violations;
}

function forbidden(entry: Import): string | undefined {
  const room = roomOf(entry.from);
  if (room === undefined) return 'belongs to no room: name its room in test/architecture/rooms.ts';
  if (entry.to.startsWith('node:')) {
    const allowed = typeof room.node === 'boolean' ? room.node : room.node.includes(entry.to);
    return allowed || entry.typeOnly ? undefined : `${room.name} may not import ${entry.to}`;
  }
  if (!isFile(entry.to)) {
    return allowsPackage(room, entry.to) ? undefined : `${room.name} may not import the package ${entry.to}`;
  }
  const target = roomOf(entry.to);
  if (target === undefined) return `${room.name} may not import ${entry.to}, which belongs to no room`;
  if (!mayImport(room, target, entry.typeOnly)) {
    return `${room.name} may not import ${entry.typeOnly ? 'types of ' : ''}${target.name}`;
  }
  return crossesFunctions(entry) ? 'a function may not import another function' : undefined;
}

function allowsPackage(room: Room, name: string): boolean {
  return room.packages.some((allowed) =>
    allowed.endsWith('*') ? name.startsWith(allowed.slice(0, -1)) : name === allowed,
  );
}

function mayImport(room: Room, target: Room, typeOnly: boolean): boolean {
  return room.values.includes(target.name) || (typeOnly && (room.types?.includes(target.name) ?? false));
}

function crossesFunctions(entry: Import): boolean {
  const owner = (file: string): string | undefined => /^functions\/([^/]+)\//.exec(file)?.[1];
  const [from, to] = [owner(entry.from), owner(entry.to)];
  return from !== undefined && to !== undefined && from !== to;
}

/** From a file that nobody imports down to the forbidden import. */
function chainTo(entry: Import, importers: ReadonlyMap<string, string>): string[] {
  const chain = [entry.from, entry.to];
  for (let importer = importers.get(entry.from); importer !== undefined; importer = importers.get(importer)) {
    if (chain.includes(importer)) break;
    chain.unshift(importer);
  }
  return chain;
}
