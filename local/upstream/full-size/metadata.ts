/**
 * What makes core fragments large: the complete manifests of component packages, and the descriptions of Windows Installer
 * patches. Both keep a namespace of their own inside the fragment.
 */
import type { Leaf } from './model.ts';
import { timeText } from './month.ts';
import type { Row } from './random.ts';
import { componentName } from './words.ts';

const token = '31bf3856ad364e35';
/** Bytes of one manifest before the next begins, more or less. */
const manifestBytes = 120_000;
const namesKept = 400;

/**
 * Manifests of a package and of packages inside it, about as many bytes as the leaf asks for, in pieces of some hundred. What
 * follows from the seed alone per component is its hash and version; names come from a stock of each leaf.
 */
export function* componentManifests(row: Row, leaf: Leaf): Generator<string> {
  const { kb } = leaf.owner;
  const time = timeText(leaf.createdAt);
  const architecture = row.of(['amd64', 'amd64', 'x86', 'arm64']);
  const build = 7600 + row.below(19_000);
  const names = Array.from({ length: namesKept }, () => componentName(row));
  let left = leaf.metadataBytes;
  for (let number = 0; left > 0; number++) {
    const version = `10.0.${build}.${row.below(9000)}`;
    const name = number === 0 ? `Package_for_KB${kb}` : `Package_${number}_for_KB${kb}`;
    const head = `<assembly xmlns="urn:schemas-microsoft-com:asm.v3" manifestVersion="1.0" description="Fix for KB${kb}" displayName="default" company="Invented Corporation" copyright="Invented Corporation" supportInformation="https://support.microsoft.com/help/${kb}" creationTimeStamp="${time}" lastUpdateTimeStamp="${time}"><assemblyIdentity name="${name}" version="${version}" language="neutral" processorArchitecture="${architecture}" publicKeyToken="${token}" /><package identifier="KB${kb}" applicabilityEvaluation="deep" releaseType="Security Update" restart="possible">`;
    const parents = Array.from(
      { length: 1 + row.below(3) },
      () =>
        `<parent buildCompare="EQ" serviceCompare="${row.of(['EQ', 'GE'])}" integrate="separate" disposition="detect"><assemblyIdentity name="${row.of(names)}-Edition" version="10.0.${build}.1" language="neutral" processorArchitecture="${architecture}" publicKeyToken="${token}" /></parent>`,
    );
    yield `${head}${parents.join('')}<installerAssembly name="Invented-ServicingStack" version="10.0.${build}.${row.below(900)}" language="neutral" processorArchitecture="${architecture}" versionScope="nonSxS" publicKeyToken="${token}" />`;
    left -= head.length + 600;
    for (let bytes = Math.min(left, manifestBytes); bytes > 0; ) {
      const component = componentXml(row, names, version, architecture, kb);
      yield component;
      bytes -= component.length;
      left -= component.length;
    }
    yield '</package></assembly>';
  }
}

/** One changed component: some 330 bytes, about a dozen of which cannot be guessed from those before. */
function componentXml(row: Row, names: readonly string[], version: string, architecture: string, kb: number): string {
  const number = row.next();
  const name = names[number % namesKept] ?? '';
  const hash = `${row.hex8()}${(number % 251).toString(16).padStart(2, '0')}`;
  return `<update name="${number >>> 9}-${number % 97}_neutral_GDR"><package integrate="hidden"><assemblyIdentity name="${name}-KB${kb}" version="${version}" language="neutral" processorArchitecture="${architecture}" publicKeyToken="${token}" buildType="release" /><component hash="${hash}" /></package></update>`;
}

const namespace = 'http://www.microsoft.com/msi/patch_applicability.xsd';

/** The applicability part of a Windows Installer patch (MSIExtractPatchXMLData in Microsoft's reference). */
export function* patchDescription(row: Row, leaf: Leaf): Generator<string> {
  yield `<MsiPatch xmlns="${namespace}" SchemaVersion="1.0.0.0" PatchGUID="{${row.guid()}}" MinMsiVersion="3">`;
  for (let left = leaf.metadataBytes; left > 0; ) {
    const from = `${12 + row.below(5)}.0.${row.below(8000)}.1000`;
    const target = `<TargetProduct MinMsiVersion="3"><TargetProductCode Validate="true">{${row.guid()}}</TargetProductCode><TargetVersion Validate="true" ComparisonType="Equal" ComparisonFilter="MajorMinorUpdate">${from}</TargetVersion><UpdatedVersion>${from}</UpdatedVersion><TargetLanguage Validate="false">${1025 + row.below(60)}</TargetLanguage><UpdatedLanguages>0</UpdatedLanguages><UpgradeCode Validate="true">{${row.guid()}}</UpgradeCode></TargetProduct>`;
    const obsoleted = row.percent(50) ? `<ObsoletedPatch>{${row.guid()}}</ObsoletedPatch>` : '';
    yield target + obsoleted;
    left -= target.length + obsoleted.length;
  }
  yield `<SequenceData><PatchFamily>${row.of(['Mail', 'Sheets', 'Reports'])}</PatchFamily><Sequence>${row.below(16)}.0.${row.below(9999)}.0</Sequence></SequenceData></MsiPatch>`;
}
