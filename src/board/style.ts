/** The style of our own pages. Text has a contrast of at least 4.5 to what is behind it, light and dark. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --paper: #f6f7f9; --card: #fff; --ink: #1b2027; --dim: #596270; --line: #e1e5ea; --hover: #f3f6fa; --link: #0b5cad;
  --good: #17753f; --bad: #b42318; --busy: #1460b0; --warn: #8a5700; --off: #6b3fa0;
  --note: #fff7e8; --note-line: #e6c988; --error: #fef1ef; --error-line: #efb8b1;
  --mono: ui-monospace, SFMono-Regular, Menlo, Consolas, monospace;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #12151a; --card: #1a1e25; --ink: #e4e7eb; --dim: #9ba5b2; --line: #2a303a; --hover: #20262f; --link: #7db9f5;
    --good: #5ac98e; --bad: #f58579; --busy: #76b6f4; --warn: #e2b355; --off: #bb9bea;
    --note: #2a2313; --note-line: #5c4a1d; --error: #2d1a19; --error-line: #693430;
  }
}
* { box-sizing: border-box }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif; -webkit-text-size-adjust: 100% }
body > header, main, body > footer { max-width: 78rem; margin: 0 auto; padding: 0 1.25rem }
a { color: var(--link); text-decoration: none }
a:hover { text-decoration: underline }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; border-radius: 4px }
h1 { font-size: 1.4rem; letter-spacing: -.015em; margin: 0; overflow-wrap: anywhere }
h2 { font-size: 1rem; font-weight: 600; margin: 0 }
code { font: .87em/1.5 var(--mono) }
section { margin-bottom: 1.75rem }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap }
.dim, .zero { color: var(--dim) }

body > header { display: flex; align-items: center; gap: 1.5rem; padding-top: 1.1rem; padding-bottom: 1.1rem }
body > footer { display: flex; flex-wrap: wrap; gap: .2rem 1.25rem; padding-bottom: 2rem; color: var(--dim); font-size: .84rem }
.brand { display: flex; align-items: center; gap: .55rem; font-weight: 650; font-size: 1.1rem; letter-spacing: -.01em; color: var(--ink) }
.brand svg { width: 1.5rem; height: 1.5rem }
header nav { display: flex; gap: 1.1rem }
header nav a { color: var(--dim); padding: .15rem 0 }
header nav a[aria-current] { color: var(--ink); box-shadow: 0 2px var(--link) }
header a:hover { color: var(--ink); text-decoration: none }
#stale { position: sticky; top: 0; z-index: 1; margin: 0; padding: .5rem 1.25rem; text-align: center; background: var(--error); color: var(--bad); border-bottom: 1px solid var(--error-line) }

.card { background: var(--card); border: 1px solid var(--line); border-radius: 10px; overflow-x: auto }
.head { display: flex; flex-wrap: wrap; align-items: baseline; gap: .3rem .75rem; margin-bottom: .5rem }
.head p { margin: 0; color: var(--dim); font-size: .87rem }
.none { color: var(--dim); padding: .9rem; margin: 0 }
.two { display: grid; grid-template-columns: minmax(0, 9fr) minmax(0, 11fr); gap: 0 1.25rem }
.two th, .two td { padding: .45rem .65rem }

.notice, .notices { background: var(--note); border: 1px solid var(--note-line); border-radius: 10px; overflow-wrap: anywhere }
.notice { padding: .55rem .9rem }
.notice.error { background: var(--error); border-color: var(--error-line) }
.notices { list-style: none; margin: 0; padding: .3rem 0 }
.notices li { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 0 1.5rem; padding: .3rem .9rem }
.notice p, .notices p { margin: 0 }
.notice p + p, .notices p + p { color: var(--dim); font-size: .9rem }
main > .notice { margin-bottom: 1.25rem }

.tiles { list-style: none; margin: 0 0 1.75rem; padding: 0; display: grid; grid-template-columns: repeat(auto-fit, minmax(6.6rem, 1fr)); gap: .6rem }
.tiles a { display: block; background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: .55rem .85rem .6rem; color: inherit }
.tiles a:hover { text-decoration: none; border-color: var(--dim) }
.tiles a[aria-current] { border-color: var(--link); box-shadow: inset 0 0 0 1px var(--link) }
.tiles b { display: block; font-size: 1.55rem; line-height: 1.2; font-weight: 600; letter-spacing: -.02em; font-variant-numeric: tabular-nums }
.tiles .zero b { font-weight: 400 }

table { border-collapse: collapse; width: 100% }
th, td { padding: .45rem .9rem; border-bottom: 1px solid var(--line); white-space: nowrap }
th { text-align: left; font-weight: 500; color: var(--dim); font-size: .84rem }
tbody th { font-size: 1em; color: inherit }
tbody tr:last-child > * { border-bottom: 0 }
tbody tr:hover { background: var(--hover) }
.n { text-align: right; font-variant-numeric: tabular-nums }
td.wide { width: 99%; max-width: 1px; overflow: hidden; text-overflow: ellipsis; color: var(--dim) }

.state { display: inline-flex; align-items: center; gap: .5rem; font-size: .93rem; white-space: nowrap }
.state::before { content: ""; width: .55rem; height: .55rem; border-radius: 50%; background: currentColor; flex: none }
.done, .ready { color: var(--good) }
.failed, .silent, .unhealthy { color: var(--bad) }
.running, .stopping { color: var(--busy) }
.timed_out, .orphaned { color: var(--warn) }
.killed, .left { color: var(--off) }
.queued { color: var(--dim) }
.queued::before, .killed::before { background: none; box-shadow: inset 0 0 0 2px currentColor }
.slots { letter-spacing: .12em; color: var(--busy); margin-right: .4rem }
.slots i { font-style: normal; color: var(--dim) }
@media (prefers-reduced-motion: no-preference) {
  .running::before { animation: beat 2s ease-in-out infinite }
  @keyframes beat { 50% { opacity: .35 } }
}

.title { display: flex; flex-wrap: wrap; align-items: center; gap: .3rem 1rem; margin: .2rem 0 1.25rem }
.facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(13.5rem, 1fr)); gap: .8rem 1.25rem; margin: 0; padding: .9rem }
.facts dt { color: var(--dim); font-size: .84rem }
.facts dd { margin: 0; overflow-wrap: anywhere }
pre { margin: 0; padding: .8rem .9rem; max-height: 34rem; overflow: auto; white-space: pre-wrap; overflow-wrap: anywhere; font: 13px/1.55 var(--mono) }

@media (max-width: 72rem) { .two { grid-template-columns: minmax(0, 1fr) } }
@media (max-width: 46rem) {
  .second, .wide, .slots { display: none }
  body > header, main, body > footer { padding-left: .8rem; padding-right: .8rem }
  th, td, .two th, .two td { padding: .45rem .6rem }
  tbody th { white-space: normal; overflow-wrap: anywhere }
  .tiles { grid-template-columns: repeat(3, minmax(0, 1fr)) }
  .facts { grid-template-columns: repeat(auto-fill, minmax(9rem, 1fr)) }
}
`;
