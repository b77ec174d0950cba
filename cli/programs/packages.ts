import type { Command } from 'commander';
import { type BuildFlags, buildPackage, listSignedPackages, newPackage, showPackage } from '../commands/packages.ts';
import { assignPackage, type PackagePlaces, removePackage, unassignPackage } from '../commands/packages-assign.ts';
import type { PackageFlags } from '../packages/publish.ts';
import { type AddCommands, selection, wantsJson } from './kit.ts';

/** `kbroker packages`. */
export const addPackagesCommands: AddCommands = (program, { sub, online, io, end }) => {
  const packages = sub(program, 'packages', 'what the index does not hold: packages of your own, and who has them');
  sub(packages, 'list', 'packages that are signed, and where they are assigned').action(online(listSignedPackages));
  sub(packages, 'show', 'one package, as hosts read it')
    .argument('<package>', 'NAME/VERSION')
    .action(online((context, ref: string) => showPackage(context, ref)));
  sub(packages, 'new', 'print a file to begin with; works offline')
    .argument('<kind>', 'command, os-upgrade or config')
    .action((kind: string, _flags: unknown, command: Command) => end(newPackage(io, wantsJson(command), kind)));
  const signing = (command: Command): Command =>
    command
      .option('--comment <text>', 'why; stays in the audit log')
      .option('--key <key>', 'key to sign with: a file, or kms:ARN (default: the one of "trust init" or "trust pin")');
  signing(sub(packages, 'build', 'upload the files of a package, and sign it'))
    .option('--msu <file>', 'an update of Windows that the index does not have')
    .option('--kb <kb>', 'its KB number, where the file does not say it')
    .option('--architecture <name>', 'amd64, x86 or arm64, where the file does not say it')
    .option('--zip <file>', 'a driver: a zip with an installer, or with .inf files')
    .option('--command <line>', 'what installs it silently, as in "setup.exe /s"')
    .option('--inf', 'add the .inf files of the zip by pnputil')
    .option('--detect <rule>', 'when it is installed, as in registry:KEY:NAME>=VERSION or file:PATH>=VERSION')
    .option('--from <file>', 'YAML as "packages new" prints it')
    .option('--name <name>', 'name of the package')
    .option('--package-version <version>', 'one to four numbers; what changed is another version')
    .option('--title <text>', 'for people')
    .option('--dry-run', 'only print what would be signed')
    .action(online((context, flags: BuildFlags) => buildPackage(context, flags)));
  const placed = (command: Command): Command =>
    signing(command)
      .argument('<package>', 'NAME/VERSION')
      .option('--group <groups>', 'groups of hosts', selection)
      .option('--host <machines>', 'machine ids or hostnames', selection)
      .option('--yes', 'do not ask');
  placed(sub(packages, 'assign', 'let groups or hosts have a package, in the place of another version of it')).action(
    online((context, ref: string, flags: PackagePlaces) => assignPackage(context, ref, flags)),
  );
  placed(sub(packages, 'unassign', 'let groups or hosts have a package no more; what it installed stays')).action(
    online((context, ref: string, flags: PackagePlaces) => unassignPackage(context, ref, flags)),
  );
  signing(sub(packages, 'remove', 'take a package away, wherever it is assigned'))
    .argument('<package>', 'NAME/VERSION')
    .option('--yes', 'do not ask')
    .action(online((context, ref: string, flags: PackageFlags) => removePackage(context, ref, flags)));
};
