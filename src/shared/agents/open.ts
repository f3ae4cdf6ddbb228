import { UserError } from '../errors.js';
import { didYouMean } from '../nearest.js';
import type { RedisClient } from '../redis/connect.js';
import { serverNow } from '../redis/now.js';
import { withScripts } from '../redis/scripts.js';
import type { Settling } from '../redis/settled.js';
import type { AgentProfile, ProfileSummary, StoredProfile } from './profile.js';
import { refuseSecrets } from './secrets.js';
import {
  type Listed,
  profileFromText,
  profilesFrom,
  refuseNewerText,
  storedTexts,
  summariesFrom,
} from './stored-profile.js';

/** The scripts of the profiles; the files say what they do. */
interface ProfileScripts {
  swapProfile(
    profiles: string,
    list: string,
    name: string,
    before: string,
    after: string,
    summary: string,
  ): Promise<number>;
}

/** How often in a row another caller may change a profile between our read and our write before we give up. */
const MOST_TRIES = 50;

/** Where the profiles are: in full, and a line on each of them. */
interface AgentStore {
  readonly redis: RedisClient & ProfileScripts;
  readonly profiles: string;
  readonly list: string;
}

/** The profiles of agents, shared by everybody on this Redis. No secret gets in: values of secrets stay on the workers. */
export function openAgents(client: RedisClient, prefix: string, { keep }: Pick<Settling, 'keep'>) {
  const store: AgentStore = {
    redis: withScripts<ProfileScripts>(client, new URL(import.meta.url), { swapProfile: 'swap-profile.lua' }),
    profiles: `{${prefix}:agents}:profiles`,
    list: `{${prefix}:agents}:list`,
  };
  return {
    /** Throws a UserError for one that is of a newer release, or broken. */
    find: (name: string): Promise<StoredProfile | undefined> => find(store, name),

    /** Throws a UserError when no profile of that name can be read. */
    async get(name: string): Promise<StoredProfile> {
      const found = await find(store, name);
      if (found) return found;
      throw await unknown(store, name);
    },

    /** Every profile in full, by name. */
    all: async (): Promise<Listed<StoredProfile>> => profilesFrom(await store.redis.hgetall(store.profiles)),

    /** What there is, by name, in one read. */
    list: async (): Promise<Listed<ProfileSummary>> => summariesFrom(await store.redis.hgetall(store.list)),

    /** Throws a UserError for a name that is taken, and for what looks like a secret. */
    create: (profile: AgentProfile): Promise<StoredProfile> => keep(() => create(store, profile)),

    /** Changes a profile; `edit` is called again when another caller was faster. `revision`: only if it is still that one. */
    update: (name: string, edit: (profile: AgentProfile) => AgentProfile, revision?: number): Promise<StoredProfile> =>
      keep(() => update(store, name, edit, revision)),

    /** Throws a UserError when there is no such profile. Runs that were submitted with it keep what they were given. */
    async remove(name: string): Promise<void> {
      await keep(() =>
        change(store, name, (text) => {
          refuseNewerText(name, text);
          return undefined;
        }),
      );
    },
  };
}
export type Agents = ReturnType<typeof openAgents>;

const read = async ({ redis, profiles }: AgentStore, name: string) => (await redis.hget(profiles, name)) ?? '';

async function find(store: AgentStore, name: string): Promise<StoredProfile | undefined> {
  const text = await read(store, name);
  return text === '' ? undefined : profileFromText(name, text);
}

async function create(store: AgentStore, profile: AgentProfile): Promise<StoredProfile> {
  refuseSecrets(profile);
  const at = await serverNow(store.redis);
  const stored = { ...profile, revision: 1, createdAt: at, updatedAt: at };
  if (await swap(store, profile.name, '', stored)) return stored;
  throw new UserError(
    'agent_exists',
    `there is an agent ${profile.name} already`,
    'Choose another name, or change it with update_agent_config.',
  );
}

async function update(
  store: AgentStore,
  name: string,
  edit: (profile: AgentProfile) => AgentProfile,
  revision: number | undefined,
): Promise<StoredProfile> {
  const at = await serverNow(store.redis);
  return change(store, name, (text) => {
    const before = profileFromText(name, text);
    if (revision !== undefined && before.revision !== revision)
      throw new UserError(
        'changed_meanwhile',
        `agent ${name} is at revision ${before.revision}, not ${revision}`,
        'Look at it with get_agent_configs, and change it again.',
      );
    const edited = { ...edit(before), name };
    refuseSecrets(edited);
    return { ...edited, revision: before.revision + 1, createdAt: before.createdAt, updatedAt: at };
  });
}

/** Reads, changes and writes until no other write came in between, so that no change is lost; undefined removes it. */
async function change<After extends StoredProfile | undefined>(
  store: AgentStore,
  name: string,
  decide: (before: string) => After,
): Promise<After> {
  for (let tries = 0; tries < MOST_TRIES; tries += 1) {
    const before = await read(store, name);
    if (before === '') throw await unknown(store, name);
    const after = decide(before);
    if (await swap(store, name, before, after)) return after;
  }
  throw new UserError('conflict', `agent ${name} is being changed all the time`, 'Try again in a moment.');
}

/** Puts a text in the place of another one; false when that is not there any more. */
async function swap(
  { redis, profiles, list }: AgentStore,
  name: string,
  before: string,
  after: StoredProfile | undefined,
): Promise<boolean> {
  const texts = after ? storedTexts(after) : { profile: '', summary: '' };
  return (await redis.swapProfile(profiles, list, name, before, texts.profile, texts.summary)) > 0;
}

async function unknown({ redis, list }: AgentStore, name: string): Promise<UserError> {
  const names = (await redis.hkeys(list)).sort();
  const there = names.length === 0 ? 'no agent is stored yet' : `there are ${names.slice(0, 20).join(', ')}`;
  return new UserError(
    'unknown_agent',
    `there is no agent ${name}`,
    `create_agent (agentpool agents create) makes one; ${there}.${didYouMean(name, names)}`,
  );
}
