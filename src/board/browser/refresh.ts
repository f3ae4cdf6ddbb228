import { showLocalTimes } from './local-times.js';
import { tellFresh, tellStale } from './stale.js';
import { sync } from './sync.js';

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const becomesVisible = () =>
  new Promise((resolve) => document.addEventListener('visibilitychange', resolve, { once: true }));

/** Whether a person has stopped the updates. */
const isPaused = () => (document.getElementById('pause') as HTMLInputElement | null)?.checked ?? false;
const isSelecting = () => !(getSelection()?.isCollapsed ?? true);

async function look(): Promise<void> {
  const answer = await fetch(location.href, { signal: AbortSignal.timeout(10_000) });
  if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
  const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
  tellFresh();
  if (isSelecting() || isPaused()) return;
  showLocalTimes(page);
  document.title = page.title;
  sync(document.body, page.body);
}

/** Keeps a page up to date by reloading it, if its body says how often; pauses while the page is hidden. */
export async function keepUpToDate(): Promise<void> {
  while (document.body.dataset.refreshMs) {
    await pause(Number(document.body.dataset.refreshMs));
    if (document.hidden) await becomesVisible();
    if (isPaused()) continue;
    try {
      await look();
    } catch {
      tellStale();
    }
  }
}
