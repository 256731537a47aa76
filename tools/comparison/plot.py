"""Quality against parameters as one SVG: a mark for each model, a line along each method's best."""
from xml.sax.saxutils import escape

import metrics
from methods import METHODS
from report import is_better, quality

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 900, 540, 70, 300, 40, 60


def best_line(points, metric):
    """The points that no smaller model of the method matches, by size."""
    result = []
    for share, value in sorted(points, key=lambda point: (point[0], -point[1])):
        if not result or is_better(metric, value, result[-1][1]):
            result.append((share, value))
    return result


def ticks(low, high, count=6):
    """Round numbers between two others."""
    step = 10.0 ** -6
    steps = (1, 2, 5)
    index = 0
    while (high - low) / step > count:
        index += 1
        step = steps[index % 3] * 10.0 ** (index // 3 - 6)
    first = int(low / step) + (low > 0 and low % step > 1e-9 * step)
    return [round(first * step + k * step, 9) for k in range(count + 2)
            if low - 1e-9 <= first * step + k * step <= high + 1e-9]


def svg(runs, original, case, budgets):
    metric = case.metric
    points = {}
    for run in runs:
        value = quality(run, metric)
        if value is not None:
            share = run.scores["parameters"] / original["parameters"]
            points.setdefault(run.setting.method, []).append((share, value))
    lines = {name: best_line(values, metric) for name, values in points.items()}
    start = min(min(budgets) / 100, 0.95) - 0.03
    reference = original[metric]
    shown = [value for line in lines.values() for share, value in line if share >= start] + [reference]
    if metrics.HIGHER[metric]:
        low, high = max(min(shown), reference - 0.5), max(shown)
    else:
        low, high = min(shown), min(max(shown), 1.0)
    margin = 0.04 * (high - low) or 0.01
    low, high = low - margin, high + margin

    def place(share, value):
        x = LEFT + (share - start) / (1.03 - start) * (WIDTH - LEFT - RIGHT)
        y = HEIGHT - BOTTOM - (value - low) / (high - low) * (HEIGHT - TOP - BOTTOM)
        return f"{x:.1f}", f"{y:.1f}"

    def text(x, y, words, anchor="middle"):
        return f'<text x="{x}" y="{y}" text-anchor="{anchor}">{escape(words)}</text>'

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
           'font-family="sans-serif" font-size="13">',
           f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
           text((LEFT + WIDTH - RIGHT) / 2, 24, f"{case.name}, held-out samples"),
           text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 16, "parameters, share of the original's"),
           text(LEFT, TOP - 8, metric.replace("_", " "))]
    for share in ticks(start, 1.0, 8):
        x, y = place(share, low)
        out.append(f'<path d="M{x} {y}V{TOP}" stroke="#ddd"/>' + text(x, float(y) + 18, f"{share:.0%}"))
    for value in ticks(low, high):
        x, y = place(start, value)
        out.append(f'<path d="M{x} {y}H{WIDTH - RIGHT}" stroke="#ddd"/>'
                   + text(float(x) - 6, float(y) + 4, f"{value:g}", "end"))
    x, y = place(start, reference)
    out.append(f'<path d="M{x} {y}H{WIDTH - RIGHT}" stroke="black" stroke-dasharray="4 4"/>')

    def is_shown(point):
        return point[0] >= start and low <= point[1] <= high

    names = [name for name in METHODS if name in points]
    for index, name in enumerate(names):
        colour, line = METHODS[name].colour, [point for point in lines[name] if is_shown(point)]
        weight = 2.5 if METHODS[name].is_ours else 1.5
        path = "L".join(" ".join(place(*point)) for point in line)
        if path:
            out.append(f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="{weight}"/>')
        for point in sorted(filter(is_shown, points[name])):
            x, y = place(*point)
            out.append(f'<circle cx="{x}" cy="{y}" r="3" fill="{colour}"/>')
        x, y = WIDTH - RIGHT + 20, TOP + 12 + 20 * index
        out.append(f'<circle cx="{x}" cy="{y}" r="4" fill="{colour}"/>'
                   + text(x + 12, y + 4, METHODS[name].title, "start"))
    return "\n".join(out + ["</svg>", ""])
