import { UserError } from '../errors.js';
import { type AgentProfile, referencesIn, replaceReferences, valuesOf } from './profile.js';

/** Names of what must be kept secret; an author is not one of them. */
const SECRET_NAME = /KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL|AUTH(?!OR(?!I))/i;
/** How many tokens, not which. */
const COUNT_NAME = /TOKENS$/i;
/** What cannot be a secret, whatever its name is. */
const HARMLESS = /^(|true|false|none|[01])$/i;

/** The beginnings of the keys of well-known services, and what stands before one in a header. */
const KEY_BEGINNING =
  /(^|[^A-Za-z0-9])(sk[-_]|[rp]k_(live|test)_|gh[opsur]_|github_pat_|glpat-|xox[abeoprs]-|AIza|AKIA|ASIA|hf_|npm_|eyJ[\w-]{10})|-----BEGIN |^(Bearer|Basic|Token) +\S/;
/** A long word of letters and digits mixed: models, paths and addresses have shorter ones. */
const LONG_WORD = /[A-Za-z0-9]{20,}/g;
const isMixed = (word: string) => /\d/.test(word) && /[A-Za-z]/.test(word);

function looksLikeKey(text: string): boolean {
  return KEY_BEGINNING.test(text) || (text.match(LONG_WORD) ?? []).some(isMixed);
}

/** Whether a value is, by its name or by its looks, a secret instead of the name of one. */
export function looksSecret(name: string, value: string): boolean {
  const literal = replaceReferences(value, () => '');
  if (looksLikeKey(literal)) return true;
  if (!SECRET_NAME.test(name) || referencesIn(value).length > 0 || HARMLESS.test(literal)) return false;
  return !(COUNT_NAME.test(name) && /^\d+$/.test(literal));
}

/** Passwords and keys in an address, by the names of its parameters. */
function urlHidesSecret(url: string): boolean {
  const [, userInfo = '', query = ''] = /^\w+:\/\/(?:([^/?#]*)@)?[^?#]*(?:\?([^#]*))?/.exec(url) ?? [];
  const parameters = query.split('&').map((pair) => pair.split('=', 2));
  const secrets = [['password', userInfo.split(':')[1] ?? ''], ...parameters];
  return looksLikeKey(url) || secrets.some(([name = '', value = '']) => looksSecret(name, value));
}

/** Arguments are seen by everybody who lists processes, so nothing secret belongs there at all. */
function secretArguments(server: string, args: readonly string[]): string[] {
  return args.flatMap((argument, at) => {
    const [, option = '', joined] = /^--?([\w-]+)(?:=(.*))?$/s.exec(argument) ?? [];
    const next = joined ?? args[at + 1] ?? '';
    const hides = looksLikeKey(argument) || (option !== '' && !next.startsWith('-') && looksSecret(option, next));
    return hides ? [`mcpServers.${server}.args.${at}`] : [];
  });
}

/** Where in a profile something stands that looks like a secret. */
export function secretsIn(profile: Partial<AgentProfile>): string[] {
  const inServers = Object.entries(profile.mcpServers ?? {}).flatMap(([server, given]) => {
    if ('command' in given) return secretArguments(server, given.args ?? []);
    return urlHidesSecret(given.url) ? [`mcpServers.${server}.url`] : [];
  });
  const inValues = valuesOf(profile).filter(({ name, value }) => looksSecret(name, value));
  return [...inValues.map(({ where }) => where), ...inServers];
}

/** Throws a UserError that says where a secret stands, never which, before it can reach Redis. */
export function refuseSecrets(profile: Partial<AgentProfile>): void {
  const places = secretsIn(profile);
  if (places.length === 0) return;
  const name =
    /(?:env|headers|fallbacks)\.([\w-]+)/
      .exec(places[0] ?? '')?.[1]
      ?.replaceAll('-', '_')
      .toUpperCase() ?? 'NAME';
  throw new UserError(
    'secret_in_profile',
    `${places.join(', ')}: a literal that looks like a secret; profiles are kept in Redis, and no secret may get there`,
    `Put the value into the environment of the workers, such as ${name}=... in their .env, and write "$${name}" or, within a longer value, "\${${name}}" here.`,
  );
}
