import type { Row } from './random.ts';

/** Names of companies that Microsoft's own documentation uses for invented ones, and plain words. */
const makers = ['Contoso', 'Fabrikam', 'Adatum', 'Northwind', 'Tailspin', 'Litware', 'Proseware', 'Trey'];
const things = [
  'Server',
  'Desktop',
  'Office',
  'Studio',
  'Runtime',
  'Mail',
  'Sheets',
  'Reports',
  'Gateway',
  'Backup',
  'Index',
];
const editions = ['', ' Standard', ' Enterprise', ' for Education', ' Tools &amp; Services', ' R2', ', version 1909'];
// biome-ignore format: a list of words reads best in lines
const parts = [
  'Audio', 'Authentication', 'Backup', 'Bluetooth', 'Boot', 'Browser', 'Camera', 'Client', 'Cluster', 'Codec', 'Common',
  'Compression', 'Console', 'Core', 'Crypto', 'Devices', 'Diagnostics', 'Directory', 'Display', 'Drivers', 'Editions', 'Encoding',
  'Events', 'Explorer', 'Feature', 'Files', 'Filter', 'Fonts', 'Foundation', 'Gaming', 'Graphics', 'Help', 'Host', 'Identity',
  'Imaging', 'Input', 'Installer', 'Kernel', 'Language', 'Licensing', 'Loader', 'Location', 'Maps', 'Media', 'Messaging', 'Migration',
  'Network', 'Notification', 'Optional', 'Packages', 'Performance', 'Policy', 'Power', 'Printing', 'Protocol', 'Recovery', 'Remote',
  'Scheduler', 'Search', 'Security', 'Sensors', 'Services', 'Setup', 'Shell', 'Speech', 'Storage', 'Store', 'Subsystem', 'System',
  'Telemetry', 'Themes', 'Time', 'Tools', 'Tracing', 'Update', 'User', 'Video', 'Virtual', 'Wallet', 'Web', 'Wireless', 'Workspace',
];

/** Title of a category or a detectoid, already as XML text. */
export const productTitle = (row: Row, isCategory: boolean): string =>
  isCategory
    ? `${row.of(makers)} ${row.of(things)} ${2003 + row.below(24)}${row.of(editions)}`
    : `${row.of(makers)} ${row.of(things)} ${row.below(20)}.${row.below(10)} ${row.of(['x86', 'x64', 'ARM64', 'any'])} Detectoid`;

/** Name of a component of an invented system. */
export const componentName = (row: Row): string => `Invented-${row.of(parts)}-${row.of(parts)}-${row.of(parts)}`;
