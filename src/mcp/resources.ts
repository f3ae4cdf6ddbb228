import { findRuns } from '../client/list-runs.js';
import { readOutput, WHOLE_OUTPUT } from '../client/read-output.js';
import { outputUri, type RunView, runUri } from '../client/run-view.js';
import { statusOf } from '../client/status.js';
import { beginningOf } from '../shared/plain-text.js';
import { APP_URI, readApp } from './app/run-app.js';
import { type Asker, ask, RefusedError } from './ask.js';
import { parseRunUri } from './resource-uri.js';

const JSON_TYPE = 'application/json';
const TEXT_TYPE = 'text/plain';
/** So many of the newest runs are in the list; each has two resources. */
const LISTED = 50;

const [record, output] = [
  {
    uriTemplate: runUri('{runId}'),
    name: 'run',
    title: 'A run',
    description: 'Everything that is known about a run now, as get_agent_status answers it',
    mimeType: JSON_TYPE,
  },
  {
    uriTemplate: `${outputUri('{runId}')}{?cursor}`,
    name: 'run-output',
    title: 'The output of a run',
    description: 'What a run has printed, from the beginning or from a cursor on; a second part says where it goes on',
    mimeType: TEXT_TYPE,
  },
];
export const RESOURCE_TEMPLATES = [record, output];

/**
 * The newest runs that the principal may see, as resources. There is no further page, since SDKs walk all there are before
 * they do anything else; list_runs has them. Throws a RefusedError.
 */
export async function listResources(asker: Asker) {
  const { runs } = await ask(asker, 'read', 'resources', (caller) => findRuns(caller, { limit: LISTED }));
  return { resources: runs.flatMap(resourcesOf) };
}

function resourcesOf({ runId, agentName, runner, status, queuedAtIso, lastOutputAtIso, outputBytes }: RunView) {
  const about = `${runner}, ${status}, since ${queuedAtIso}`;
  const lastModified = lastOutputAtIso ?? queuedAtIso;
  return [
    { uri: runUri(runId), name: `${agentName} ${runId}`, description: about, mimeType: JSON_TYPE },
    {
      uri: outputUri(runId),
      name: `output of ${agentName} ${runId}`,
      description: about,
      mimeType: TEXT_TYPE,
      size: outputBytes,
      annotations: { lastModified },
    },
  ];
}

/** What is at a uri. Throws a RefusedError: `unknown_run` when nothing is, `invalid_argument` when it is not one of ours. */
export async function readResource(asker: Asker, uri: string) {
  if (uri === APP_URI) return readApp();
  const { runId, part, cursor } = parsed(uri);
  if (part === 'record') {
    const status = await ask(asker, 'read', 'resources', (caller) => statusOf(caller, { runId }));
    return { contents: [{ uri, mimeType: JSON_TYPE, text: JSON.stringify(status) }] };
  }
  const page = await ask(asker, 'read', 'resources', (caller) =>
    readOutput(caller, { runId }, { ...WHOLE_OUTPUT, cursor }),
  );
  const { output: text, ...rest } = page;
  const next = `${outputUri(runId)}?cursor=${page.nextCursor}`;
  return {
    contents: [
      { uri, mimeType: TEXT_TYPE, text },
      { uri: next, mimeType: JSON_TYPE, text: JSON.stringify({ ...rest, next }) },
    ],
  };
}

/** The run that a uri is about, if the principal may see it. Throws a RefusedError as `readResource` does. */
export async function runOfResource(asker: Asker, uri: string): Promise<string> {
  const { runId } = parsed(uri);
  return (await ask(asker, 'read', 'resources', (caller) => statusOf(caller, { runId }, 0))).runId;
}

function parsed(uri: string) {
  const found = parseRunUri(uri);
  if (found) return found;
  throw new RefusedError({
    code: 'invalid_argument',
    message: `${JSON.stringify(beginningOf(uri, 200))} is not the uri of a run`,
    hint: `There are ${RESOURCE_TEMPLATES.map(({ uriTemplate }) => uriTemplate).join(' and ')}.`,
  });
}
