#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The picture of the benchmarks is of the run in docs/benchmarks.txt, and can be read: check-plot.py TOP"""

import os
import re
import sys
import xml.etree.ElementTree

import tap

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "bench"))
import plot  # pylint: disable=wrong-import-position
import tables  # pylint: disable=wrong-import-position

RESULTS = "docs/benchmarks.txt"
PICTURE = "docs/benchmarks.svg"

# What lies behind the picture, in light and in dark pages, and the contrast that accessibility asks of text and of bars.
GROUNDS = ("#ffffff", "#0d1117")
CONTRASTS = {"text": 4.5, ".note": 4.5, ".peer": 3, ".ferry": 3}

SVG = "{http://www.w3.org/2000/svg}"


def luminance(colour):
    parts = [int(colour[start:start + 2], 16) / 255 for start in (1, 3, 5)]
    parts = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def contrast(one, other):
    brighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


def pale(style):
    """Colours that lie too near to what is behind them."""
    light, dark = style.split("@media")
    complaints = []
    for ground, rules in zip(GROUNDS, (light, light + dark)):
        for name, least in CONTRASTS.items():
            colour = re.findall(r"(?m)^ *%s \{[^}]*fill: (#\w{6})" % re.escape(name), rules)[-1]
            if contrast(colour, ground) < least:
                complaints.append("%s %s on %s: %.2f" % (name, colour, ground, contrast(colour, ground)))
    return complaints


def bars(picture):
    """The length of each bar, in the order of the rows."""
    return [float(bar.get("width")) for bar in xml.etree.ElementTree.fromstring(picture).iter(SVG + "rect")]


def wrong_bars(picture, figures):
    """Rows whose bar is longer than that of a row with a larger figure."""
    lengths = iter(bars(picture))
    complaints = []
    for _, _, rows in plot.PANELS:
        found = sorted((figures[name][0], next(lengths), words) for words, name, _ in rows)
        complaints += ["the bar of %s is too long" % one[2] for one, other in zip(found, found[1:]) if one[1] > other[1]]
    return complaints


def outside(picture):
    """Words that do not fit, where letters are so wide, which is more than they are on the average."""
    letter = 7.5
    root = xml.etree.ElementTree.fromstring(picture)
    ends = [float(text.get("x")) + letter * len(text.text) for text in root.iter(SVG + "text")
            if text.get("text-anchor") is None and text.get("class") != "note"]
    begins = [float(text.get("x")) - letter * len(text.text) for text in root.iter(SVG + "text")
              if text.get("text-anchor") == "end"]
    return (["words end at %d" % end for end in ends if end > plot.WIDTH]
            + ["words begin at %d" % begin for begin in begins if begin < -letter])


def test_the_checks(report, results):
    figures = tables.read_results(results)[0]
    picture = plot.draw(results)
    report.equal("black on white has the largest contrast", round(contrast("#000000", "#ffffff"), 1), 21)
    report.fact("would be seen: a colour that is too pale", pale(plot.STYLE.replace("#24292f", "#c9c9c9")))
    swapped = {**figures, "latency/ferry/median": figures["latency/gdbus/median"], "latency/gdbus/median": figures["latency/ferry/median"]}
    report.fact("would be seen: a bar that is too long", wrong_bars(picture, swapped))
    report.fact("would be seen: words that do not fit", outside(picture.replace("GDBus", "G" * 30)))
    report.equal("would be seen: a figure that the run does not have",
                 plot.missing({name: figure for name, figure in figures.items() if name != "latency/ferry/median"}),
                 ["latency/ferry/median"])


def body(report):
    with open(os.path.join(sys.argv[1], RESULTS), encoding="utf-8") as file:
        results = file.read()
    test_the_checks(report, results)
    picture = plot.draw(results)
    figures = tables.read_results(results)[0]
    report.none("the longer bar is of the larger figure", wrong_bars(picture, figures))
    report.none("the colours can be told from light and from dark", pale(plot.STYLE))
    report.none("all words fit", outside(picture))
    report.none("each figure is written as in the tables",
                [name for _, _, rows in plot.PANELS for _, name, _ in rows
                 if ">%s</text>" % plot.write_figure(figures[name]) not in picture])
    with open(os.path.join(sys.argv[1], PICTURE), encoding="utf-8") as file:
        report.fact("%s is of this run; tests/bench/publish.py draws it" % PICTURE, file.read() == picture)


tap.main(body)
