import type { Command } from 'commander';
import { type LoginFlags, login, logout, printAccessToken } from '../commands/login.ts';
import { findPlace, readSettings, type SettingsFlags } from '../settings.ts';
import { type AddCommands, wantsJson } from './kit.ts';

/** `kbroker login`, `kbroker logout` and `kbroker access-token`. */
export const addLoginCommands: AddCommands = (program, { io, end, sub }) => {
  const contextOf = async (command: Command) => ({
    io,
    json: wantsJson(command),
    place: await findPlace(program.opts<SettingsFlags>(), io),
    now: () => new Date(),
  });
  sub(program, 'login', "log in with the browser, at the broker's OpenID provider")
    .option('--issuer <url>', 'the provider, at the first login (output Issuer of the stack)')
    .option('--client-id <id>', 'its client, at the first login (output ClientId of the stack)')
    .option('--as <name>', 'viewer, operator or administrator of "npm start", who need no browser')
    .option('--no-browser', 'only print the address')
    .addHelpText('after', '\nScripts set KBROKER_TOKEN to an access token instead; kbroker access-token prints one.')
    .action(async (flags: LoginFlags, command: Command) => end(await login(await contextOf(command), flags)));
  sub(program, 'logout', 'revoke and forget the tokens').action(async (_: object, command: Command) =>
    end(await logout(await contextOf(command))),
  );
  sub(program, 'access-token', 'print the access token of whoever is logged in, for KBROKER_TOKEN and curl').action(
    async (_: object, command: Command) => {
      const settings = await readSettings(program.opts<SettingsFlags>(), io);
      end(await printAccessToken({ io, json: wantsJson(command) }, settings));
    },
  );
};
