import { parseEnv } from 'node:util';
import { SETTINGS } from './settings.js';

/** The mark that every program of a run carries; present in our own environment when an agent calls agentpool. */
export const RUN_MARK = 'AGENTPOOL_RUN';
/** Names that begin like settings but are none of ours: the mark of a run, and the token that clients are told to set. */
const NOT_SETTINGS = [RUN_MARK, 'AGENTPOOL_TOKEN'];
/** What Kubernetes puts into every pod beside a service whose name begins with `agentpool`. */
const SERVICE_LINK =
  /^AGENTPOOL_(\w+_)?(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$/;
const SERVICE_ADDRESS = /^(tcp|udp|sctp):\/\//;

/** Whether a variable is meant for us: neither empty, nor one that Kubernetes or a client has set. */
export function isSetting(name: string, value: string | undefined): value is string {
  if (value === undefined || value === '' || NOT_SETTINGS.includes(name)) return false;
  if (SERVICE_LINK.test(name) || (name.endsWith('_PORT') && SERVICE_ADDRESS.test(value))) return false;
  return Object.hasOwn(SETTINGS, name) || name.startsWith('AGENTPOOL_');
}

/** Some editors put a byte order mark at the head of a file, which no parser takes. */
export const withoutMark = (text: string) => text.replace(/^\uFEFF/, '');

/** What is taken of a file of variables: our own settings, without the `refused`; and the names that are left out. */
export function settingsIn(
  text: string,
  refused: readonly string[] = [],
): { taken: Record<string, string>; left: string[] } {
  const taken: Record<string, string> = {};
  const left: string[] = [];
  for (const [name, value] of Object.entries(parseEnv(withoutMark(text))).sort()) {
    if (value === undefined || value === '' || NOT_SETTINGS.includes(name)) continue;
    if (isSetting(name, value) && !refused.includes(name)) taken[name] = value;
    else left.push(name);
  }
  return { taken, left };
}
