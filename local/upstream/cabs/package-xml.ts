import type { Clause, InventedPublication, InventedUpdate } from '../invent/model.ts';
import { attributes, base64 } from './xml.ts';

/** `package.xml`, on one line and without a byte order mark, with the root attributes of the real one. */
export function packageXml(publication: InventedPublication): string {
  const root = attributes({
    MinimumClientVersion: '5.8.0.2678',
    PackageId: publication.packageId,
    PackageVersion: '1.1',
    ProtocolVersion: '1.0',
    CreationDate: publication.createdAt,
    SourceId: '802cb907-a558-4033-9844-bbf65cd3481e',
    xmlns: 'http://schemas.microsoft.com/msus/2004/02/OfflineSync',
  });
  const locations = publication.files
    .map((file) => `<FileLocation${attributes({ Id: base64(file.sha1), Url: file.url })} />`)
    .join('');
  return (
    `<?xml version="1.0" encoding="utf-8"?><OfflineSyncPackage${root}><Updates>` +
    publication.updates.map(updateXml).join('') +
    `</Updates><FileLocations>${locations}</FileLocations></OfflineSyncPackage>`
  );
}

function updateXml(update: InventedUpdate): string {
  const common = {
    CreationDate: update.createdAt,
    DefaultLanguage: 'en',
    UpdateId: update.updateId,
    RevisionNumber: update.revision,
    RevisionId: update.revisionId,
  };
  const prerequisites = list('Prerequisites', update.clauses.map(clauseXml));
  switch (update.kind) {
    case 'category':
    case 'detectoid':
      return element(
        `<Update${attributes({ ...common, DeploymentAction: 'Evaluate', IsSoftware: false })}`,
        prerequisites,
      );
    case 'payload':
      return element(
        `<Update${attributes({ ...common, IsLeaf: true, DeploymentAction: 'Bundle' })}`,
        list(
          'PayloadFiles',
          update.files.map((file) => `<File Id="${base64(file.sha1)}" />`),
        ) +
          prerequisites +
          list(
            'BundledBy',
            update.bundledBy.map((id) => `<Revision Id="${id}" />`),
          ),
      );
    case 'unit':
      return element(
        // Classic bundles are leaves of the graph and say so; UUP ones do not.
        `<Update${attributes({ ...common, ...(update.uup ? {} : { IsLeaf: true }), IsBundle: true })}`,
        prerequisites +
          list(
            'SupersededBy',
            update.supersededBy.map((id) => `<Revision Id="${id}" />`),
          ) +
          list(
            'Categories',
            update.categories.map(({ type, id }) => `<Category Type="${type}" Id="${id}" />`),
          ),
      );
  }
}

const clauseXml = ({ ids }: Clause): string => {
  const inner = ids.map((id) => `<UpdateId Id="${id}" />`).join('');
  return ids.length > 1 ? `<Or>${inner}</Or>` : inner;
};

const list = (name: string, items: readonly string[]): string =>
  items.length === 0 ? '' : `<${name}>${items.join('')}</${name}>`;

const element = (open: string, inner: string): string => (inner === '' ? `${open} />` : `${open}>${inner}</Update>`);
