import { isEnded, type RunState } from '../../../shared/run-state.js';
import { connectToHost } from './host.js';

/** The version of the protocol of MCP Apps. */
const PROTOCOL = '2026-01-26';
/** One call waits so long for news (ms), so that a change of the state is seen as soon. */
const WAIT_MS = 3_000;
/** After a call that failed it asks again in this time (ms). */
const AGAIN_MS = 2_000;
/** More of what it says is on its page (characters). */
const MOST_CHARS = 100_000;

interface Status {
  readonly agentName: string;
  readonly runner: string;
  readonly status: RunState;
  readonly host?: string;
  readonly waitingFor?: { readonly message: string };
  readonly failure?: { readonly message: string };
  readonly usage?: { readonly inputTokens?: number; readonly outputTokens?: number; readonly costUsd?: number };
  readonly startedAt?: number;
  readonly endedAt?: number;
  readonly pageUrl?: string;
}
interface Page {
  readonly output: string;
  readonly nextCursor: string;
  readonly isComplete: boolean;
}
interface ToolResult {
  readonly structuredContent?: Readonly<Record<string, unknown>>;
  readonly content?: readonly { readonly type: string; readonly text?: string }[];
  readonly isError?: boolean;
}

const element = (id: string) => document.getElementById(id) as HTMLElement;
const put = (id: string, text: string) => {
  if (element(id).textContent !== text) element(id).textContent = text;
};
const show = (id: string, isShown: boolean) => element(id).toggleAttribute('hidden', !isShown);
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** What a tool has answered; clients may bring only one of the two forms. */
function bodyOf({ structuredContent, content }: ToolResult): Readonly<Record<string, unknown>> {
  if (structuredContent) return structuredContent;
  try {
    return JSON.parse(content?.find(({ type }) => type === 'text')?.text ?? '{}');
  } catch {
    return {};
  }
}

async function call<Answer>(name: string, args: object): Promise<Answer> {
  const result = await host.request<ToolResult>('tools/call', { name, arguments: args });
  const body = bodyOf(result);
  if (result.isError) throw new Error(String(body.message ?? `${name} has failed`));
  return body as Answer;
}

function facts({ runner, host: at, usage = {}, startedAt, endedAt, waitingFor, failure }: Status): string {
  const { inputTokens, outputTokens, costUsd } = usage;
  const seconds = startedAt === undefined ? undefined : ((endedAt ?? Date.now()) - startedAt) / 1_000;
  const parts = [
    runner,
    at && `on ${at}`,
    seconds !== undefined && seconds >= 0 && `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`,
    inputTokens !== undefined &&
      `${inputTokens.toLocaleString()} tokens in, ${(outputTokens ?? 0).toLocaleString()} out`,
    costUsd !== undefined && `$${costUsd.toPrecision(2)}`,
    waitingFor && `waits: ${waitingFor.message}`,
    failure?.message,
  ];
  return parts.filter(Boolean).join(' · ');
}

function showStatus(status: Status): void {
  put('agent', status.agentName);
  put('state', status.status.replaceAll('_', ' '));
  element('state').className = status.status;
  put('facts', facts(status));
  page = status.pageUrl;
  show('page', page !== undefined);
  const ended = isEnded(status.status);
  if (ended) show('really', false);
  show('kill', !ended && element('really').hasAttribute('hidden'));
}

function add(text: string): void {
  if (text === '') return;
  const said = element('said');
  const atEnd = said.scrollHeight - said.scrollTop - said.clientHeight < 40;
  const whole = `${said.textContent === '' ? '' : `${said.textContent}\n`}${text}`;
  said.textContent = whole.slice(-MOST_CHARS).replace(/^[\uDC00-\uDFFF]/, ''); // the other half is cut off
  show('said', true);
  if (atEnd) said.scrollTop = said.scrollHeight;
}

/** Follows a run to its end; each call waits for news. */
async function follow(runId: string): Promise<void> {
  followed = runId;
  let cursor: string | undefined;
  for (let isOver = false; !isOver && followed === runId; ) {
    try {
      const status = await call<Status>('get_agent_status', { runId, tailBytes: 0 });
      showStatus(status);
      const part = await call<Page>('stream_agent_output', {
        runId,
        waitMs: isEnded(status.status) ? 0 : WAIT_MS,
        ...(cursor !== undefined && { cursor }),
      });
      cursor = part.nextCursor;
      add(part.output);
      isOver = isEnded(status.status) && part.isComplete;
      show('problem', false);
    } catch (error) {
      put('problem', `${(error as Error).message}; trying again`);
      show('problem', true);
      await pause(AGAIN_MS);
    }
  }
}

let page: string | undefined;
let followed: string | undefined;

const host = connectToHost((method, params) => {
  if (method === 'ui/notifications/host-context-changed') wear(params);
  if (method !== 'ui/notifications/tool-result') return;
  const { runId } = bodyOf(params as ToolResult);
  if (typeof runId === 'string' && runId !== followed) void follow(runId);
});

/** Light or dark, as the host is. */
function wear({ theme }: { readonly theme?: unknown }): void {
  if (theme === 'light' || theme === 'dark') document.documentElement.style.colorScheme = theme;
}

element('kill').addEventListener('click', () => {
  show('kill', false);
  show('really', true);
  element('really').focus();
});
element('really').addEventListener('click', async () => {
  show('really', false);
  try {
    await call('kill_agent', { runId: followed, reason: 'asked for in the app' });
  } catch (error) {
    put('problem', (error as Error).message);
    show('problem', true);
    show('kill', true);
  }
});
element('page').addEventListener('click', () => void host.request('ui/open-link', { url: page }).catch(() => {}));

// What scrolls is reached by the keyboard.
element('said').tabIndex = 0;
element('said').setAttribute('role', 'group');
element('said').setAttribute('aria-label', 'What it says and does');

const tellSize = () =>
  host.notify('ui/notifications/size-changed', {
    width: Math.ceil(document.documentElement.scrollWidth),
    height: Math.ceil(document.body.getBoundingClientRect().height),
  });

const { hostContext } = await host.request<{ hostContext?: { theme?: unknown } }>('ui/initialize', {
  appInfo: { name: 'agentpool', version: '1' },
  appCapabilities: {},
  protocolVersion: PROTOCOL,
});
wear(hostContext ?? {});
host.notify('ui/notifications/initialized', {});
new ResizeObserver(tellSize).observe(document.body);
