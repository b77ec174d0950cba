import { readFile } from 'node:fs/promises';
import { type PackageManifestDocument, packageManifest, packagePaths } from '#shared/contract/packages.ts';
import { inOneLine, parseInWords } from '#shared/contract/parse.ts';
import { packageRef } from '#shared/core/packages/model.ts';
import { listPackages, manifestOf, manifestTarget, type PackageState } from '#shared/repository/packages.ts';
import { CliError } from '../cli-error.ts';
import { fileFault } from '../file-fault.ts';
import { readKbNumber } from '../ids.ts';
import { type CliIo, type ExitCode, exitCodes, formatBytes, printJson, printLines, printTable } from '../io.ts';
import { msuDraft, type PackageDraft, readDetection, type ZipFlags, zipDraft } from '../packages/draft.ts';
import { readForm, templates } from '../packages/form.ts';
import { changePackages, type PackageFlags, readPackages } from '../packages/publish.ts';
import { readMsu } from '../packages/read-msu.ts';
import { readPackageRef } from '../packages/refs.ts';
import { type HashedFile, hashFiles, uploadFiles } from '../packages/upload.ts';
import { placesOf } from '../rules/book.ts';
import { inWords } from '../trust/faults.ts';
import { fileReader } from '../trust/signed-state.ts';
import type { CommandContext } from './context.ts';
import { wordsOf } from './rules.ts';

export interface BuildFlags extends PackageFlags, ZipFlags {
  readonly msu?: string;
  readonly kb?: string;
  readonly architecture?: string;
  readonly zip?: string;
  readonly detect?: string;
  /** A YAML file as `packages new` prints it. */
  readonly from?: string;
  /** Only prints the manifest. */
  readonly dryRun?: boolean;
}

/**
 * `kbroker packages build`: uploads the files of a package and signs its manifest. It is for nobody until it is assigned.
 *
 * @throws CliError `usage` before anything is sent; `refused` when that version is there with another content
 */
export async function buildPackage(context: CommandContext, flags: BuildFlags): Promise<ExitCode> {
  const draft = await draftOf(context.io, flags);
  const files = await hashFiles(context, draft.files);
  const manifest = manifestFrom(draft, files, context.now());
  if (flags.dryRun === true) {
    printJson(context.io, manifest);
    return exitCodes.ok;
  }
  return changePackages(context, flags, undefined, async (state) => {
    const { document, entry } = manifestTarget(manifest);
    const ref = packageRef(manifest);
    if (state.manifests[document.path] !== undefined)
      throw new CliError(
        'refused',
        `${ref} is signed already, and a version never changes: name another --package-version`,
      );
    await uploadFiles(context, files);
    const bytes = files.reduce((sum, { size }) => sum + size, 0);
    return {
      next: { ...state, manifests: { ...state.manifests, [document.path]: entry } },
      manifests: [{ path: document.path, text: document.text }],
      said: [`${ref} (${manifest.title}, ${formatBytes(bytes)}) is signed, and for nobody until it is assigned`],
    };
  });
}

async function draftOf(io: CliIo, flags: BuildFlags): Promise<PackageDraft> {
  const { msu, zip, from, detect } = flags;
  if ([msu, zip, from].filter((one) => one !== undefined).length !== 1)
    throw new CliError('usage', 'what is it built from: name one of --msu FILE, --zip FILE, --from FILE');
  if (msu !== undefined) {
    const architecture = flags.architecture?.toLowerCase();
    if (architecture !== undefined && !isArchitecture(architecture))
      throw new CliError(
        'usage',
        `--architecture: got ${JSON.stringify(flags.architecture)}, allowed are amd64, x86, arm64`,
      );
    const kb = flags.kb === undefined ? undefined : readKbNumber(flags.kb);
    const facts = await readMsu(msu, { ...(kb && { kb }), ...(architecture && { architecture }) }, io);
    return msuDraft(msu, facts, flags);
  }
  if (zip !== undefined) {
    if (detect === undefined)
      throw new CliError('usage', 'when is it installed: name --detect, for instance registry:KEY:NAME>=VERSION');
    return zipDraft(zip, readDetection(detect), flags);
  }
  const file = from ?? '';
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new CliError('usage', `${file} cannot be read: ${fileFault(cause)?.message ?? String(cause)}`, { cause });
  });
  return readForm(text, file);
}

const isArchitecture = (text: string): text is 'amd64' | 'x86' | 'arm64' => ['amd64', 'x86', 'arm64'].includes(text);

function manifestFrom(draft: PackageDraft, files: readonly HashedFile[], now: Date): PackageManifestDocument {
  const named = files.map(({ path: _, ...file }) => file);
  const value = { ...draft, version: 1, files: named, publishedAt: now.toISOString() };
  const parsed = parseInWords(packageManifest, value);
  if (parsed.success) return parsed.data;
  throw new CliError('usage', `this is no package: ${inOneLine(parsed.faults)}`);
}

/** `kbroker packages new KIND`: a file to begin with. Works offline. @throws CliError `usage` */
export function newPackage(io: CliIo, json: boolean, kind: string): ExitCode {
  const template = Object.hasOwn(templates, kind) ? templates[kind as keyof typeof templates] : undefined;
  if (template === undefined)
    throw new CliError('usage', `got ${JSON.stringify(kind)}, allowed are ${Object.keys(templates).join(', ')}`);
  if (json) printJson(io, { version: 1, kind, template });
  else io.stdout.write(template);
  return exitCodes.ok;
}

/** `kbroker packages list`: what is signed, and for whom. */
export async function listSignedPackages(context: CommandContext): Promise<ExitCode> {
  const { signed, state } = await readPackages(context);
  const packages = (await inWords(() => listPackages(signed.parts.custom))).map((one) => ({
    ...one,
    ref: packageRef(one),
    assigned: placesOf(state.assignments, packageRef(one)),
  }));
  if (context.json) printJson(context.io, { version: 1, packages });
  else if (packages.length === 0) printLines(context.io, ['no packages are signed']);
  else
    printTable(
      context.io,
      ['PACKAGE', 'KIND', 'SIZE', 'ASSIGNED TO', 'TITLE'],
      packages.map(({ ref, kind, files, assigned, title }) => [
        ref,
        kind,
        formatBytes(files.reduce((sum, { size }) => sum + size, 0)),
        wordsOf(assigned),
        title,
      ]),
    );
  return exitCodes.ok;
}

/** `kbroker packages show NAME/VERSION`: its manifest, as hosts read it. @throws CliError `not-found` */
export async function showPackage(context: CommandContext, ref: string): Promise<ExitCode> {
  const wanted = readPackageRef(ref);
  const { signed, state } = await readPackages(context);
  requireSigned(state, wanted);
  const manifest = await inWords(() => manifestOf(signed.parts.custom, wanted, fileReader(context)));
  const assigned = placesOf(state.assignments, packageRef(wanted));
  if (context.json) printJson(context.io, { version: 1, manifest, assigned });
  else printLines(context.io, [`assigned to ${wordsOf(assigned)}`, ...JSON.stringify(manifest, null, 2).split('\n')]);
  return exitCodes.ok;
}

/** @throws CliError `not-found` */
export function requireSigned(
  state: PackageState,
  { name, packageVersion }: ReturnType<typeof readPackageRef>,
): string {
  const path = packagePaths.manifest(name, packageVersion);
  if (state.manifests[path] !== undefined) return path;
  throw new CliError(
    'not-found',
    `no package ${name}/${packageVersion} is signed; "kbroker packages list" shows those that are`,
  );
}
