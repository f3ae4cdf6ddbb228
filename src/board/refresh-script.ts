/**
 * What keeps a page up to date in the browser: it fetches the page again and changes only what differs, so focus,
 * scrolling and selection stay where they are. It runs while the body has `data-refresh-ms`, and rests while nobody
 * looks. Rows with an id are matched by it.
 */
export const REFRESH_SCRIPT = `
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const seen = () => new Promise((resolve) => document.addEventListener('visibilitychange', resolve, { once: true }));
const output = () => document.getElementById('output');
const toEnd = () => output()?.scrollTo({ top: output().scrollHeight });
const format = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });

function localTimes(page) {
  for (const time of page.querySelectorAll('time')) time.title = format.format(new Date(time.dateTime));
}
function sync(old, now) {
  if (old.nodeType !== now.nodeType || old.nodeName !== now.nodeName) return old.replaceWith(now);
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.data !== now.data) old.data = now.data;
    return;
  }
  for (const { name } of [...old.attributes]) if (!now.hasAttribute(name)) old.removeAttribute(name);
  for (const { name, value } of now.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  let at = old.firstChild;
  for (const child of [...now.childNodes]) {
    const same = child.id ? [...old.children].find(({ id }) => id === child.id) : at && !at.id ? at : undefined;
    if (!same) {
      old.insertBefore(child, at);
      continue;
    }
    if (same === at) at = at.nextSibling;
    else old.insertBefore(same, at);
    sync(same, child);
  }
  while (at) {
    const rest = at.nextSibling;
    at.remove();
    at = rest;
  }
}
async function refresh() {
  const answer = await fetch(location.href, { signal: AbortSignal.timeout(10000) });
  if (!answer.ok) throw new Error('HTTP ' + answer.status);
  const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
  if (!getSelection().isCollapsed) return;
  localTimes(page);
  const pre = output();
  const follows = pre && pre.scrollHeight - pre.scrollTop - pre.clientHeight < 24;
  document.title = page.title;
  sync(document.body, page.body);
  if (follows) toEnd();
}
localTimes(document);
toEnd();
for (let since; document.body.dataset.refreshMs; ) {
  await pause(Number(document.body.dataset.refreshMs));
  if (document.hidden) await seen();
  try {
    await refresh();
    since = undefined;
  } catch {
    since ??= format.format(new Date());
    const stale = document.getElementById('stale');
    stale.textContent = 'No answer since ' + since + '. What you see is older; trying again.';
    stale.hidden = false;
  }
}
`;
