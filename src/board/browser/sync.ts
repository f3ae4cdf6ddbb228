/** What a person has changed of an element stays: a fold that is open or closed, a tick. */
const OF_THE_PERSON = new Set(['open', 'checked', 'hidden']);

/**
 * Changes only what differs between an element and its new form, so focus, scrolling and selection stay where they are.
 * Children with an id are matched by it.
 */
export function sync(old: ChildNode, now: ChildNode): void {
  if (old.nodeType !== now.nodeType || old.nodeName !== now.nodeName) {
    old.replaceWith(now);
    return;
  }
  if (old instanceof CharacterData && now instanceof CharacterData) {
    if (old.data !== now.data) old.data = now.data;
    return;
  }
  if (!(old instanceof Element) || !(now instanceof Element)) return;
  if (old.id === 'viewer' || old.id === 'transcript') return; // who shows them keeps them
  syncAttributes(old, now);
  let at = old.firstChild;
  for (const child of [...now.childNodes]) {
    const id = child instanceof Element ? child.id : '';
    const isPlain = at && !(at instanceof Element && at.id);
    const same = id ? [...old.children].find((one) => one.id === id) : isPlain ? at : undefined;
    if (!same) {
      old.insertBefore(child, at);
      continue;
    }
    if (same === at) at = at.nextSibling;
    else old.insertBefore(same, at);
    sync(same, child);
  }
  while (at) {
    const rest: ChildNode | null = at.nextSibling;
    at.remove();
    at = rest;
  }
}

function syncAttributes(old: Element, now: Element): void {
  for (const { name } of [...old.attributes])
    if (!now.hasAttribute(name) && !OF_THE_PERSON.has(name)) old.removeAttribute(name);
  for (const { name, value } of now.attributes)
    if (old.getAttribute(name) !== value && !OF_THE_PERSON.has(name)) old.setAttribute(name, value);
}
