import type { Command } from 'commander';
import { type InitFlags, initTrust, newKey, type PinFlags, pinRoot, showTrust } from '../commands/trust.ts';
import {
  type AdminFlags,
  addAdmin,
  type RotateFlags,
  removeAdmin,
  renewTrust,
  rotateKey,
  type SignFlags,
  signTrust,
  type TrustFlags,
} from '../commands/trust-keys.ts';
import { type AddCommands, selection, wantsJson } from './kit.ts';

/** `kbroker trust`. */
export const addTrustCommands: AddCommands = (program, { sub, online, io, end }) => {
  const trust = sub(program, 'trust', 'the signed repository: keys of administrators, and what they signed');
  sub(trust, 'init', 'make the signed repository; a key is made when none is named')
    .option('--key <keys>', 'keys of administrators: files, made when missing, or kms:ARN', selection)
    .option('--threshold <count>', 'how many of them must sign root and targets', '1')
    .action(online((context, flags: InitFlags) => initTrust(context, flags)));
  sub(trust, 'status', 'who signs what and until when, and whether the pinned root proves it').action(
    online(showTrust),
  );
  sub(trust, 'pin', 'believe the repository that begins with this root')
    .argument('<sha256>', 'digest of the root, as another administrator tells it')
    .option('--key <key>', 'key to sign with from here: a file, or kms:ARN')
    .action(online((context, digest: string, flags: PinFlags) => pinRoot(context, digest, flags)));
  sub(trust, 'new-key', 'make a key, and its public half beside it; works offline')
    .argument('<file>', 'new file of the key')
    .action(async (file: string, _flags: unknown, command: Command) =>
      end(await newKey({ io, json: wantsJson(command) }, file)),
    );
  const signing = (command: Command): Command =>
    command
      .option('--key <key>', 'key to sign with: a file, or kms:ARN (default: the one of init or pin)')
      .option('--out <file>', 'where a change is written that lacks signatures (default: trust-change.json)');
  signing(sub(trust, 'add-admin', 'one more administrator'))
    .argument('<public-key>', 'PEM file')
    .option('--threshold <count>', 'how many must sign from now on (default: as before)')
    .action(online((context, file: string, flags: AdminFlags) => addAdmin(context, file, flags)));
  signing(sub(trust, 'remove-admin', 'let a key count no more'))
    .argument('<key-id>', 'as "trust status" shows it')
    .option('--threshold <count>', 'how many must sign from now on (default: as before, or all that are left)')
    .action(online((context, id: string, flags: AdminFlags) => removeAdmin(context, id, flags)));
  signing(sub(trust, 'rotate', 'put another key in the place of the one that signs, or of the online key'))
    .option('--to <public-key>', 'PEM file of the key that takes its place')
    .option('--online', "the broker's online key, after a deployment with another one; twice")
    .action(online((context, flags: RotateFlags) => rotateKey(context, flags)));
  signing(sub(trust, 'renew', 'sign everything again before it ends')).action(
    online((context, flags: TrustFlags) => renewTrust(context, flags)),
  );
  signing(sub(trust, 'sign', "add a signature to another administrator's change, and publish it when it was the last"))
    .argument('<file>', 'the change')
    .option('--yes', 'do not ask')
    .action(online((context, file: string, flags: SignFlags) => signTrust(context, file, flags)));
};
