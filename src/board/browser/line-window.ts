/** Browsers know no element that is much higher (px): beyond, the bar of the scroller counts in parts. */
const HIGHEST = 8_000_000;

/** Which of many lines of one height a scroller shows, and where they are drawn. */
export function createLineWindow(scroller: HTMLElement, space: HTMLElement, rows: HTMLElement) {
  let total = 0;
  let rowHeight = 20;
  let isSized = false;
  const visible = () => Math.max(1, Math.ceil(scroller.clientHeight / rowHeight));
  const height = () => Math.min(HIGHEST, Math.max(1, total) * rowHeight);
  const room = () => Math.max(1, height() - scroller.clientHeight);
  const isScaled = () => total * rowHeight > HIGHEST;
  const hidden = () => Math.max(0, total - visible() + 1);
  return {
    /** Looks how high a line is. */
    measure(): void {
      const line = Number.parseFloat(getComputedStyle(rows).lineHeight);
      if (line > 0) rowHeight = line;
      space.style.height = `${height()}px`;
    },
    resize(lines: number): void {
      if (lines === total && isSized) return;
      isSized = true;
      total = lines;
      scroller.style.height = `clamp(4rem, ${(total + 1) * rowHeight}px, 34rem)`;
      space.style.height = `${height()}px`;
    },
    /** The first line that is seen, and the one after the last; from 1. */
    seen(): { first: number; end: number } {
      const above = isScaled()
        ? Math.round((scroller.scrollTop / room()) * hidden())
        : Math.floor(scroller.scrollTop / rowHeight);
      const first = Math.max(0, Math.min(above, total - 1)) + 1;
      return { first, end: Math.min(total + 1, first + visible() + 1) };
    },
    /** Puts the rows where the first line is that is seen. */
    place(first: number): void {
      rows.style.transform = `translateY(${isScaled() ? scroller.scrollTop : (first - 1) * rowHeight}px)`;
    },
    /** Scrolls to a line, a third from the top. */
    show(number: number): void {
      const above = Math.max(0, number - 1 - Math.floor(visible() / 3));
      scroller.scrollTop = isScaled() ? (above / Math.max(1, hidden())) * room() : above * rowHeight;
    },
    toEnd(): void {
      scroller.scrollTop = scroller.scrollHeight;
    },
    isAtEnd: () => scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < rowHeight,
  };
}
