/** The style that escape sequences set for the text that follows. */
interface Style {
  readonly classes: ReadonlySet<string>;
  /** A colour of the 256, or of all: as CSS has it. */
  readonly ink?: string;
  readonly paper?: string;
}

const PLAIN: Style = { classes: new Set() };
// biome-ignore lint/suspicious/noControlCharactersInRegex: colours and styles (SGR)
const SEQUENCE = /\x1b\[([0-9;:]*)m/;
const FLAGS: Readonly<Record<number, string>> = {
  1: 'bold',
  2: 'faint',
  3: 'italic',
  4: 'under',
  7: 'reverse',
  9: 'struck',
};
const OFF: Readonly<Record<number, readonly string[]>> = {
  22: ['bold', 'faint'],
  23: ['italic'],
  24: ['under'],
  27: ['reverse'],
  29: ['struck'],
};

const without = (classes: ReadonlySet<string>, gone: (name: string) => boolean) =>
  new Set([...classes].filter((name) => !gone(name)));

/** One of the 256 colours beyond the first 16, which have names: a cube, and greys. */
function colourOf(index: number): string {
  const level = (step: number) => (step === 0 ? 0 : 55 + 40 * step);
  if (index >= 232) return rgb([1, 2, 3].map(() => 8 + 10 * (index - 232)));
  const at = index - 16;
  return rgb([Math.floor(at / 36), Math.floor(at / 6) % 6, at % 6].map(level));
}
const rgb = (parts: readonly number[]) => `rgb(${parts.map((part) => part || 0).join(' ')})`;

/** The style with another text colour (`ink`) or background; without one, with the default colour. */
function coloured(style: Style, layer: 'ink' | 'paper', { name, value }: { name?: number; value?: string }): Style {
  const { [layer]: _, ...rest } = style;
  const others = without(style.classes, (one) => one.startsWith(layer));
  const classes = name === undefined ? others : new Set([...others, `${layer}${name}`]);
  return { ...rest, classes, ...(value !== undefined && { [layer]: value }) };
}

/** One of the 256 (5, then its number) or one of all colours (2, then red, green and blue, the last three). */
function extended([kind, ...values]: readonly number[]): { name?: number; value?: string } {
  if (kind !== 5) return { value: rgb(values.slice(-3)) };
  const index = values[0] || 0;
  return index < 16 ? { name: index } : { value: colourOf(index) };
}

/** The style after one code that needs no others. */
function afterCode(style: Style, code: number): Style {
  const { classes } = style;
  const flag = FLAGS[code];
  const off = OFF[code];
  if (code === 0) return PLAIN;
  if (flag) return { ...style, classes: new Set([...classes, flag]) };
  if (off) return { ...style, classes: without(classes, (name) => off.includes(name)) };
  const layer = code < 40 || (code >= 90 && code < 100) ? 'ink' : 'paper';
  if (code === 39 || code === 49) return coloured(style, layer, {});
  if (code >= 30 && code < 48) return coloured(style, layer, { name: code % 10 });
  return code >= 90 && code < 108 && code % 10 < 8 ? coloured(style, layer, { name: (code % 10) + 8 }) : style;
}

/** The style after a sequence. */
function after(style: Style, parameters: string): Style {
  const parts = parameters.split(';').map((part) => part.split(':').map(Number));
  let now = style;
  for (let at = 0; at < parts.length; at += 1) {
    const [code = 0, ...own] = parts[at] ?? [];
    if (code !== 38 && code !== 48) {
      now = afterCode(now, code);
      continue;
    }
    // What belongs to it is in the same part, between colons, or in the next ones.
    const following = parts.slice(at + 1, at + 5).map(([first = 0]) => first);
    const used = following[0] === 5 ? 2 : 4;
    now = coloured(now, code === 38 ? 'ink' : 'paper', extended(own.length > 0 ? own : following.slice(0, used)));
    if (own.length === 0) at += used;
  }
  return now;
}

/** A line with its colours and styles, as nodes. */
export function styledText(text: string): Node[] {
  let style = PLAIN;
  return text.split(SEQUENCE).flatMap((part, at): Node[] => {
    if (at % 2 === 1) {
      style = after(style, part);
      return [];
    }
    if (part === '') return [];
    if (style.classes.size === 0 && !style.ink && !style.paper) return [document.createTextNode(part)];
    const span = document.createElement('span');
    span.className = [...style.classes].join(' ');
    if (style.ink) span.style.color = style.ink;
    if (style.paper) span.style.backgroundColor = style.paper;
    span.textContent = part;
    return [span];
  });
}
