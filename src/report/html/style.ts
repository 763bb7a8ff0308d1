/** The style of the page: no colour carries meaning alone, and text keeps a contrast of 4.5 in both schemes. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --paper: #fdfdfc; --card: #f5f6f4; --ink: #16191d; --muted: #565e69; --rule: #dfe2e0;
  --own: #1551b5; --own-soft: #b9cdf0; --peer: #6d7580; --use: #5f6b7a; --use-soft: #ccd3db;
  --missed: #b23a10; --missed-soft: #f4ddd2; --kept: #17683f; --doubt: #7a5400;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14171b; --card: #1c2026; --ink: #e9ebee; --muted: #a2abb7; --rule: #30363e;
    --own: #86b1ff; --own-soft: #2c4572; --peer: #99a3b0; --use: #a3afbd; --use-soft: #3c4652;
    --missed: #ff9a70; --missed-soft: #4a2a1d; --kept: #6fcf9b; --doubt: #e8bf66;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
  font-variant-numeric: tabular-nums;
}
main, footer { max-width: 1120px; margin: 0 auto; padding: 0 24px; }
h2 { margin: 60px 0 4px; padding-top: 20px; border-top: 2px solid var(--ink); font-size: 26px; line-height: 1.2; letter-spacing: -0.01em; }
h3 { margin: 44px 0 6px; font-size: 18px; line-height: 1.3; }
h4 { margin: 0; font-size: 15px; line-height: 1.35; overflow-wrap: anywhere; }
h4 .note { font-weight: 400; }
figcaption h4 .note { display: inline; margin-left: 6px; }
p { margin: 6px 0 12px; max-width: 72ch; }
header { padding: 44px 0 4px; }
h1 { margin: 10px 0 10px; font-size: 31px; line-height: 1.25; font-weight: 650; letter-spacing: -0.015em; text-wrap: balance; }
.brand { margin: 0; font-size: 15px; font-weight: 600; color: var(--muted); }
.word { white-space: nowrap; }
.kept-word { color: var(--kept); } .missed-word { color: var(--missed); } .doubt-word { color: var(--doubt); }
.muted, .note { color: var(--muted); }
.muted, .note { max-width: none; }
.note { font-size: 14px; }
.reading { margin: 24px 0 0; padding: 16px 20px; background: var(--card); border-radius: 8px; }
.reading h2 { margin: 0 0 4px; padding: 0; border: 0; font-size: 15px; letter-spacing: 0; }
.reading p { margin: 0; max-width: 88ch; font-size: 15px; }
.figures { display: grid; grid-template-columns: repeat(6, minmax(0, 1fr)); gap: 20px 28px; margin: 20px 0 8px; padding: 0; }
.figures div { border-top: 1px solid var(--rule); padding-top: 10px; }
.figures dt { font-size: 13.5px; line-height: 1.35; color: var(--muted); }
.figures dd { margin: 0; font-size: 27px; line-height: 1.25; font-weight: 600; letter-spacing: -0.01em; }
.figures .beside { font-size: 13.5px; line-height: 1.35; font-weight: 400; letter-spacing: 0; color: var(--muted); }
.scroll { overflow-x: auto; margin: 12px 0 0; }
table { border-collapse: collapse; width: 100%; font-size: 14.5px; line-height: 1.4; }
caption { padding: 0 0 8px; text-align: left; color: var(--muted); font-size: 14px; }
caption span { display: block; position: sticky; left: 0; max-width: min(100%, 100vw - 32px); }
th, td { padding: 6px 0 6px 14px; text-align: right; white-space: nowrap; border-bottom: 1px solid var(--rule); }
th:first-child, td:first-child { padding-left: 0; text-align: left; }
thead th { color: var(--muted); font-weight: 500; font-size: 13.5px; vertical-align: bottom; white-space: normal; border-bottom-color: var(--muted); }
tbody th { font-weight: 400; }
.group th { padding-top: 18px; font-weight: 600; }
.strong th, .strong td { font-weight: 650; }
.strong .rule { font-weight: 400; }
th[scope=row] { position: sticky; left: 0; background: var(--paper); }
.even th:not(:first-child) { width: 11.4%; }
.rule { text-align: left; color: var(--muted); font-size: 13.5px; }
.pair { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 28px 40px; margin-top: 14px; }
figure { margin: 0; min-width: 0; break-inside: avoid; }
figcaption { margin-bottom: 6px; font-size: 14.5px; }
figcaption .note { display: block; }
.chart { display: block; width: 100%; height: auto; overflow: visible; }
.chart text { fill: var(--muted); font-size: 13px; font-family: inherit; }
.grid line { stroke: var(--rule); stroke-width: 1; }
.chart .own { fill: none; stroke: var(--own); stroke-width: 3; stroke-linejoin: round; }
.chart .own-point { fill: var(--paper); stroke: var(--own); stroke-width: 3; }
.chart .own-risk { fill: var(--own); font-weight: 650; }
.chart .own-risk, .chart .peer-name { paint-order: stroke; stroke: var(--paper); stroke-width: 4px; stroke-linejoin: round; }
.chart .peer { fill: none; stroke: var(--peer); stroke-width: 1.7; stroke-linejoin: round; }
.chart .peer-name { fill: var(--ink); }
.chart .shipped { fill: var(--paper); stroke: var(--peer); stroke-width: 1.7; }
.chart .leader { fill: none; stroke: var(--peer); stroke-width: 0.7; }
.chart .base { stroke: var(--muted); }
.chart .bar.kept { fill: var(--own-soft); stroke: var(--own); stroke-width: 1.5; }
.chart .bar.missed { fill: var(--missed-soft); stroke: var(--missed); stroke-width: 1.5; }
.chart .bar-count { fill: var(--ink); font-weight: 600; }
.chart .promise { stroke: var(--ink); stroke-width: 1.5; stroke-dasharray: 5 4; }
.chart .promise-name { fill: var(--ink); font-weight: 600; }
.chart .midnight { stroke: var(--muted); }
.use-range { fill: var(--use-soft); }
.use { fill: none; stroke: var(--use); stroke-width: 1; }
.request { fill: none; stroke: var(--own); stroke-width: 2.2; }
.current { stroke: var(--ink); stroke-width: 1.5; stroke-dasharray: 6 4; }
.rug { fill: var(--missed); }
.legend { display: flex; flex-wrap: wrap; gap: 4px 22px; margin: 8px 0 4px; padding: 0; list-style: none; font-size: 14px; color: var(--muted); }
.legend svg { width: 30px; height: 14px; margin-right: 8px; vertical-align: -2px; }
footer { margin-top: 64px; padding-bottom: 48px; }
footer p { padding-top: 16px; border-top: 1px solid var(--rule); max-width: none; }
@media screen and (max-width: 720px) {
  main, footer { padding: 0 16px; }
  header { padding-top: 28px; }
  h1 { font-size: 25px; }
  h2 { margin-top: 52px; font-size: 23px; }
  .pair { grid-template-columns: minmax(0, 1fr); gap: 28px; }
  .figures { grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 16px 20px; }
  .figures dd { font-size: 23px; }
  .chart text { font-size: 17px; }
  .scroll { margin-right: -16px; padding-right: 16px; }
}
@media print {
  :root {
    color-scheme: light;
    --paper: #fff; --card: #f5f5f5; --ink: #000; --muted: #444; --rule: #ccc;
    --own: #1551b5; --own-soft: #b9cdf0; --peer: #666; --use: #555; --use-soft: #ccc;
    --missed: #b23a10; --missed-soft: #f4ddd2; --kept: #17683f; --doubt: #7a5400;
  }
  body { font-size: 11pt; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  main, footer { max-width: none; padding: 0; }
  .scroll { overflow: visible; }
  .pair { gap: 14px 24px; }
  header { padding-top: 0; }
  h1 { font-size: 20pt; } h2 { font-size: 15pt; } h3 { margin-top: 24px; }
  .reading { padding: 10px 14px; }
  thead { display: table-header-group; } .scroll { break-inside: avoid; }
  th[scope=row] { position: static; }
  h3 + p { break-after: avoid; }
  .chart text { font-size: 17px; }
  figcaption, h4 { font-size: 9.5pt; } .note, .legend, caption { font-size: 8.5pt; }
  .figures dd { font-size: 16pt; } .figures dt, .figures .beside { font-size: 8.5pt; }
  table { font-size: 8.5pt; } thead th { font-size: 8pt; } th, td { padding-left: 10px; } .rule { white-space: normal; font-size: 8pt; }
  tr, .figures div { break-inside: avoid; }
  h2, h3, figcaption { break-after: avoid; }
  h2 { margin-top: 32px; }
}
`;
