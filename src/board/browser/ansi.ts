/** What a terminal is told about the words that follow. */
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

/** One of the 256 colours: 16 by name, a cube, and greys. */
function colourOf(index: number): string {
  const level = (step: number) => (step === 0 ? 0 : 55 + 40 * step);
  if (index >= 232) return `rgb(${[1, 2, 3].map(() => 8 + 10 * (index - 232)).join(' ')})`;
  const at = index - 16;
  return `rgb(${[Math.floor(at / 36), Math.floor(at / 6) % 6, at % 6].map(level).join(' ')})`;
}

/** The style after a sequence. */
function after(style: Style, parameters: string): Style {
  const codes = parameters.split(/[;:]/).map(Number);
  let { classes, ink, paper } = style;
  const setColour = (isInk: boolean, name: string | undefined, value: string | undefined) => {
    classes = without(classes, (one) => one.startsWith(isInk ? 'ink' : 'paper'));
    if (name !== undefined) classes = new Set([...classes, name]);
    if (isInk) ink = value;
    else paper = value;
  };
  for (let at = 0; at < codes.length; at += 1) {
    const code = codes[at] ?? 0;
    const isInk = code % 100 < 40 || (code >= 90 && code < 100);
    if (code === 0) [classes, ink, paper] = [PLAIN.classes, undefined, undefined];
    else if (FLAGS[code]) classes = new Set([...classes, FLAGS[code]]);
    else if (OFF[code]) classes = without(classes, (name) => OFF[code]?.includes(name) ?? false);
    else if (code === 39 || code === 49) setColour(code === 39, undefined, undefined);
    else if ((code >= 30 && code < 38) || (code >= 40 && code < 48))
      setColour(isInk, `${isInk ? 'ink' : 'paper'}${code % 10}`, undefined);
    else if ((code >= 90 && code < 98) || (code >= 100 && code < 108))
      setColour(isInk, `${isInk ? 'ink' : 'paper'}${(code % 10) + 8}`, undefined);
    else if (code === 38 || code === 48) {
      const index = codes[at + 2] ?? 0;
      const prefix = code === 38 ? 'ink' : 'paper';
      if (codes[at + 1] === 5) {
        setColour(code === 38, index < 16 ? `${prefix}${index}` : undefined, index < 16 ? undefined : colourOf(index));
        at += 2;
      } else {
        setColour(
          code === 38,
          undefined,
          `rgb(${codes
            .slice(at + 2, at + 5)
            .map((part) => part || 0)
            .join(' ')})`,
        );
        at += 4;
      }
    }
  }
  return { classes, ...(ink !== undefined && { ink }), ...(paper !== undefined && { paper }) };
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
