"""Draws the results of scripts/bench as an SVG file: one panel for each program and set of flags, two bars for each case."""

import math
import statistics
from xml.sax.saxutils import escape

REAL, LINKD, INK, GRID = "#9aa5b1", "#2f6fde", "#1f2933", "#d9dfe5"
LEFT, BAR, GAP, WIDTH, RIGHT = 96, 13, 12, 520, 210
STYLE = "font-family='Helvetica,Arial,sans-serif'"


def svg(results):
    """The whole drawing, as text."""
    height, parts = 34, []
    for program in results["programs"]:
        panel, used = draw_panel(program, height)
        parts.append(panel)
        height += used
    width = LEFT + WIDTH + RIGHT
    machine = results["machine"]
    note = "median of %d; the thin line is smallest to largest; %s, %d cores" % (
        results["repeat"], machine.get("model") or machine.get("system"), machine["cores"])
    parts.append(text(LEFT, height + 4, note, size=11))
    legend = "".join(
        "<rect x='%d' y='12' width='12' height='12' fill='%s'/>%s" % (x, fill, text(x + 18, 22, name))
        for x, fill, name in ((LEFT, REAL, "Go's linker"), (LEFT + 120, LINKD, "linkd")))
    return ("<svg xmlns='http://www.w3.org/2000/svg' width='%d' height='%d' viewBox='0 0 %d %d'>\n"
            "<rect width='100%%' height='100%%' fill='white'/>\n%s\n%s\n</svg>\n" % (
                width, height + 18, width, height + 18, legend, "\n".join(parts)))


def text(x, y, words, size=12, anchor="start", weight="normal"):
    return "<text x='%.1f' y='%.1f' font-size='%d' text-anchor='%s' font-weight='%s' fill='%s' %s>%s</text>" % (
        x, y, size, anchor, weight, INK, STYLE, escape(words))


def draw_panel(program, top):
    """One program's bars; gives the SVG text and the height used."""
    cases = {case: {side: [run[side] * 1e3 for run in runs] for side in ("real", "linkd")}
             for case, runs in program["cases"].items()}
    longest = max(max(values) for sides in cases.values() for values in sides.values())
    scale, step = WIDTH / longest, round_step(longest / 5)
    parts = [text(LEFT, top + 22, "%s, %s: wall time in ms" % (program["program"], program["ldflags"] or "default flags"),
                  size=13, weight="bold")]
    y = top + 40
    bottom = y + len(cases) * (2 * BAR + GAP)
    mark = 0
    while mark <= longest:
        x = LEFT + mark * scale
        parts.append("<line x1='%.1f' x2='%.1f' y1='%d' y2='%d' stroke='%s'/>" % (x, x, y - 6, bottom, GRID))
        parts.append(text(x, bottom + 12, "%g" % mark, size=10, anchor="middle"))
        mark += step
    for case, sides in cases.items():
        parts.append(text(LEFT - 8, y + BAR + 4, case, anchor="end"))
        for side, fill in (("real", REAL), ("linkd", LINKD)):
            values = sides[side]
            middle = statistics.median(values)
            parts.append("<rect x='%d' y='%d' width='%.1f' height='%d' fill='%s'/>" % (
                LEFT, y, max(middle * scale, 1), BAR - 1, fill))
            parts.append("<line x1='%.1f' x2='%.1f' y1='%.1f' y2='%.1f' stroke='%s'/>" % (
                LEFT + min(values) * scale, LEFT + max(values) * scale, y + BAR / 2, y + BAR / 2, INK))
            label = "%.0f" % middle if middle >= 10 else "%.1f" % middle
            if side == "linkd":
                ratios = [run["linkd"] / run["real"] for run in program["cases"][case]]
                label += "  (%.2f of Go's)" % statistics.median(ratios)
            parts.append(text(LEFT + max(values) * scale + 6, y + BAR - 2, label, size=11))
            y += BAR
        y += GAP
    return "\n".join(parts), bottom + 34 - top


def round_step(value):
    """The smallest of 1, 2, 5 times a power of ten that is not below `value`."""
    power = 10.0 ** math.floor(math.log10(value))
    return next(power * f for f in (1, 2, 5, 10) if power * f >= value)
