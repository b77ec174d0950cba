import { createHash } from 'node:crypto';
import type { StateChange } from '#shared/core/catalog/applicability/changes.ts';
import type { ProductLine } from './lines.ts';

/** Applicability rules of a payload. */
export interface PayloadRules {
  /** What stands inside `<ApplicabilityRules>`, in Microsoft's spelling. */
  readonly rules: string;
  /** What the installation leaves on a host, for IsInstalled to find: how hosts look that were patched before. */
  readonly installs: readonly StateChange[];
}

const token = '31bf3856ad364e35';

/** Component based servicing: the rules ask the manifest, which names the packages that must be there. */
export function cbsRules(
  line: ProductLine,
  what: {
    readonly kb: string;
    readonly package: string;
    readonly version: string;
    readonly createdAt: string;
    /** Components that the manifest lists: what makes real fragments long. */
    readonly components: number;
  },
): PayloadRules {
  const identity = (name: string, version: string, more = ''): string =>
    `<assemblyIdentity name="${name}" version="${version}" processorArchitecture="${line.architecture}" language="neutral"${more} publicKeyToken="${token}" />`;
  const parents = line.parents
    .map(({ name, version }) => identity(name, version, ' buildType="release" versionScope="nonSxS"'))
    .join('');
  const rules =
    '<IsInstalled><CbsPackageInstalled /></IsInstalled><IsInstallable><CbsPackageInstallable /></IsInstallable>' +
    '<Metadata><CbsPackageApplicabilityMetadata>' +
    `<assembly xmlns="urn:schemas-microsoft-com:asm.v3" manifestVersion="1.0" description="Fix for KB${what.kb}" displayName="default" company="Microsoft Corporation" copyright="Microsoft Corporation" supportInformation="https://support.microsoft.com/help/${what.kb}" creationTimeStamp="${what.createdAt}" lastUpdateTimeStamp="${what.createdAt}">` +
    identity(what.package, what.version) +
    `<package identifier="KB${what.kb}" applicabilityEvaluation="deep" releaseType="Security Update" restart="possible">` +
    `<parent buildCompare="EQ" serviceCompare="GE" integrate="separate" disposition="detect">${parents}</parent>` +
    `<installerAssembly name="Microsoft-Windows-ServicingStack" version="6.0.0.0" language="neutral" processorArchitecture="${line.architecture}" versionScope="nonSxS" publicKeyToken="${token}" />` +
    `<update name="${what.kb}-1_neutral_PACKAGE"><package integrate="hidden">${identity(`${what.package}_RTM`, what.version)}</package></update>` +
    components(line, what.kb, what.components) +
    '</package></assembly></CbsPackageApplicabilityMetadata></Metadata>';
  const installed = `${what.package}~${token}~${line.architecture}~~${what.version}`;
  return { rules, installs: [{ kind: 'cbs-package', identity: installed }] };
}

/** Names of components end in hashes, in the real manifests too: they do not compress. */
function components(line: ProductLine, kb: string, count: number): string {
  const words = ['kernel', 'ntfs', 'tcpip', 'win32k', 'shell32', 'spooler', 'gdi32', 'lsa', 'mshtml', 'rpc'];
  return Array.from({ length: count }, (_, index) => {
    const hash = createHash('sha1').update(`${line.group} ${kb} ${index}`).digest('hex').slice(0, 16);
    const name = `Microsoft-Windows-${words[index % words.length]}-${index}`;
    return (
      `<update name="${kb}-${index + 2}_neutral_LDR"><applicable disposition="staged"><updateComponent elevate="install">` +
      `<assemblyIdentity name="${name}" version="${line.version}.${index}" processorArchitecture="${line.architecture}" language="neutral" buildType="release" publicKeyToken="${token}" versionScope="nonSxS" hash="${hash}" />` +
      '</updateComponent></applicable></update>'
    );
  }).join('');
}

/** Unified Update Platform: a release of a product, and the range of builds that it goes on. */
export function uupRules(
  line: ProductLine,
  release: { readonly name: string; readonly version: string },
): PayloadRules {
  const build = Number(line.version.split('.')[2]);
  const attribute = (name: string, type: string, comparison: string, value: string): string =>
    `<DeviceAttribute Name="${name}" Type="${type}" Comparison="${comparison}" Value="${value}" />`;
  const never = line.product.startsWith('server')
    ? `<Not>${attribute('HonorWufBDeferrals', 'String', 'EqualTo', '1')}</Not>`
    : `<Not>${attribute('OSSkuId', 'String', 'EqualTo', '119')}</Not><Not>${attribute('sku', 'String', 'EqualTo', '119')}</Not>`;
  const rules =
    `<IsInstalled><ProductReleaseInstalled Name="${release.name}" Version="${release.version}" /></IsInstalled>` +
    `<IsInstallable><And><And>${never}</And>` +
    attribute('OSVersion', 'Version', 'GreaterThanOrEqualTo', `10.0.${build}.1`) +
    attribute('OSVersion', 'Version', 'LessThan', `10.0.${build + 1}.0`) +
    '</And></IsInstallable>';
  return { rules, installs: [{ kind: 'product-release', ...release }] };
}

const removalToolKey = 'SOFTWARE\\Microsoft\\RemovalTools\\MRT';

/** Malicious Software Removal Tool: a value in the registry says which one ran last. */
export const removalToolRules = (version: string): PayloadRules => ({
  rules:
    `<IsInstalled><b.RegSzToVersion Key="HKEY_LOCAL_MACHINE" Subkey="${removalToolKey}" Value="Version" ` +
    `Comparison="GreaterThanOrEqualTo" Data="${version}" /></IsInstalled>` +
    '<IsInstallable><b.WindowsVersion Comparison="GreaterThanOrEqualTo" MajorVersion="6" MinorVersion="1" /></IsInstallable>',
  installs: [
    { kind: 'registry-value', key: removalToolKey, name: 'Version', value: { type: 'REG_SZ', data: version } },
  ],
});
