import { type AuditPorts, audited } from './audited.ts';
import type { OperatorPorts, OperatorsApi } from './ports.ts';

/**
 * Uploads of files of administrators' own packages. An upload installs nothing: hosts believe manifests that an administrator
 * signed, and what none names is cleaned away.
 */
export function packagesApi(ports: AuditPorts & Pick<OperatorPorts, 'packages'>): Pick<OperatorsApi, 'openUploads'> {
  return {
    async openUploads({ request: { files }, ...call }) {
      const { packages } = ports;
      const held = await Promise.all(files.map((file) => packages.has(file)));
      const open = async () => ({
        version: 1 as const,
        uploads: await Promise.all(
          files.map(async (file, at) => {
            const { sha256 } = file;
            if (held[at] === true) return { sha256, state: 'held' as const };
            const { url, headers, expiresAt } = await packages.uploadAddress(file);
            return { sha256, state: 'wanted' as const, url, headers: { ...headers }, expiresAt };
          }),
        ),
      });
      const wanted = files.filter((_, at) => held[at] !== true);
      if (wanted.length === 0) return open();
      return audited(ports, call, { action: 'packages.upload', target: 'packages', after: { files: wanted } }, open);
    },
  };
}
