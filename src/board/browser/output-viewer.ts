import { styledText } from './ansi.js';
import { hashOf, type LineRange, rangeIn } from './line-range.js';
import { createLineStore, type Line } from './line-store.js';
import { createLineWindow } from './line-window.js';
import { inLocalWords } from './local-times.js';
import { createSearch } from './output-search.js';
import { buildViewer, type ViewerElements } from './viewer-elements.js';

const inWords = (lines: number) =>
  lines === 0 ? 'nothing printed so far' : `${lines.toLocaleString()} ${lines === 1 ? 'line' : 'lines'}`;

/** Shows the output of a run, however long it is. */
export interface Viewer {
  /** There is more at the end. */
  grow(): void;
  /** There will be no more. */
  end(): void;
}

/** Takes the place of the end of the output that the page was sent with. */
export function openViewer(run: string, card: HTMLElement): Viewer {
  let goesOn = card.dataset.live === 'yes';
  let marked = rangeIn(location.hash);
  const elements = buildViewer(card, goesOn, goesOn && !marked);
  const { scroller, space, rows, follow, status, count } = elements;
  const lines = createLineWindow(scroller, space, rows);
  const draw = () => {
    if (isSelectedIn(scroller)) return;
    lines.resize(store.total);
    card.dataset.lines = String(store.total);
    count.textContent = inWords(store.total);
    if (follow.checked) lines.toEnd();
    const { first, end } = lines.seen();
    const drawn: Node[] = [];
    for (let number = first; number < end; number += 1) {
      const row = rowOf(number, store.line(number), number < store.firstKept);
      if (search.has(number)) row.classList.add('found');
      if (marked && number >= marked.from && number <= marked.to) row.classList.add('marked');
      drawn.push(row);
    }
    rows.replaceChildren(...drawn);
    lines.place(first);
  };
  const show = (number: number) => {
    follow.checked = false;
    lines.resize(store.total);
    lines.show(number);
    draw();
  };
  const store = createLineStore(run, draw);
  const words = (text: string) => {
    status.textContent = text;
    draw();
  };
  const search = createSearch(run, words, show);
  const showMarked = async () => {
    marked = rangeIn(location.hash);
    if (!marked) return draw();
    await store.ask(marked.from);
    card.scrollIntoView({ block: 'nearest' });
    show(marked.from);
  };
  const grow = inTurn(async () => {
    await store.askEnd();
    draw();
  });

  listen(elements, run, search, draw, () => marked);
  onMoves(scroller, {
    scrolled() {
      if (goesOn && !lines.isAtEnd()) follow.checked = false;
      draw();
    },
    addressed: () => void showMarked(),
    selected: () => void (goesOn && draw()),
    resized() {
      lines.measure();
      draw();
    },
  });
  if (marked) void showMarked();
  else if (follow.checked) grow();
  else void store.ask(1);
  return {
    grow,
    end() {
      goesOn = false;
      follow.parentElement?.setAttribute('hidden', '');
      grow();
    },
  };
}

/** Whether the viewer has selected something there; redrawing would remove the selection. */
function isSelectedIn(element: HTMLElement): boolean {
  const selection = getSelection();
  return selection !== null && !selection.isCollapsed && element.contains(selection.anchorNode);
}

/** What a person does with the lines, the address and the window. */
function onMoves(
  scroller: HTMLElement,
  moves: Readonly<Record<'scrolled' | 'addressed' | 'selected' | 'resized', () => void>>,
): void {
  scroller.addEventListener('scroll', moves.scrolled);
  addEventListener('hashchange', moves.addressed);
  document.addEventListener('selectionchange', moves.selected);
  new ResizeObserver(moves.resized).observe(scroller);
}

/** Does something again when it was asked for meanwhile, never twice at once. */
function inTurn(act: () => Promise<void>): () => void {
  let again = false;
  let busy = false;
  return () => {
    again = true;
    if (busy) return;
    busy = true;
    void (async () => {
      while (again) {
        again = false;
        await act();
      }
      busy = false;
    })();
  };
}

/** What a person does with the bar above the lines. */
function listen(
  { bar, rows, follow, search: input, line, jump, copy }: ViewerElements,
  run: string,
  search: ReturnType<typeof createSearch>,
  draw: () => void,
  markedNow: () => LineRange | undefined,
): void {
  follow.addEventListener('change', draw);
  bar.addEventListener('submit', (event) => {
    event.preventDefault();
    if (document.activeElement !== line) return void search.next(input.value);
    const wanted = rangeIn(`#L${line.value.replaceAll(/[\sL#]/gi, '')}`);
    if (wanted) location.hash = hashOf(wanted);
  });
  input.addEventListener('input', () => search.restart());
  jump.addEventListener('change', async () => {
    const at = new Date(jump.value).getTime();
    if (Number.isNaN(at)) return;
    const answer = await fetch(`/runs/${run}/lines?time=${at}`);
    if (answer.ok) location.hash = `#L${((await answer.json()) as { line: number }).line}`;
  });
  copy.addEventListener('click', () => void navigator.clipboard?.writeText(location.href));
  rows.addEventListener('click', (event) => {
    const link = (event.target as Element).closest('a');
    const marked = markedNow();
    if (!link || !event.shiftKey || !marked) return;
    event.preventDefault();
    const number = Number(link.hash.slice(2));
    location.hash = hashOf({ from: Math.min(marked.from, number), to: Math.max(marked.from, number) });
  });
}

function rowOf(number: number, line: Line | undefined, isGone: boolean): HTMLElement {
  const row = document.createElement('div');
  row.className = `row ${line?.stream ?? ''}`;
  const link = document.createElement('a');
  link.href = `#L${number}`;
  link.textContent = String(number);
  link.tabIndex = -1;
  const text = document.createElement('span');
  if (line) {
    link.title = `${inLocalWords(line.at)}, ${line.stream}`;
    text.append(...styledText(line.text));
    if (line.cut) text.append('… the download has the rest of this line');
  } else if (isGone) text.append('not kept any more (AGENTPOOL_MAX_OUTPUT_BYTES)');
  row.append(link, text);
  return row;
}
