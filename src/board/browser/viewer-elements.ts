/** Makes the elements of the viewer within its card. */
export function buildViewer(card: HTMLElement, isLive: boolean, follows: boolean) {
  const make = <Name extends keyof HTMLElementTagNameMap>(
    name: Name,
    attributes: Readonly<Record<string, string>> = {},
    ...children: (Node | string)[]
  ): HTMLElementTagNameMap[Name] => {
    const element = document.createElement(name);
    for (const [attribute, value] of Object.entries(attributes)) element.setAttribute(attribute, value);
    element.append(...children);
    return element;
  };
  const follow = make('input', { type: 'checkbox', id: 'follow' });
  follow.checked = follows;
  const search = make('input', { type: 'search', placeholder: 'Search all of it', 'aria-label': 'Search the output' });
  const next = make('button', {}, 'Next');
  const status = make('span', { role: 'status', class: 'dim' });
  const line = make('input', {
    name: 'line',
    inputmode: 'numeric',
    placeholder: 'Line or 20-30',
    'aria-label': 'Go to a line, or to lines such as 20-30',
    autocomplete: 'off',
  });
  const jump = make('input', { type: 'datetime-local', step: '1', 'aria-label': 'Jump to a time' });
  const copy = make('button', { type: 'button', title: 'Copy the address of what is marked' }, 'Copy link');
  const count = make('span', { class: 'dim' });
  const label = make('label', {}, follow, ' follow');
  if (!isLive) label.hidden = true;
  const bar = make('form', { class: 'bar', id: 'output-bar' }, search, next, status, line, jump, copy, count, label);
  const rows = make('div', { class: 'rows' });
  const space = make('div', { class: 'space' }, rows);
  const scroller = make(
    'div',
    { id: 'output', class: 'scroller', tabindex: '0', role: 'group', 'aria-label': 'Output' },
    space,
  );
  card.replaceChildren(bar, scroller);
  // Of what the page was sent with; the count of lines says more.
  document.getElementById('output-size')?.setAttribute('hidden', '');
  return { bar, scroller, space, rows, follow, search, status, line, jump, copy, count };
}
export type ViewerElements = ReturnType<typeof buildViewer>;
