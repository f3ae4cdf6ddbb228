/** The style of our own pages. Text has a contrast of at least 4.5 to what is behind it, light and dark. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --paper: #f6f7f9; --card: #fff; --ink: #1b2027; --dim: #596270; --line: #e1e5ea; --hover: #f3f6fa; --link: #0b5cad;
  --good: #17753f; --bad: #b42318; --busy: #1460b0; --warn: #8a5700; --off: #6b3fa0;
  --add: #dff3e6; --del: #fbe3e0; --mark: #dbe9f8; --note: #fff7e8; --note-line: #e6c988; --error: #fef1ef; --error-line: #efb8b1;
  --mono: ui-monospace, SFMono-Regular, Menlo, Consolas, monospace;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #12151a; --card: #1a1e25; --ink: #e4e7eb; --dim: #9ba5b2; --line: #2a303a; --hover: #20262f; --link: #7db9f5;
    --good: #5ac98e; --bad: #f58579; --busy: #76b6f4; --warn: #e2b355; --off: #bb9bea;
    --add: #16321f; --del: #3a1f1d; --mark: #1d3148; --note: #2a2313; --note-line: #5c4a1d; --error: #2d1a19; --error-line: #693430;
  }
}
* { box-sizing: border-box }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif; -webkit-text-size-adjust: 100% }
body > header, main, body > footer { max-width: 78rem; margin: 0 auto; padding: 0 1.25rem }
a { color: var(--link); text-decoration: none }
a:hover, main p a, dd a:not(.label), .say a { text-decoration: underline }
:focus-visible, input:focus-within { outline: 2px solid var(--link); outline-offset: 2px; border-radius: 4px }
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
#outcome > .notice { margin-bottom: .8rem }

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

.workers { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(26rem, 100%), 1fr)); gap: 1rem }
.worker { padding: .9rem }
.worker .facts { padding: .5rem 0 }
.worker > p { margin: .3rem 0 }
.why { color: var(--warn) }
.chips { list-style: none; display: flex; flex-wrap: wrap; gap: .35rem; margin: .4rem 0 0; padding: 0 }
progress { width: 8rem; height: .55rem; accent-color: var(--busy); vertical-align: middle }
.choice { display: flex; gap: .7rem; color: var(--dim) }
.choice a[aria-current] { color: var(--ink); font-weight: 600 }
.sum { font-size: 1.05rem }
.chart { padding: .9rem }
.chart svg { width: 100%; height: 9rem; display: block }
.chart p { margin: .5rem 0 0; display: flex; gap: 1rem }
#recent { margin-bottom: 1.4rem }
#recent .chart { padding: .7rem .9rem .55rem }
#recent svg { height: 3.2rem; border-bottom: 1px solid var(--line) }
#recent p { flex-wrap: wrap; gap: .2rem .9rem; font-size: .84rem }
#recent a { margin-left: auto; white-space: nowrap }
.chart .is-done { fill: var(--good) } .chart .is-failed { fill: var(--bad) } .chart .is-other { fill: var(--dim) }
.chart .hover { fill: transparent } .chart g:hover .hover { fill: var(--hover) }
td.wide pre { white-space: pre-wrap }
.filters { display: flex; flex-wrap: wrap; gap: .5rem .6rem; align-items: end; margin-bottom: 1.1rem }
.filters label { display: grid; gap: .15rem; font-size: .8rem; color: var(--dim); flex: 1 1 8rem; min-width: 6.5rem }
.filters label:first-child { flex: 2 1 14rem }
.filters input, .filters select { width: 100%; height: 2.1rem; color: var(--ink); padding: .2rem .6rem }
.filters button { height: 2.1rem }
.filters a { padding-bottom: .4rem }
.filters #more-filters, .filters .more { display: none }
.tick { padding-right: 0 }
.remark { color: var(--warn) }
.bulk { display: flex; flex-wrap: wrap; gap: .5rem .8rem; align-items: center; margin-top: .6rem; color: var(--dim); font-size: .87rem }
.action > .asked { position: absolute; z-index: 2; width: min(20rem, 86vw); bottom: 100%; margin-bottom: .4rem; padding: .8rem .9rem; background: var(--card); color: var(--ink); border: 1px solid var(--line); border-radius: 10px; box-shadow: 0 8px 24px #0003 }
.asked p { margin: 0 0 .6rem }
.pages { display: flex; gap: 1.2rem; margin-top: .7rem }
.title .actions { margin-left: auto; display: flex; gap: .5rem }
button, .action > summary, .bar input, .action input, textarea, select, .filters input { font: inherit; font-size: .9rem; color: inherit; background: var(--card); border: 1px solid var(--line); border-radius: 7px; padding: .25rem .7rem }
button, .action > summary { cursor: pointer }
button:hover, .action > summary:hover { border-color: var(--dim) }
button.danger { color: var(--bad); border-color: var(--error-line) }
.action { position: relative }
.action > summary { list-style: none }
.action > summary::-webkit-details-marker { display: none }
.action[open] > form { position: absolute; right: 0; z-index: 2; width: min(24rem, 86vw); margin-top: .4rem; padding: .8rem .9rem; background: var(--card); border: 1px solid var(--line); border-radius: 10px; box-shadow: 0 8px 24px #0003; display: grid; gap: .6rem }
.action form p { margin: 0; color: var(--dim); font-size: .9rem }
.action label { display: grid; gap: .2rem; font-size: .87rem }
textarea { resize: vertical; width: 100% }
.label { display: inline-block; font: .82em/1.5 var(--mono); border: 1px solid var(--line); border-radius: 999px; padding: 0 .55rem; color: inherit }
.timeline { list-style: none; display: flex; flex-wrap: wrap; gap: .3rem .5rem; margin: .7rem 0 0; padding: 0 .3rem; font-size: .87rem; color: var(--dim) }
.timeline li { display: flex; gap: .4rem; align-items: baseline }
.timeline li:not(:last-child)::after { content: "→"; margin-left: .1rem; color: var(--dim) }
.timeline small { font-size: .92em; font-variant-numeric: tabular-nums }
.files { margin: .5rem 0 0; padding-left: 1.2rem }
pre.prompt { max-height: 14rem }
.toggle, .bar label { display: inline-flex; gap: .35rem; align-items: center; color: var(--dim); font-size: .87rem }
[hidden] { display: none !important }
.more { margin: .4rem 0; font-size: .9rem; color: var(--dim) }

#transcript { padding: .5rem 0 }
.block { display: grid; grid-template-columns: 4rem minmax(0, 1fr); padding: .16rem .9rem .16rem 0 }
.block.under .what { padding-left: 1rem; border-left: 2px solid var(--line) }
.block:target { background: var(--note) }
.block .at { text-align: right; padding-right: .9rem; color: var(--dim); font: 12px/1.75rem var(--mono); font-variant-numeric: tabular-nums }
.what > p { margin: .15rem 0 }
.what pre { max-height: 24rem; border: 1px solid var(--line); border-radius: 8px; background: var(--paper); margin: .35rem 0; padding: .55rem .7rem; font-size: 12.5px }
.say { line-height: 1.55 }
.card.say { padding: .5rem .9rem }
.say > * { margin: .35rem 0 }
.say > :first-child { margin-top: .1rem }
.say .h { font-weight: 650 }
.say code { background: var(--paper); border-radius: 4px; padding: .05rem .3rem }
.say pre code { background: none; padding: 0 }
.say blockquote { border-left: 3px solid var(--line); margin-left: 0; padding-left: .8rem; color: var(--dim) }
.say ul, .say ol { padding-left: 1.4rem }
.say table { width: auto; font-size: .93em }
.say th, .say td { padding: .2rem .6rem; border: 1px solid var(--line); white-space: normal }
summary { cursor: pointer; overflow-wrap: anywhere }
.think, .quiet, .usage { color: var(--dim); font-size: .92rem }
.think p { margin: .3rem 0; white-space: pre-wrap }
.call code { color: var(--dim); overflow-wrap: anywhere }
.tool { font: 600 .87em/1.6 var(--mono); color: var(--busy) }
.tool.execute, .tool.delete { color: var(--off) }
.tool.edit, .tool.move { color: var(--good) }
.result { font-size: .92rem }
.result span { font-family: var(--mono); font-size: .92em; color: var(--dim); overflow-wrap: anywhere }
.result small { color: var(--dim) }
p.result::before { content: "└ "; color: var(--dim) }
.result.failed span { color: var(--bad) }
.what .error { color: var(--bad) }
.what .warning { color: var(--warn) }
.file summary, p.file { font: .87em/1.6 var(--mono); color: var(--good) }
.patch i { font-style: normal; display: block }
.patch .add { background: var(--add) }
.patch .del { background: var(--del) }
.patch .hunk { color: var(--dim) }
pre.raw { border: 0; background: none; padding: 0; color: var(--dim) }
pre.raw.stderr { color: var(--warn) }

.bar { display: flex; flex-wrap: wrap; gap: .45rem .6rem; align-items: center; padding: .5rem .7rem; border-bottom: 1px solid var(--line); font-size: .87rem }
.bar input[type=search] { width: 15rem }
.bar input[name=line] { width: 7rem }
.bar > label { margin-left: auto }
.scroller { height: 34rem; overflow: auto; position: relative; font: 13px/20px var(--mono) }
.rows { line-height: 20px; position: absolute; top: 0; left: 0; min-width: 100%; width: max-content }
.row { height: 20px; white-space: pre; display: flex }
.row a { position: sticky; left: 0; flex: none; width: 5.2rem; padding-right: .8rem; text-align: right; color: var(--dim); background: var(--card); user-select: none }
.row span { padding-right: 1rem }
.row.stderr a { box-shadow: inset 3px 0 var(--warn) }
.row.found { background: var(--note) }
.row.marked, .row.marked a { background: var(--mark) }
.bold { font-weight: 700 } .faint { color: var(--dim) } .italic { font-style: italic } .under { text-decoration: underline } .struck { text-decoration: line-through } .reverse { background: var(--ink); color: var(--card) }
.ink0 { color: var(--dim) } .ink1, .ink9 { color: var(--bad) } .ink2, .ink10 { color: var(--good) } .ink3, .ink11 { color: var(--warn) } .ink4, .ink12 { color: var(--busy) } .ink5, .ink13 { color: var(--off) } .ink6, .ink14 { color: var(--link) } .ink8 { color: var(--dim) }
.paper1, .paper9 { background: var(--del) } .paper2, .paper10 { background: var(--add) } .paper3, .paper11 { background: var(--note) } .paper4, .paper12 { background: var(--mark) } .paper5, .paper13 { background: var(--mark) } .paper6, .paper14 { background: var(--mark) } .paper0, .paper7, .paper8, .paper15 { background: var(--line) }

@media (max-width: 72rem) { .two { grid-template-columns: minmax(0, 1fr) } }
@media (max-width: 46rem) {
  .second, .wide, .slots { display: none }
  th[data-about]::after { content: attr(data-about); display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 2; overflow: hidden; font-weight: 400; font-size: .84rem; color: var(--dim) }
  body > header, main, body > footer { padding-left: .8rem; padding-right: .8rem }
  th, td, .two th, .two td { padding: .45rem .6rem }
  tbody th { white-space: normal; overflow-wrap: anywhere }
  .tiles { grid-template-columns: repeat(3, minmax(0, 1fr)) }
  .facts { grid-template-columns: repeat(auto-fill, minmax(9rem, 1fr)) }
  .block { grid-template-columns: 3.2rem minmax(0, 1fr) }
  .block .at { padding-right: .5rem }
  .row a { width: 3.6rem; padding-right: .5rem }
  .title .actions { margin-left: 0 }
  .action[open] > form { right: auto; left: 0 }
  body > header { flex-wrap: wrap; gap: .3rem 1.2rem }
  .bar input[type=search] { width: 100% }
  .filters label:first-child { flex-basis: 100% }
  .filters #more-filters { display: block; width: 1.1rem; height: 1.1rem; margin: .5rem 0 }
  .filters .more { display: block; flex: 1; padding: .5rem 0; font-size: .87rem }
  .filters button { order: 1; margin-left: auto }
  .filters a { order: 1 }
  .filters #more-filters:not(:checked) ~ .further { display: none }
}
`;
