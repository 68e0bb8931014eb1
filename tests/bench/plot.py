# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Draws figures of one run beside those of peers, as an SVG.

The picture has no background of its own, and colours for light and for dark ones. A
page that is both takes those of the reader's system.
"""

import html
import math

import tables

EACH_TEN_TIMES = "; each line is ten times the one before"

# A part of the picture: its title, whether its axis is one of powers of ten, and for each row its name, its figure, and
# whether it is Ferry's.
PANELS = (
    ("Messages of 64 bytes, a second", True, (
        ("Ferry, bytes", "throughput/64B/1-worker/ferry-raw", True),
        ("a pipe, 64 KiB gathered", "throughput/64B/1-worker/gathered-pipe", False),
        ("a pipe, a write each", "throughput/64B/1-worker/pipe", False),
        ("Ferry, GVariants", "throughput/64B/1-worker/ferry-gvariant", True),
        ("GDBus", "throughput/64B/1-worker/gdbus", False),
    )),
    ("Messages of 4 KiB, a second", True, (
        ("Ferry, bytes", "throughput/4KiB/1-worker/ferry-raw", True),
        ("a pipe, 64 KiB gathered", "throughput/4KiB/1-worker/gathered-pipe", False),
        ("a pipe, a write each", "throughput/4KiB/1-worker/pipe", False),
        ("Ferry, GVariants", "throughput/4KiB/1-worker/ferry-gvariant", True),
        ("GDBus", "throughput/4KiB/1-worker/gdbus", False),
    )),
    ("From a send to its handler, median; less is better", False, (
        ("a pipe", "latency/pipe/median", False),
        ("Ferry", "latency/ferry/median", True),
        ("GDBus", "latency/gdbus/median", False),
    )),
)

WIDTH = 720
NAMES = 200    # where the bars begin
BARS = 420     # how long the longest may be
ROW = 24
TITLE = 44

STYLE = """\
text { font: 13px system-ui, sans-serif; fill: #24292f }
.title { font-weight: 600 }
.note { fill: #57606a }
.peer { fill: #818b98 }
.ferry { fill: #0969da }
.grid { stroke: #8c959f; stroke-opacity: 0.3 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  .note { fill: #9ea7b3 }
  .ferry { fill: #58a6ff }
  .peer { fill: #8c959f }
}
"""


def write_figure(figure):
    value, unit = tables.write_figure((figure[0], figure[1], None))
    return "%s %s" % (value, unit)


def place(value, values, logarithmic):
    """How far the end of a bar is from its beginning, from 0 to 1."""
    if not logarithmic:
        return value / max(values)
    lowest, highest = math.floor(math.log10(min(values))), math.log10(max(values))
    return (math.log10(value) - lowest) / (highest - lowest)


def draw_grid(values, logarithmic, top, bottom):
    """A line for each power of ten, so that nobody takes the bars for what they would be on an ordinary axis."""
    if not logarithmic:
        return []
    powers = range(math.floor(math.log10(min(values))), math.floor(math.log10(max(values))) + 1)
    parts = []
    for power in powers:
        x = NAMES + BARS * place(10 ** power, values, True)
        parts.append('<line class="grid" x1="%.1f" y1="%d" x2="%.1f" y2="%d"/>' % (x, top, x, bottom))
        parts.append('<text class="note" x="%.1f" y="%d" text-anchor="middle">%s</text>'
                     % (x, bottom + 14, "{:,}".format(10 ** power)))
    return parts


def draw_panel(panel, figures, top):
    """The parts of the picture, and where the next panel begins."""
    title, logarithmic, rows = panel
    values = [figures[name][0] for _, name, _ in rows]
    y = top + TITLE - 12
    parts = ['<text class="title" x="0" y="%d">%s</text>' % (top + 18, html.escape(title + EACH_TEN_TIMES * logarithmic))]
    parts += draw_grid(values, logarithmic, y, y + ROW * len(rows))
    for (words, name, own), value in zip(rows, values):
        length = max(BARS * place(value, values, logarithmic), 2)
        parts.append('<text x="%d" y="%d" text-anchor="end">%s</text>' % (NAMES - 10, y + 17, html.escape(words)))
        parts.append('<rect class="%s" x="%d" y="%d" width="%.1f" height="%d" rx="2"/>'
                     % ("ferry" if own else "peer", NAMES, y + 4, length, ROW - 8))
        parts.append('<text x="%.1f" y="%d">%s</text>'
                     % (NAMES + length + 8, y + 17, html.escape(write_figure(figures[name]))))
        y += ROW
    return parts, y + (34 if logarithmic else 14)


def missing(figures):
    return [name for _, _, rows in PANELS for _, name, _ in rows if name not in figures]


def draw(results):
    """The picture of a run that has all of the figures."""
    figures, run = tables.read_results(results)
    parts, top = [], 0
    for panel in PANELS:
        drawn, top = draw_panel(panel, figures, top)
        parts += drawn
    note = "%s. %s." % (run.get("machine", ""), run.get("date", ""))
    parts.append('<text class="note" x="0" y="%d">%s</text>' % (top + 16, html.escape(note)))
    height = top + 28
    return ('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img">\n'
            '<title>Ferry beside its peers</title>\n<style>\n%s</style>\n%s\n</svg>\n'
            % (WIDTH, height, WIDTH, height, STYLE, "\n".join(parts)))
