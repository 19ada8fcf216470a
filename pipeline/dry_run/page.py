"""The account of a dry run as one HTML page that needs nothing from elsewhere.

Rule of the file: every text goes through `escape`; the page's policy lets it load nothing and send nothing.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; form-action 'none'; base-uri 'none'"
)
_STYLE = """
:root { color-scheme: light dark; --line: #d0d7de; --soft: #f3f5f7; --text: #1c2128; --dim: #57606a; --bad: #b42318;
  --warn: #8a5a00; --good: #1a7f37; --change: #0b57a4; --ground: #fff }
@media (prefers-color-scheme: dark) { :root { --line: #3a424c; --soft: #1f252c; --text: #e6e9ed; --dim: #9aa4af;
  --bad: #ff8b7e; --warn: #e3b341; --good: #5fd080; --change: #79b8ff; --ground: #14181d } }
* { box-sizing: border-box }
body { margin: 0 auto; max-width: 100rem; padding: 1.5rem; background: var(--ground); color: var(--text);
  font: 15px/1.45 system-ui, sans-serif }
h1 { font-size: 1.5rem; margin: 0 0 .25rem } h2 { font-size: 1.1rem; margin: 2rem 0 .25rem }
p, ul { margin: .25rem 0 } .dim { color: var(--dim) }
.loud { border: 3px solid var(--bad); color: var(--bad); font-weight: 700; padding: .75rem 1rem; margin: 1rem 0 }
.filter { position: sticky; top: 0; background: var(--ground); padding: .75rem 0; display: flex; flex-wrap: wrap;
  gap: .5rem 1rem; align-items: center; border-bottom: 1px solid var(--line); z-index: 1 }
input[type=search] { font: inherit; padding: .3rem .6rem; min-width: 22rem; color: inherit; background: var(--soft);
  border: 1px solid var(--line); border-radius: 4px }
label { white-space: nowrap } .wide { overflow-x: auto }
table { border-collapse: collapse; width: 100%; margin: .5rem 0 }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem; border-bottom: 1px solid var(--line) }
th { background: var(--soft); font-weight: 600 } td.n { text-align: right; font-variant-numeric: tabular-nums }
td.v { font-family: ui-monospace, monospace; font-size: .9em; overflow-wrap: anywhere; min-width: 12rem }
code { font-family: ui-monospace, monospace; font-size: .9em } .doubt { color: var(--warn) }
.kept { color: var(--good); font-weight: 600 } .removed, .emptied { color: var(--dim) }
.mapped, .shifted, .replaced, .cleaned, .changed, .added { color: var(--change) } .held { color: var(--bad) }
tr.hidden { display: none }
"""
_SCRIPT = """
const words = document.querySelector('#words'), doubts = document.querySelector('#doubts');
const boxes = [...document.querySelectorAll('.filter input[name=outcome]')];
const rows = [...document.querySelectorAll('tr[data-outcome]')];
function show() {
  const wanted = words.value.toLowerCase().split(/\\s+/).filter(Boolean);
  const outcomes = new Set(boxes.filter(box => box.checked).map(box => box.value));
  let shown = 0;
  for (const row of rows) {
    const text = row.textContent.toLowerCase();
    const fits = outcomes.has(row.dataset.outcome) && (!doubts.checked || row.dataset.doubt === '1')
      && wanted.every(word => text.includes(word));
    row.classList.toggle('hidden', !fits);
    shown += fits;
  }
  document.querySelector('#shown').textContent = shown + ' of ' + rows.length + ' lines';
}
for (const input of [words, doubts, ...boxes]) input.addEventListener('input', show);
show();
"""


def page(content: Mapping[str, Any]) -> str:
    """Return the page for the content of `dry-run.json`."""
    notice = escape(content["notice"])
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{escape(_POLICY)}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>Dry run: profile {escape(content['profile'])}</title><style>{_STYLE}</style></head><body>",
        f"<h1>Dry run of the profile {escape(content['profile'])}</h1>",
        f'<p class="dim">Sonoveil {escape(content["version"])}. Nothing was de-identified.</p>',
        f'<p class="loud">{notice}</p>' if content["has_values"] else f'<p class="dim">{notice}</p>',
        _counts(content["counts"]),
        "<h2>Pixels</h2><ul>",
        *(f"<li>{escape(line)}</li>" for line in content["pixels"]),
        "</ul>",
        *_files("Would be held", content["held"], content["counts"]["would_be_held"]),
        *_files("Not DICOM", content["refused"], content["counts"]["refused"]),
        _filter(content["classes"]),
        *(part for one in content["classes"] for part in _sop_class(one, with_values=content["has_values"])),
        f"<script>{_SCRIPT}</script></body></html>\n",
    ]
    return "\n".join(part for part in parts if part)


def _counts(counts: Mapping[str, int]) -> str:
    return (
        f"<p><b>{counts['read']}</b> files read: <b>{counts['would_leave']}</b> would leave, "
        f'<b class="held">{counts["would_be_held"]}</b> would be held, '
        f"<b>{counts['refused']}</b> are no DICOM files.</p>"
    )


def _files(title: str, files: list[dict[str, str]], total: int) -> Iterable[str]:
    if not files:
        return
    yield f"<h2>{escape(title)}: {total}</h2>"
    yield '<div class="wide"><table><thead><tr><th>File<th>Reason<th>Note</tr></thead><tbody>'
    for one in files:
        yield f"<tr><td><code>{escape(one['source'])}</code><td>{escape(one['reason'])}<td>{escape(one['note'])}</tr>"
    yield "</tbody></table></div>"
    if total > len(files):
        yield f"<p>and {total - len(files)} more</p>"


def _filter(classes: list[dict[str, Any]]) -> str:
    outcomes = sorted({row["outcome"] for one in classes for row in one["attributes"]})
    boxes = "".join(
        f'<label><input type="checkbox" name="outcome" value="{escape(outcome)}" checked> {escape(outcome)}</label>'
        for outcome in outcomes
    )
    return (
        '<div class="filter"><input type="search" id="words" aria-label="words to look for" '
        'placeholder="attribute, tag, VR or rule">'
        f'{boxes}<label><input type="checkbox" id="doubts"> only doubts</label>'
        '<span class="dim" id="shown"></span></div>'
    )


def _sop_class(one: Mapping[str, Any], *, with_values: bool) -> Iterable[str]:
    yield f"<h2>{escape(one['name'])}</h2>"
    yield (
        f'<p class="dim"><code>{escape(one["sop_class_uid"])}</code>: objects: {one["objects"]}; with pixels: '
        f"{one['with_pixels']}, {one['frames']} frames; with a device mask that fits: {one['with_device_mask']}</p>"
    )
    values = "<th>Before<th>After" if with_values else ""
    yield '<div class="wide"><table><thead><tr><th>Attribute<th>Tag<th>VR<th>Outcome'
    yield f"<th>Objects{values}<th>Rule</tr></thead><tbody>"
    for row in one["attributes"]:
        yield _row(row, with_values=with_values)
    yield "</tbody></table></div>"
    if one["attributes_not_listed"]:
        yield f"<p>and {one['attributes_not_listed']} elements that are not listed</p>"


def _row(row: Mapping[str, Any], *, with_values: bool) -> str:
    outcome = escape(row["outcome"])
    values = f"{_values(row, 'before')}{_values(row, 'after')}" if with_values else ""
    return (
        f'<tr data-outcome="{outcome}" data-doubt="{int(bool(row["doubts"]))}"><td>{escape(row["attribute"])}'
        f'<td><code>{escape(row["tag"])}</code><td>{escape(row["vr"])}<td class="{outcome.replace(" ", "-")}">{outcome}'
        f'<td class="n">{row["objects"]}{values}<td>{escape(row["rule"])}{_doubts(row["doubts"])}</tr>'
    )


def _doubts(doubts: list[dict[str, Any]]) -> str:
    return "".join(
        f'<div class="doubt">in doubt ({doubt["elements"]}): {escape(doubt["why"])}; '
        f"for example {', '.join(f'<code>{escape(name)}</code>' for name in doubt['examples'])}</div>"
        for doubt in doubts
    )


def _values(row: Mapping[str, Any], side: str) -> str:
    lines = [f"<div>{escape(pair[side]) or '&nbsp;'}</div>" for pair in row["values"]]
    if side == "after":
        lines += [f'<div class="dim">{escape(why)}</div>' for pair in row["values"] for why in pair["cleaned"]]
    if row["more_values"]:
        lines.append('<div class="dim">and more</div>')
    return f'<td class="v">{"".join(lines)}'
