/** A package as people write it, in YAML: what `kbroker packages new` prints and `packages build --from` reads. */
import { basename, dirname, resolve } from 'node:path';
import { isScalar, parseDocument } from 'yaml';
import * as z from 'zod/mini';
import { customName, customRef, customVersion, packageManifest } from '#shared/contract/packages.ts';
import { inOneLine, parseInWords } from '#shared/contract/parse.ts';
import { CliError } from '../cli-error.ts';
import { type PackageDraft, readDetection, splitCommand } from './draft.ts';

const { kind, exitCodes, reboot, timeoutSeconds, prerequisites } = packageManifest.shape;
const { architectures, editions, languages, windowsAtLeast, windowsBelow, freeBytes } = prerequisites.shape;
const codes = exitCodes.shape.success;

const packageForm = z.strictObject({
  name: customName,
  version: customVersion,
  kind,
  title: z.string(),
  files: z._default(
    z.array(
      z.strictObject({ path: z.string(), name: z.exactOptional(z.string()), unpack: z.exactOptional(z.literal(true)) }),
    ),
    [],
  ),
  /** One text, split at spaces that are not in double quotes. */
  command: z.string(),
  detect: z.string(),
  requires: z._default(
    z.strictObject({
      architectures,
      editions,
      languages,
      windows_at_least: windowsAtLeast,
      windows_below: windowsBelow,
      free_bytes: freeBytes,
      packages: z.exactOptional(z.array(customRef)),
    }),
    {},
  ),
  exit_codes: z._default(
    z.strictObject({
      success: z._default(codes, [0]),
      restart: z._default(codes, []),
      not_needed: z._default(codes, []),
    }),
    { success: [0], restart: [3010, 1641], not_needed: [] },
  ),
  reboot: z._default(reboot, 'can'),
  timeout_seconds: z._default(timeoutSeconds, 3600),
});

/** @param file the paths in it are relative to its folder. @throws CliError `usage` */
export function readForm(text: string, file: string): PackageDraft {
  const document = parseDocument(text.replace(/^\uFEFF/, ''), { stringKeys: true });
  const [fault] = [...document.errors, ...document.warnings];
  if (fault !== undefined) throw new CliError('usage', `${file} is not YAML: ${fault.message}`, { cause: fault });
  const version = document.get('version', true);
  // 1.10 is a number to YAML, and no other than 1.1.
  if (isScalar(version) && version.source !== undefined) version.value = version.source;
  const parsed = parseInWords(packageForm, document.toJS());
  if (!parsed.success) throw new CliError('usage', `${file} does not describe a package: ${inOneLine(parsed.faults)}`);
  const {
    name,
    version: packageVersion,
    title,
    files,
    command,
    detect,
    requires,
    exit_codes: codesOf,
    timeout_seconds,
  } = parsed.data;
  const { windows_at_least, windows_below, free_bytes, ...same } = requires;
  return {
    name,
    packageVersion,
    kind: parsed.data.kind,
    title,
    files: files.map((one) => ({
      path: resolve(dirname(file), one.path),
      name: one.name ?? basename(one.path),
      ...(one.unpack && { unpack: true as const }),
    })),
    command: splitCommand(command),
    detection: readDetection(detect),
    prerequisites: {
      ...same,
      ...(windows_at_least !== undefined && { windowsAtLeast: windows_at_least }),
      ...(windows_below !== undefined && { windowsBelow: windows_below }),
      ...(free_bytes !== undefined && { freeBytes: free_bytes }),
    },
    exitCodes: { success: codesOf.success, restart: codesOf.restart, notNeeded: codesOf.not_needed },
    reboot: parsed.data.reboot,
    timeoutSeconds: timeout_seconds,
  };
}

/** What `kbroker packages new` prints. */
export const templates = {
  command: `# kbroker packages build --from this-file.yaml
name: vendor-tool
version: 1.0
kind: command
title: Vendor's tool 1.0
files:
  - path: setup.exe
# {file:NAME} is the path of a file on the host, {folder} the folder of them all.
command: '"{file:setup.exe}" /quiet'
# When it is installed: registry:KEY:NAME>=VERSION, registry:KEY:NAME=TEXT, file:PATH>=VERSION, hotfix:KB…, windows>=VERSION, command:PROGRAM …
detect: 'registry:SOFTWARE\\Vendor\\Tool:Version>=1.0'
requires:
  architectures: [amd64]
exit_codes: {success: [0], restart: [3010, 1641], not_needed: []}
reboot: can
timeout_seconds: 3600
`,
  'os-upgrade': `# kbroker packages build --from this-file.yaml
name: windows11-24h2
version: 26100
kind: os-upgrade
title: Upgrade to Windows 11, version 24H2
files:
  # The content of the ISO as a zip. A file has at most 5 GiB: put install.wim through
  # "dism /Split-Image /FileSize:4000" and add the .swm files to the zip, or to zips of their own.
  - path: iso-content.zip
    unpack: true
command: '{folder}\\setup.exe /auto upgrade /quiet /noreboot /eula accept /dynamicupdate disable /compat ignorewarning'
# The result is the state after the restart.
detect: 'windows>=10.0.26100'
requires:
  architectures: [amd64]
  windows_at_least: '10.0.19041'
  windows_below: '10.0.26100'
  editions: [Professional, Enterprise]
  languages: [en-US]
  free_bytes: 30000000000
# With /noreboot setup ends with 0 when the restart may come.
exit_codes: {success: [], restart: [0, 3010], not_needed: []}
reboot: always
timeout_seconds: 14400
`,
  config: `# Options of [waptwua] are settings of a rule package: kbroker rules put this-file.yaml
# kbroker rules assign pilots-config --group pilots
name: pilots-config
description: Options of the pilots
priority: 100
rules: []
settings:
  enabled: true
  install_delay: 3d
  direct_download: true
`,
} as const;
