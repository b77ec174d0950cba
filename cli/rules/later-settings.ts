/**
 * Options of WAPT's `[waptwua]` that rule packages do not have yet, with what stands in their place. They are named when
 * somebody writes or imports them.
 */
export const laterSettings: ReadonlyMap<string, string> = new Map([
  ['offline', 'hosts always scan by the index of the broker'],
  ['filter', 'every software update of the index is looked at'],
  ['download_scheduling', 'the broker tells hosts when to come again'],
  ['install_scheduling', 'hosts install in each full cycle'],
  ['install_at_shutdown', 'hosts install in each full cycle'],
  ['include_potentially_superseded_updates', 'an update is superseded when its successor is allowed or installed'],
  ['postboot_delay', 'there is no wait after a start'],
  ['user_locale', 'titles are English'],
]);
