"""Plots as plain SVG, so that nothing has to be installed for them."""

import math
from xml.sax.saxutils import escape

COLOURS = {"kvd": "#1f6feb", "rocksdb": "#d29922", "lmdb": "#2da44e"}
OTHER_COLOURS = ["#8250df", "#cf222e", "#57606a"]
WIDTH, HEIGHT = 720, 400
LEFT, RIGHT, TOP, BOTTOM = 84, 20, 44, 62


def write(path, parts, height=HEIGHT):
    with open(path, "w") as file:
        file.write(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
                   'font-family="sans-serif" font-size="12">\n'
                   f'<rect width="{WIDTH}" height="{height}" fill="white"/>\n')
        file.writelines(part + "\n" for part in parts)
        file.write("</svg>\n")


def text(x, y, words, anchor="middle", extra=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" {extra}>{escape(words)}</text>'


def line(x1, y1, x2, y2, colour="#d0d7de", extra=""):
    return (f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" '
            f'{extra}/>')


def short(number):
    """A number as a label: 1.5k, 20M."""
    for limit, unit in [(1e9, "G"), (1e6, "M"), (1e3, "k")]:
        if abs(number) >= limit:
            return f"{number / limit:.3g}{unit}"
    return f"{number:.3g}"


class Scale:
    """Figures to places on an axis, evenly or by their logarithm."""

    def __init__(self, values, start, end, logarithmic):
        self.logarithmic = logarithmic
        self.start, self.end = start, end
        values = [v for v in values if v > 0] if logarithmic else list(values)
        low, high = (min(values), max(values)) if values else (1, 10)
        if logarithmic:
            self.low, self.high = math.log10(low), math.log10(high)
            if self.high - self.low < 1:
                self.low, self.high = math.floor(self.low), math.ceil(self.high + 1e-9)
            self.high = max(self.high, self.low + 1e-9)
        else:
            self.low, self.high = min(0, low), max(high * 1.05, 1e-9)

    def place(self, value):
        where = math.log10(value) if self.logarithmic else value
        return self.start + (where - self.low) / (self.high - self.low) * (self.end - self.start)

    def ticks(self):
        if self.logarithmic:
            powers = range(math.ceil(self.low - 1e-9), math.floor(self.high + 1e-9) + 1)
            return [10.0 ** power for power in powers]
        step = 10 ** math.floor(math.log10(self.high))
        while self.high / step < 4:
            step /= 2
        return [step * i for i in range(int(self.high / step) + 1)]


def lines(path, title, x_name, y_name, series, logarithmic_x=True, logarithmic_y=True, x_ticks=None):
    """`series`: a list of (name, [(x, y)…]); names of engines have colours of their own."""
    points = [point for _, line_points in series for point in line_points]
    if not points:
        return
    xs = Scale([x for x, _ in points], LEFT, WIDTH - RIGHT, logarithmic_x)
    ys = Scale([y for _, y in points], HEIGHT - BOTTOM, TOP, logarithmic_y)
    parts = [text(WIDTH / 2, 20, title, extra='font-size="15"')]
    for tick in ys.ticks():
        y = ys.place(tick)
        parts += [line(LEFT, y, WIDTH - RIGHT, y), text(LEFT - 8, y + 4, short(tick), "end")]
    for tick in x_ticks or xs.ticks():
        x = xs.place(tick)
        parts += [line(x, HEIGHT - BOTTOM, x, HEIGHT - BOTTOM + 5, "#57606a"),
                  text(x, HEIGHT - BOTTOM + 18, short(tick))]
    parts += [line(LEFT, HEIGHT - BOTTOM, WIDTH - RIGHT, HEIGHT - BOTTOM, "#57606a"),
              text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - BOTTOM + 34, x_name),
              text(18, HEIGHT / 2, y_name, extra=f'transform="rotate(-90 18 {HEIGHT / 2})"')]
    others = iter(OTHER_COLOURS * 4)
    for number, (name, line_points) in enumerate(series):
        colour = COLOURS.get(name.lower()) or next(others)
        places = [(xs.place(x), ys.place(y)) for x, y in line_points
                  if not logarithmic_y or y > 0]
        joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        parts.append(f'<polyline points="{joined}" fill="none" stroke="{colour}" stroke-width="2"/>')
        if len(places) <= 40:
            parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>'
                      for x, y in places]
        x = LEFT + 120 * number
        parts += [line(x, HEIGHT - 12, x + 20, HEIGHT - 12, colour, 'stroke-width="3"'),
                  text(x + 26, HEIGHT - 8, name, "start")]
    write(path, parts)


def ratios(path, title, rows):
    """Horizontal bars. `rows`: (name, ratio that is better above 1, goal or None)."""
    rows = [row for row in rows if row[1]]
    if not rows:
        return
    # Room for the longest name, and for the figures behind all bars and marks.
    left, step = 24 + 6.6 * max(len(name) for name, *_ in rows), 24
    height = TOP + step * len(rows) + 40
    bounds = [v for _, ratio, goal in rows for v in (ratio, goal or 1)] + [0.5, 2]
    scale = Scale(bounds, left, WIDTH - 70, True)
    parts = [text(WIDTH / 2, 20, title, extra='font-size="15"')]
    for tick in [0.1, 0.25, 0.5, 1, 2, 4, 8, 16, 32, 64, 128]:
        if left - 1 <= scale.place(tick) <= WIDTH - 69:
            x = scale.place(tick)
            parts += [line(x, TOP - 8, x, height - 34), text(x, height - 18, f"{tick:g}")]
    zero = scale.place(1)
    for number, (name, ratio, goal) in enumerate(rows):
        y = TOP + step * number
        x = scale.place(ratio)
        good = goal is None or ratio >= goal
        parts.append(f'<rect x="{min(zero, x):.1f}" y="{y}" width="{abs(x - zero):.1f}" '
                     f'height="14" fill="{COLOURS["kvd"] if good else "#cf222e"}"/>')
        parts += [text(left - 8, y + 12, name, "end"),
                  text(WIDTH - 16, y + 12, f"{ratio:.2f}", "end")]
        if goal is not None:
            g = scale.place(goal)
            parts.append(line(g, y - 3, g, y + 17, "black", 'stroke-width="2"'))
    parts.append(text(WIDTH / 2, height - 3, "kvd beside the peer, higher is better; black: the goal"))
    write(path, parts, height)
