import { showLocalTimes } from './local-times.js';
import type { Viewer } from './output-viewer.js';
import { tellFresh, tellStale } from './stale.js';
import { sync } from './sync.js';

/** After a lost connection it is tried again in this time (ms). */
const AGAIN_MS = 1_000;
/** More blocks than this are not kept on a page that goes on; those before are a link away. */
const MOST_BLOCKS = 400;

interface ToldBlock {
  readonly key: string;
  readonly html: string;
}

/** An element of a text that this server has written. */
function elementOf(html: string): Element | null {
  return new DOMParser().parseFromString(html, 'text/html').body.firstElementChild;
}

/** Keeps the page of a run up to date with the events of its server, from the point that the page shows. */
export function followRun(run: string, viewer: Viewer): void {
  const transcript = document.getElementById('transcript');
  const follows = document.getElementById('follow-said') as HTMLInputElement | null;
  if (transcript?.dataset.live) follows?.parentElement?.removeAttribute('hidden');
  const isLive = transcript?.dataset.live || document.getElementById('viewer')?.dataset.live;
  if (!isLive) return;
  let cursor = transcript?.dataset.live ?? '';

  const show = (blocks: readonly ToldBlock[]) => {
    if (!transcript) return;
    document.getElementById('nothing-said')?.remove();
    for (const { key, html } of blocks) {
      const block = elementOf(html);
      if (!block) continue;
      showLocalTimes(block);
      const before = document.getElementById(key);
      if (before) sync(before, block);
      else transcript.append(block);
    }
    while (transcript.childElementCount > MOST_BLOCKS) transcript.firstElementChild?.remove();
    if (follows?.checked) transcript.lastElementChild?.scrollIntoView({ block: 'nearest' });
  };
  const connect = () => {
    const source = new EventSource(`/runs/${run}/live?cursor=${encodeURIComponent(cursor)}`);
    const on = <Told>(event: string, take: (told: Told) => void) =>
      source.addEventListener(event, (message: MessageEvent<string>) => {
        if (message.lastEventId !== '') cursor = message.lastEventId;
        tellFresh();
        take(JSON.parse(message.data) as Told);
      });
    on<readonly ToldBlock[]>('blocks', show);
    on('lines', () => viewer.grow());
    on<{ html: string; state: string; agent: string }>('head', ({ html, state, agent }) => {
      const [old, now] = [document.getElementById('head'), elementOf(html)];
      document.title = `${agent}: ${state} · agentpool`;
      if (!old || !now || isSelectingWithin(old)) return;
      showLocalTimes(now);
      sync(old, now);
    });
    on('end', () => {
      source.close();
      viewer.end();
      follows?.parentElement?.setAttribute('hidden', '');
    });
    source.onerror = () => {
      source.close();
      tellStale();
      setTimeout(connect, AGAIN_MS);
    };
  };
  connect();
}

function isSelectingWithin(element: Element): boolean {
  const selection = getSelection();
  return selection !== null && !selection.isCollapsed && element.contains(selection.anchorNode);
}
