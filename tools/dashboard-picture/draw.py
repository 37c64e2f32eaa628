"""Draws the queries of the dashboard with what a real Prometheus answers."""

import argparse
import json
import os
import re
import time
from datetime import datetime, timezone

import matplotlib

matplotlib.use("Agg")
import matplotlib.dates
import matplotlib.pyplot as plt
import matplotlib.ticker
from PIL import Image

import watch

DASHBOARD = "observability/hopguard-dashboard.json"
RULES = "observability/hopguard-alerts.yaml"
STEP = 5
COLUMN, ROW = 0.62, 0.27  # inches
LINES = 7  # of a legend


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    for name in ("demo", "prometheus", "picture"):
        arguments.add_argument(f"--{name}", required=True)
    arguments.add_argument("--seconds", type=int, required=True)
    told = arguments.parse_args()
    with open(DASHBOARD) as file:
        dashboard = json.load(file)
    with watch.demo(told.demo) as (target, directory, commands):
        with watch.prometheus(told.prometheus, target, os.path.abspath(RULES)) as address:
            print(f"{len(commands)} commands of the demo for {told.seconds} s", flush=True)
            started = time.time()
            watch.traffic(directory, commands, told.seconds)
            source = Source(address, started, time.time())
            draw(dashboard, source, told.picture)
            alerts = watch.ask(address, "alerts")["alerts"]
    for state in ("firing", "pending"):
        names = sorted({a["labels"]["alertname"] for a in alerts if a["state"] == state})
        print(f"{state}: {', '.join(names)}")


class Source:
    """Prometheus, over the time that is drawn."""

    def __init__(self, address, start, end):
        self.address, self.start, self.end = address, start, end

    def query(self, target):
        seconds = int(self.end - self.start)
        expr = target["expr"]
        for name, value in (
            ("$__rate_interval", "20s"),
            ("$__range", f"{seconds}s"),
            ("$job", ".*"),
            ("$instance", ".*"),
            ("$cluster", ".*"),
        ):
            expr = expr.replace(name, value)
        if target["instant"]:
            answer = watch.ask(self.address, "query", query=expr, time=self.end)
        else:
            answer = watch.ask(
                self.address, "query_range", query=expr, start=self.start, end=self.end, step=STEP
            )
        return [
            (legend(target, one["metric"]), one["metric"], one.get("values") or [one["value"]])
            for one in answer["result"]
        ]


def legend(target, labels):
    text = target["legendFormat"]
    return re.sub(r"\{\{\s*(\w+)\s*\}\}", lambda m: labels.get(m.group(1), ""), text)


def draw(dashboard, source, picture):
    plt.rcParams.update({"font.size": 7, "axes.spines.top": False, "axes.spines.right": False})
    panels = dashboard["panels"]
    height = max(p["gridPos"]["y"] + p["gridPos"]["h"] for p in panels) + 1
    figure = plt.figure(figsize=(24 * COLUMN, height * ROW), dpi=85)
    for panel in panels:
        place = panel["gridPos"]
        left, top = place["x"] / 24, 1 - place["y"] / height
        if panel["type"] == "row":
            figure.text(0.006, top - 0.7 / height, panel["title"], fontsize=10, weight="bold")
            continue
        series = [one for target in panel["targets"] for one in source.query(target)]
        title = panel["title"]
        figure.text(left + 0.006, top - 0.8 / height, title, fontsize=8, color="#333333")
        width, tall = place["w"] / 24, place["h"] / height
        box = [left + 0.03, top - tall + 1.1 / height, width - 0.04, tall - 2.4 / height]
        {"stat": stat, "table": table, "timeseries": lines}[panel["type"]](
            figure, box, panel, series, source
        )
    figure.savefig(picture)
    plt.close(figure)
    # A drawing of few colours.
    Image.open(picture).convert("P", palette=Image.ADAPTIVE, colors=64).save(picture, optimize=True)


def stat(figure, box, panel, series, source):
    defaults = panel["fieldConfig"]["defaults"]
    texts = []
    for label, _, values in series:
        value = float(values[-1][1])
        steps = defaults["thresholds"]["steps"]
        color = [s["color"] for s in steps if s["value"] is None or value >= s["value"]][-1]
        days = " days" if defaults["unit"] == "d" else ""
        name = f"{label}: " if len(series) > 1 else ""
        texts.append((f"{name}{value:,.0f}{days}", color))
    texts = texts or [(defaults.get("noValue", "no data"), "gray")]
    size = 22 if len(texts) == 1 else 11
    for i, (text, color) in enumerate(texts):
        y = box[1] + box[3] * (1 - (i + 0.75) / len(texts))
        figure.text(box[0], y, text, fontsize=size, color=color)


def table(figure, box, panel, series, source):
    axes = figure.add_axes(box)
    axes.axis("off")
    rows = [[f"{float(values[-1][1]):.0f}", labels] for _, labels, values in series]
    rows.sort(key=lambda row: -float(row[0]))
    names = ["direction", "control", "cause", "rule"]
    cells = [[count] + [labels.get(name, "") for name in names] for count, labels in rows[:9]]
    drawn = axes.table(
        cells or [[""] * 5],
        colLabels=["count"] + names,
        cellLoc="left",
        loc="upper left",
        colWidths=[0.09, 0.17, 0.12, 0.38, 0.24],
        edges="horizontal",
    )
    drawn.auto_set_font_size(False)
    drawn.set_fontsize(6.5)
    for cell in drawn.get_celld().values():
        cell.set_linewidth(0.2)


def lines(figure, box, panel, series, source):
    x, y, width, height = box
    axes = figure.add_axes([x, y, width * 0.62, height])
    custom = panel["fieldConfig"]["defaults"]["custom"]
    series.sort(key=lambda one: -max(float(v) for _, v in one[2]))
    colors = plt.get_cmap("tab20").colors
    base = {}
    for i, (label, _, values) in enumerate(series):
        color = colors[i % len(colors)]
        times = [datetime.fromtimestamp(t, timezone.utc) for t, _ in values]
        numbers = [float(v) for _, v in values]
        shown = label if i < LINES else None
        if i == LINES:
            shown = f"and {len(series) - LINES} more"
        if custom["drawStyle"] == "bars":
            under = [base.get(t, 0) for t in times]
            axes.bar(times, numbers, STEP / 86_400, under, color=color, label=shown)
            base.update({t: u + n for t, u, n in zip(times, under, numbers)})
        else:
            axes.plot(times, numbers, linewidth=1, color=color, label=shown)
    axes.set_ylim(bottom=0)
    axes.set_xlim(*(datetime.fromtimestamp(t, timezone.utc) for t in (source.start, source.end)))
    axes.xaxis.set_major_locator(matplotlib.ticker.LinearLocator(4))
    axes.xaxis.set_major_formatter(matplotlib.dates.DateFormatter("%H:%M:%S"))
    axes.tick_params(labelsize=6, length=2, width=0.5)
    axes.grid(axis="y", linewidth=0.3)
    if series:
        axes.legend(loc="upper left", bbox_to_anchor=(1, 1.05), frameon=False, fontsize=6)
    else:
        axes.set_xticks([])
        axes.text(0.5, 0.5, "nothing", transform=axes.transAxes, ha="center", color="gray")


main()
