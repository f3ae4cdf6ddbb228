import { ERRORS, UserError } from '../../shared/errors.js';
import { nearest } from '../../shared/nearest.js';
import { beginningOf } from '../../shared/plain-text.js';
import { readDuration } from '../../shared/read-time.js';

/** What models and other tools call our arguments; of several, those count that the tool has. */
const OTHER_NAMES: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries({
    path: 'cwd workdir workingdir workingdirectory directory dir folder',
    prompt: 'task message instruction instructions userprompt text query systemprompt systemmessage system',
    agentName: 'agent agentid name',
    runner: 'agenttype program cli engine',
    runId: 'id run job jobid taskid',
    runIds: 'ids runs jobs jobids taskids',
    sessionId: 'session conversationid threadid resumesessionid resume continue',
    autoResume: 'resume continue',
    timeoutMs: 'timeout',
    silenceTimeoutMs: 'silencetimeout',
    waitMs: 'wait',
    delayMs: 'delay',
    graceMs: 'grace',
    sinceTimestamp: 'since after',
    since: 'sincetimestamp sincems after',
    tailBytes: 'tail bytes',
    maxBytes: 'bytes',
    status: 'state',
    limit: 'max count pagesize',
    cursor: 'nextcursor',
    clientToken: 'idempotencykey',
    agents: 'tasks jobs',
    env: 'environment envvars',
    name: 'agent agentname',
    requires: 'require requirements workerlabels nodeselector',
  }).reduce((names, [ours, others]) => {
    for (const other of others.split(' ')) names.set(other, [...(names.get(other) ?? []), ours]);
    return names;
  }, new Map<string, string[]>()),
);

/** What a call would do something else without, and where it belongs; `has` and `lacks` are arguments of the tool. */
const ELSEWHERE: readonly { names: RegExp; has: string; lacks: string; what: string; hint: string }[] = [
  {
    names: /^(systemprompt|systemmessage|system|persona|env|environment|envvars|mcpservers|fallbacks)$/,
    has: 'autoResume',
    lacks: 'mcpServers',
    what: 'belongs to a stored agent',
    hint: 'Store one with create_agent, and give its name as agentName.',
  },
  {
    names: /^(agents|tasks|prompts|runs)$/,
    has: 'autoResume',
    lacks: 'agents',
    what: 'are several runs',
    hint: 'Call run_agents_parallel with agents: [{"runner": ..., "prompt": ...}, ...].',
  },
  {
    names: /^(prompts|prompt|task|message)$/,
    has: 'waitAll',
    lacks: 'prompt',
    what: 'belongs into agents',
    hint: 'Give agents: [{"runner": ..., "prompt": ...}, ...].',
  },
  {
    names: /^(lines|lastlines|numlines|maxlines|nlines)$/,
    has: 'tail',
    lacks: 'prompt',
    what: 'may mean the first or the last lines',
    hint: 'Give tail for the last lines, or maxBytes for the first bytes.',
  },
  {
    names: /^(offset|skip|start|startbyte|position|page)$/,
    has: 'cursor',
    lacks: 'prompt',
    what: 'is not a place that is known here',
    hint: 'Give cursor: nextCursor of the previous answer.',
  },
  {
    names: /^(runat|startat|startsat|scheduleat|scheduledat|scheduledfor|schedule|cron|notbefore|startafter|eta)$/,
    has: 'delayMs',
    lacks: 'runAt',
    what: 'would start it later, and there is no such argument',
    hint: 'Give delayMs, the time from now on in milliseconds or with its unit: delayMs: "30m".',
  },
  {
    names: /^(changes|updates|update|patch|fields|profile|set|values|config)$/,
    has: 'revision',
    lacks: 'config',
    what: 'is not looked into',
    hint: 'Give what changes besides the name: {"name": ..., "prompt": ...}.',
  },
];

const SECONDS = /^(timeout|silencetimeout|wait|delay|grace)(seconds|secs|sec)$/;

/** An argument that is not ours, as far as it can be told what it means. */
interface Meant {
  readonly name: string;
  readonly value: unknown;
}

const plain = (name: string) => name.toLowerCase().replaceAll(/[\s_-]/g, '');
const shown = (value: unknown) => beginningOf(JSON.stringify(value) ?? 'undefined', 60);

/**
 * The argument that a name means that the tool does not have; undefined where it means none. Throws a UserError with the
 * right call where it may mean several, or is written nearly like one.
 */
export function meantArgument(
  given: string,
  value: unknown,
  known: readonly string[],
  isRunner: (text: unknown) => boolean,
): Meant | undefined {
  const word = plain(given);
  const written = known.find((name) => name.toLowerCase() === word);
  if (written !== undefined) return { name: written, value };
  const [, ofTime] = SECONDS.exec(word) ?? [];
  const time = known.find((name) => ofTime !== undefined && name.toLowerCase() === `${ofTime}ms`);
  if (time !== undefined) return { name: time, value: /^\d{1,10}$/.test(String(value)) ? `${value}s` : value };
  const place = ELSEWHERE.find(
    ({ names, has, lacks }) => names.test(word) && known.includes(has) && !known.includes(lacks),
  );
  if (place && ![null, false, '', 0].includes(value as null)) throw refusal(given, value, place.what, place.hint);
  const names = (OTHER_NAMES.get(word) ?? []).filter((name) => known.includes(name));
  const [name, ...more] = names;
  if (name === undefined) return refuseNearMiss(given, known);
  const both = names.join(' or ');
  if (more.length > 0) throw refusal(given, value, `may mean ${both}`, `Give ${both}.`);
  if (name.endsWith('Ms') && (typeof value !== 'string' || /^\d+$/.test(value.trim())) && value !== null)
    throw refusal(given, value, 'may be seconds or milliseconds', timeCall(name, value));
  if (word === 'tail' && name === 'tailBytes') throw refusal(given, value, 'may be lines or bytes', 'Give tailBytes.');
  if (word === 'agent' && known.includes('prompt') && isRunner(value))
    throw refusal(given, value, 'may mean the runner or agentName', `Give runner: ${shown(value)}, or agentName.`);
  return { name, value };
}

const timeCall = (name: string, value: unknown) => {
  const seconds = readDuration(`${value}s`);
  return `Give ${name} in milliseconds, or with its unit${seconds === undefined ? '.' : `: ${name}: ${seconds}, or ${name}: "${String(value).trim()}s".`}`;
};

const refusal = (given: string, value: unknown, what: string, hint: string) =>
  new UserError('invalid_argument', `${shown(value)} ${what}`, hint, beginningOf(given, 60));

/** A slip of the pen must not change what a call does without a word. */
function refuseNearMiss(given: string, known: readonly string[]): undefined {
  if (given.length < 4 || given.length > 40) return undefined;
  const meant = nearest(given, known, given.length < 6 ? 1 : undefined);
  if (meant === undefined) return undefined;
  throw new UserError(
    'invalid_argument',
    `there is no argument ${given}. Did you mean ${meant}?`,
    ERRORS.invalid_argument.hint,
  );
}
