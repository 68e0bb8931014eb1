# SPDX-FileCopyrightText: The Ferry authors
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Fills the tables of docs/benchmarks.md with the figures of one run.

In the page, a comment above a table says which figures its columns have:

    <!-- figures: {} -->
    | figure | value | budget |
    | --- | --- | --- |
    | `throughput/64B/{1-worker,8-workers}/pipe` | | |

`{}` stands for what the first cell names; braces in there stand for one name each. The figures fill the cells next to
it, one column for each pattern, and cells behind those stay as they are. Where the pattern is more than `{}`, its column
says what its unit is; a call or a wake is then counted in thousands a second. ✗ marks what is over its budget.

    <!-- run -->
    What stands here up to the next empty line says which run it was.
"""

import itertools
import re

TABLE = re.compile(r"(<!-- figures: (.*) -->\n)((?:\|.*\n)*)")
RUN = re.compile(r"(<!-- run -->\n)((?:.+\n)*)")
BUDGET = re.compile(r"(<=|>=|<) ([\d.]+)\b(?! and)")
OVER = " ✗"

# What a unit is called, and from where on its next larger one is used.
UNITS = {
    "messages/s": ("M/s", 1e6, None), "bytes": ("bytes", 1, "kB"), "kB": ("kB", 1e3, "MB"), "MB": ("MB", 1e6, None),
    "ns": ("ns", 1, "us of ns"), "us of ns": ("µs", 1e3, None),
    "us": ("µs", 1, "ms of us"), "ms of us": ("ms", 1e3, None),
    "ns/message": ("ns", 1, None), "x": ("", 1, None), "ratio": ("", 1, None), "-": ("", 1, None),
    "context-switches": ("", 1, None), "deliveries": ("", 1, None), "percent of a core": ("% of a core", 1, None),
}
IN_COLUMNS = {"calls/s": 1e3, "wakes/s": 1e3}


def read_results(text):
    """The figures, as (value, unit, budget) for each name, and what is said of the run."""
    figures, run, name = {}, {}, None
    for line in text.splitlines():
        words = line.split(" ", 2)
        if line.startswith("# run "):
            key, _, value = words[2].partition(" ")
            run[key] = value
        elif line.startswith("# budget ") and name:
            figures[name] = figures[name][:2] + (line[len("# budget "):],)
        elif not line.startswith("#") and len(words) == 3:
            name = words[0]
            figures[name] = (float(words[1]), words[2], None)
    return figures, run


def expand(name):
    """Braces stand for each of what they have: a{b,c}d is abd and acd."""
    parts = [part.split(",") if number % 2 else [part] for number, part in enumerate(re.split(r"[{}]", name))]
    return ["".join(choice) for choice in itertools.product(*parts)]


def write_number(value):
    return "{:,.0f}".format(value) if abs(value) >= 999.5 else "%.3g" % (value or 0)


def is_over(value, budget):
    found = BUDGET.match(budget or "")
    if not found:
        return False
    limit = float(found[2])
    return {"<=": value > limit, ">=": value < limit, "<": value >= limit}[found[1]]


def write_figure(figure):
    """The figure and its unit; of a large one, its larger unit."""
    value, key, budget = figure
    unit, scale, larger = UNITS.get(key, (key, 1, None))
    while larger and abs(value) / scale >= 999.5:
        unit, scale, larger = UNITS[larger]
    return write_number(value / scale) + OVER * is_over(value, budget), unit


def write_cell(found):
    """Neighbours of one unit share it."""
    texts = []
    for unit, group in itertools.groupby([write_figure(figure) for figure in found], lambda figure: figure[1]):
        texts.append((", ".join(number for number, _ in group) + " " + unit).strip())
    return ", ".join(texts)


def write_column(found):
    return ", ".join(write_number(value / IN_COLUMNS.get(unit, 1)) + OVER * is_over(value, budget)
                     for value, unit, budget in found)


def fill_row(line, patterns, figures):
    """The row, and the names in it of which there is no figure."""
    cells = re.split(r"(?<!\\)\|", line)[1:-1]
    names = [name for quoted in re.findall(r"`([^`]*)`", cells[0]) for name in expand(quoted)]
    missing = []
    for column, pattern in enumerate(patterns, 1):
        wanted = [pattern.replace("{}", name) for name in names]
        found = [figures[name] for name in wanted if name in figures]
        # A column of a comparison has what there is to compare; the first one has each row.
        if column == 1:
            missing = [name for name in wanted if name not in figures]
        write = write_cell if pattern == "{}" else write_column
        cells[column] = " %s " % write(found) if found else " "
    return "|%s|" % "|".join(cells), missing


def fill(page, results):
    """The page with the figures of the results, and the names that it wants and they do not have."""
    figures, run = read_results(results)
    missing = []

    def fill_table(match):
        lines = match[3].splitlines()
        for number in range(2, len(lines)):
            lines[number], absent = fill_row(lines[number], match[2].split(", "), figures)
            missing.extend(absent)
        return match[1] + "".join(line + "\n" for line in lines)

    said = "".join("- %s: %s\n" % item for item in run.items())
    page = TABLE.sub(fill_table, page)
    return RUN.sub(lambda match: match[1] + said, page), missing
