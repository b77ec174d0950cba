/**
 * What is known of a host, as far as applicability rules ask about it: plain data, as it stands in the file of a simulated
 * machine.
 *
 * A part that is left out is not known, and rules that ask about it are unknown. Of a part that says `complete`, what is
 * not listed is not there; without it, only what is listed is known.
 */
export interface HostState {
  readonly windows?: WindowsFacts;
  readonly processor?: ProcessorFacts;
  /** PlatformID of `b.Platform`. */
  readonly platform?: string;
  readonly language?: LanguageFacts;
  readonly registry?: RegistryFacts;
  readonly files?: FileFacts;
  readonly cbs?: CbsFacts;
  readonly productReleases?: Listed<string>;
  readonly deviceAttributes?: Listed<string>;
  /** DWORDs of the software licensing service by name, for instance `Kernel-ProductInfo` (the SKU). */
  readonly licenses?: Listed<number>;
  /** GetSystemMetrics by index (in decimal). */
  readonly systemMetrics?: Listed<number>;
  readonly msi?: MsiFacts;
  /** Answers to WMI queries; queries are not interpreted. */
  readonly wmi?: readonly WmiAnswer[];
  /** UpdateIds that count as installed whatever their rules say: the history of the machine. */
  readonly installedUpdates?: readonly string[];
}

/** Names and what they are; names are compared without case. */
export interface Listed<Value> {
  readonly complete: boolean;
  readonly values: Readonly<Record<string, Value>>;
}

/** As RtlGetVersion says it; the revision is the registry's UBR. */
export interface WindowsFacts {
  /** Four parts, for instance `10.0.26100.1742`. */
  readonly version: string;
  /** 1 workstation, 2 domain controller, 3 server. */
  readonly productType: number;
  /** Default 0 for both. */
  readonly servicePackMajor?: number;
  readonly servicePackMinor?: number;
  /** Bits of OSVERSIONINFOEX, for instance 256 (single-user terminal server); unknown when left out. */
  readonly suiteMask?: number;
}

export interface ProcessorFacts {
  /** Of the machine itself: 0 x86, 5 ARM, 6 IA64, 9 AMD64, 12 ARM64. */
  readonly architecture: number;
  readonly level?: number;
  readonly revision?: number;
}

export interface LanguageFacts {
  /** Language that Windows is localized to, for instance `en-us`. */
  readonly system: string;
  /** Languages of the Multilingual User Interface; empty when it is not installed. */
  readonly mui: readonly string[];
}

type RegistryType = 'REG_SZ' | 'REG_EXPAND_SZ' | 'REG_DWORD' | 'REG_QWORD' | 'REG_MULTI_SZ' | 'REG_BINARY';

export interface RegistryData {
  readonly type: RegistryType;
  /** A number for REG_DWORD, else text. */
  readonly data: string | number;
}

/** HKEY_LOCAL_MACHINE as 64-bit programs see it: what 32-bit programs see stands under `SOFTWARE\WOW6432Node`. */
export interface RegistryFacts {
  readonly complete: boolean;
  /** Values by name, by path of their key below the root; the keys above are there as well. */
  readonly keys: Readonly<Record<string, Readonly<Record<string, RegistryData>>>>;
}

/** What is left out is not known of the file. */
export interface FileDescription {
  /** Fixed file version, four parts. */
  readonly version?: string;
  /** Bytes. */
  readonly size?: number;
  /** ISO 8601. */
  readonly modified?: string;
  /** ISO 8601. */
  readonly created?: string;
  /** LANGID. */
  readonly language?: number;
}

interface FileFacts {
  readonly complete: boolean;
  /** By whole path, for instance `C:\Windows\System32\ntoskrnl.exe`. */
  readonly files: Readonly<Record<string, FileDescription>>;
  /** Folders by CSIDL number (in decimal): 36 Windows, 37 System32, 38 Program Files … (shlobj_core.h). */
  readonly folders: Readonly<Record<string, string>>;
}

interface CbsFacts {
  readonly complete: boolean;
  /** Identities of installed packages: `name~token~architecture~language~version`. */
  readonly packages: readonly string[];
  /** Version of the servicing stack. */
  readonly servicingStack?: string;
}

/** A product of Windows Installer. Codes are GUIDs, with or without braces. */
export interface MsiProduct {
  readonly productCode: string;
  readonly version?: string;
  /** LANGID. */
  readonly language?: number;
  /** Names of installed features. */
  readonly features?: readonly string[];
  readonly components?: readonly string[];
  readonly patches?: readonly string[];
}

interface MsiFacts {
  readonly complete: boolean;
  readonly products: readonly MsiProduct[];
}

interface WmiAnswer {
  readonly namespace: string;
  readonly query: string;
  /** Whether the query gives any row. */
  readonly found: boolean;
}
