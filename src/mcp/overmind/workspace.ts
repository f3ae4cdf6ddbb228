import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { z } from 'zod';
import { messageOf } from '../../shared/errors.js';
import { AGENT_NAME } from '../../shared/run.js';
import { type ReadSessions, readSessions } from './sessions-file.js';
import { readInside, type WorkspaceFile } from './workspace-files.js';

/** A file of a workspace, as its path from there, and what is wrong with it. */
export interface Problem {
  readonly file: string;
  readonly message: string;
}

const scalar = z.union([z.string(), z.number(), z.boolean()]).transform(String);
const settings = z.looseObject({
  runner: z.string().optional(),
  model: z.string().optional(),
  mode: z.string().optional(),
  cliPath: z.string().optional(),
  agent: z.string().optional(),
  env: z.record(z.string(), scalar).optional(),
  enableAllProjectMcpServers: z.boolean().optional(),
  enabledMcpjsonServers: z.array(z.string()).optional(),
});
/** What overmind knows of an agent, or of all of them. */
export type Settings = z.infer<typeof settings>;

const servers = z.looseObject({ mcpServers: z.record(z.string(), z.unknown()).default({}) });

/** An agent of a workspace, with the files that it came from. */
export interface WorkspaceAgent {
  readonly name: string;
  readonly file: string;
  readonly settings: Settings;
  /** The prompt and the skill as its second part; absent where there is no file. */
  readonly prompt?: string;
  readonly mcpServers: { readonly file: string; readonly servers: Readonly<Record<string, unknown>> };
}

export interface Workspace {
  readonly agents: readonly WorkspaceAgent[];
  readonly sessions: ReadSessions['entries'];
  /** The variables of its .env. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly problems: readonly Problem[];
}

export const SESSIONS = '.claude/sessions.json';
const SETTINGS_FILE = /^settings_(.+)\.json$/;

/** Reads a workspace of overmind; what is wrong with one file costs that file only. */
export function readWorkspace(root: string): Workspace {
  const problems: Problem[] = [];
  const complain = (file: string, message: string) => problems.push({ file, message });

  function fileOf(file: string): WorkspaceFile | undefined {
    try {
      return readInside(root, file);
    } catch (error) {
      complain(file, messageOf(error));
      return undefined;
    }
  }
  const textOf = (file: string) => fileOf(file)?.text;
  function jsonOf<Schema extends z.ZodType>(file: string, schema: Schema): z.infer<Schema> | undefined {
    const text = textOf(file);
    if (text === undefined) return undefined;
    try {
      const parsed = schema.safeParse(JSON.parse(text));
      if (parsed.success) return parsed.data;
      for (const { path, message } of parsed.error.issues)
        complain(file, `${path.join('.') || 'the file'}: ${message}`);
    } catch (error) {
      complain(file, `it is not JSON${/ at position \d+.*$/.exec(messageOf(error))?.[0] ?? ''}`);
    }
    return undefined;
  }

  function agentFrom(file: string, name: string, defaults: Settings, project: Readonly<Record<string, unknown>>) {
    const own = jsonOf(file, settings);
    if (!own) return [];
    const all = { ...defaults, ...own, env: { ...defaults.env, ...own.env } };
    const base = AGENT_NAME.test(own.agent ?? '') ? own.agent : name;
    const prompts = new Set([base, name].map((one) => `.claude/agents/${one}.md`));
    const prompt = [...prompts].reduce<string | undefined>((found, file) => found ?? textOf(file), undefined);
    const skill = textOf(`.claude/agents/${base}_skill.md`);
    const text = [prompt, skill].flatMap((part) => part?.trim() || []).join('\n\n');
    const ownServers = `.claude/.mcp.${name}.json`;
    const given = jsonOf(ownServers, servers);
    const enabled = Object.entries(project).filter(
      ([server]) => all.enableAllProjectMcpServers || all.enabledMcpjsonServers?.includes(server),
    );
    const mcpServers = given
      ? { file: ownServers, servers: given.mcpServers }
      : { file: '.mcp.json', servers: Object.fromEntries(enabled) };
    return [{ name, file, settings: all, ...(text && { prompt: text }), mcpServers }];
  }

  const defaults = jsonOf('.claude/settings.json', settings) ?? {};
  const project = jsonOf('.mcp.json', servers)?.mcpServers ?? {};
  const names = readdirSync(join(root, '.claude')).sort();
  const agents = names.flatMap((name) => {
    const agent = SETTINGS_FILE.exec(name)?.[1];
    return agent === undefined ? [] : agentFrom(`.claude/${name}`, agent, defaults, project);
  });
  const sessions = fileOf(SESSIONS);
  const read = sessions && readSessions(sessions.text, sessions.mtimeMs);
  for (const message of read?.problems ?? []) complain(SESSIONS, message);
  return { agents, sessions: read?.entries ?? [], env: parseEnv(textOf('.env') ?? ''), problems };
}
