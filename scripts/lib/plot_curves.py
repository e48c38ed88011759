"""Draws measurements that depend on a quantity as an SVG file: panels with a few curves each."""

import math
import statistics
from dataclasses import dataclass, field

from plot import GRID, INK, LINKD, REAL, round_step, text  # noqa: F401

COPY = "#3c9d63"
WIDTH, HEIGHT, LEFT, TOP, GAP = 520, 250, 78, 40, 104


@dataclass
class Series:
    """One curve: its name, its colour, and for each x all values measured there: [(x, [y, ...]), ...]."""

    name: str
    colour: str
    points: list


@dataclass
class Panel:
    """Axes start at 0, or are logarithmic. `ticks` names places on the x axis: {x: words}; else there are round numbers.
    With `dots` the points are not joined.
    """

    title: str
    x_label: str
    y_label: str
    series: list
    log_x: bool = False
    log_y: bool = False
    dots: bool = False
    ticks: dict = field(default_factory=dict)


def svg(panels, machine, note):
    """The whole drawing, as text: panels below each other, medians joined by a line, smallest to largest as a bar."""
    total = LEFT + WIDTH + 40
    parts, y = [], 0
    for panel in panels:
        parts.append(draw(panel, y))
        y += TOP + HEIGHT + GAP
    words = "%s; thin lines: smallest to largest; %s, %d cores" % (
        note, machine.get("model") or machine.get("system"), machine["cores"])
    parts.append(text(LEFT, y - 20, words, size=11))
    return ("<svg xmlns='http://www.w3.org/2000/svg' width='%d' height='%d' viewBox='0 0 %d %d'>\n"
            "<rect width='100%%' height='100%%' fill='white'/>\n%s\n</svg>\n" % (total, y, total, y, "\n".join(parts)))


def scale(values, log, start, length):
    """A function from a value to its place on an axis, and the round numbers on it."""
    if log:
        low, high = math.log10(min(values)) - 0.04, math.log10(max(values)) + 0.04
        marks = [m * 10.0 ** e for e in range(math.floor(low), math.ceil(high) + 1) for m in (1, 2, 5)]
        marks = [m for m in marks if low <= math.log10(m) <= high]
        return lambda v: start + length * (math.log10(v) - low) / ((high - low) or 1), marks
    high = max(values) * 1.03 or 1
    step = round_step(high / 6)
    return lambda v: start + length * v / high, [i * step for i in range(int(high / step) + 1)]


def draw(panel, top):
    """One panel, with its upper edge at `top`."""
    bottom = top + TOP + HEIGHT
    xs = [x for s in panel.series for x, _ in s.points]
    ys = [y for s in panel.series for _, values in s.points for y in values]
    place_x, marks_x = scale(xs, panel.log_x, LEFT, WIDTH)
    place_y, marks_y = scale(ys, panel.log_y, bottom, -HEIGHT)
    parts = [text(LEFT, top + 24, panel.title, size=13, weight="bold")]
    for y in marks_y:
        parts.append(line(LEFT, place_y(y), LEFT + WIDTH, place_y(y), GRID))
        parts.append(text(LEFT - 6, place_y(y) + 4, "%g" % y, size=10, anchor="end"))
    for x, words in (panel.ticks or {mark: "%g" % mark for mark in marks_x}).items():
        parts.append(line(place_x(x), top + TOP, place_x(x), bottom, GRID))
        parts.append(text(place_x(x), bottom + 14, words, size=10, anchor="middle"))
    parts.append(text(LEFT + WIDTH / 2, bottom + 32, panel.x_label, size=11, anchor="middle"))
    parts.append(text(LEFT - 6, top + TOP - 8, panel.y_label, size=11, anchor="end"))
    for number, series in enumerate(panel.series):
        spots = [(place_x(x), [place_y(y) for y in values]) for x, values in series.points]
        middles = [(x, statistics.median(values)) for x, values in spots]
        if not panel.dots:
            parts.append("<polyline fill='none' stroke-width='2' stroke='%s' points='%s'/>" % (
                series.colour, " ".join("%.1f,%.1f" % spot for spot in middles)))
        for x, values in spots:
            if len(values) > 1:
                parts.append(line(x, min(values), x, max(values), INK))
        parts += ["<circle cx='%.1f' cy='%.1f' r='%g' fill='%s'/>" % (x, y, 1.6 if panel.dots else 3, series.colour)
                  for x, y in middles]
        place = LEFT + number * 130
        parts.append("<rect x='%d' y='%d' width='12' height='12' fill='%s'/>" % (place, bottom + 42, series.colour))
        parts.append(text(place + 18, bottom + 52, series.name))
    return "\n".join(parts)


def line(x1, y1, x2, y2, colour):
    return "<line x1='%.1f' y1='%.1f' x2='%.1f' y2='%.1f' stroke='%s'/>" % (x1, y1, x2, y2, colour)
