"""The figures of bench/run as tables: for the terminal, and for docs/BENCHMARKS.md with its charts."""
import os
import pathlib
import platform
import re
import shutil
import statistics
import subprocess

NO_DIFFERENCE = 1.3  # below this factor nothing is called a difference


def runs_of(lines, workload, server):
    return [line for line in lines if line["name"] == workload.name and line["server"] == server]


def servers_of(lines, workload):
    return list(dict.fromkeys(line["server"] for line in lines if line["name"] == workload.name))


def corrected(workload, line):
    """The figure at the machine's usual speed; memory does not depend on it."""
    return workload.figure(line) if workload.unit == "KB" else workload.figure(line) / line["slow"]


def shown(workload, value):
    value /= 1024 if workload.unit == "KB" else 1000
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:,.0f}"


def spread(workload, values):
    text = shown(workload, statistics.median(values))
    if len(values) > 1:
        text += f" ({shown(workload, min(values))}-{shown(workload, max(values))})"
    return text


def ratio(workload, lines, server, base):
    """Median of the ratios within each round; None without a base."""
    of_base = {line["round"]: corrected(workload, line) for line in runs_of(lines, workload, base)}
    found = [corrected(workload, line) / of_base[line["round"]] for line in runs_of(lines, workload, server) if line["round"] in of_base]
    return statistics.median(found) if found and server != base else None


def median_of(runs, key, scale):
    return f"{statistics.median(line[key] for line in runs) / scale:,.0f}"


def row(workload, lines, server):
    runs = runs_of(lines, workload, server)
    times = workload.unit != "KB"
    against = ratio(workload, lines, server, workload.base)
    measured_latency = times and any(line["p99_ns"] for line in runs)
    return {
        "workload": workload.title,
        "server": server,
        "figure": spread(workload, [corrected(workload, line) for line in runs]) + ("" if times else " KB"),
        "ratio": f"{against:.2f}" if against else "",
        "rate": f"{statistics.median(workload.rate(line) for line in runs):,.0f}" if times else "",
        "p50": median_of(runs, "p50_ns", 1000) if measured_latency else "",
        "p99": median_of(runs, "p99_ns", 1000) if measured_latency else "",
        "stop": f"{statistics.median(line['stop_ns'] / max(1, line[workload.per]) for line in runs) / 1000:.2f}" if times else "",
        "core": f"{statistics.median(line['cpu_ns'] / line['run_ns'] for line in runs) * 100:.1f} %",
    }


HEADS = {"workload": "workload", "server": "server", "figure": "CPU µs each", "ratio": "x", "rate": "a second", "p50": "p50 µs",
         "p99": "p99 µs", "stop": "stop µs", "core": "of a core"}


def all_rows(chosen, lines):
    return [row(workload, lines, server) for workload in chosen for server in servers_of(lines, workload)]


def print_table(chosen, lines):
    rows = [HEADS, *all_rows(chosen, lines)]
    widths = {key: max(len(str(line[key])) for line in rows) for key in HEADS}
    for line in rows:
        print("  ".join(line[key].ljust(widths[key]) if key in ("workload", "server") else line[key].rjust(widths[key])
                        for key in HEADS))


# ---- docs/BENCHMARKS.md ----

def markdown(heads, rows):
    table = ["| " + " | ".join(heads) + " |", "| " + " | ".join("---" for _ in heads) + " |"]
    return "\n".join(table + ["| " + " | ".join(cells) + " |" for cells in rows])


def cost_of(workload, lines, server):
    runs = runs_of(lines, workload, server)
    return spread(workload, [corrected(workload, line) for line in runs]) if runs else ""


def table(chosen, lines):
    """One row a workload: the limit, the durable limit, earshot, and what others were seen to cost."""
    rows = []
    for workload in chosen:
        cells = [cost_of(workload, lines, server) for server in ("limit, plain TCP", "limit", "limit, durable")]
        for server in ("earshot", "earshot, spread"):
            multiples = [ratio(workload, lines, server, base) for base in ("limit", "limit, durable")]
            cells += [cost_of(workload, lines, server), " / ".join(f"{multiple:.2f}" if multiple else "-" for multiple in multiples)]
        rows.append([workload.title + (", KB each" if workload.unit == "KB" else ""), *cells, workload.aim, workload.others])
    return markdown(["workload", "limit, plain TCP", "limit", "limit, durable", "**earshot**", "x limit / x durable limit",
                     "**spread**", "x limit / x durable limit", "aim", "others, another day"], rows)


def latencies(chosen, lines):
    rows = [[line["workload"], line["server"], line["rate"], line["p50"], line["p99"], line["core"], line["stop"]]
            for line in all_rows(chosen, lines)]
    return markdown(["workload", "server", "a second", "p50 µs", "p99 µs", "of a core", "at the stop, µs each"], rows)


def first_line(command):
    try:
        return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False).stdout.split("\n")[0]
    except OSError:
        return "not found"


def processor():
    found = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    return found.group(1) if found else platform.machine()


def system():
    found = re.search(r'PRETTY_NAME="(.*)"', pathlib.Path("/etc/os-release").read_text())
    return found.group(1) if found else platform.system()


def surroundings(lines, options):
    speeds = [line["speed"] for line in lines]
    rounds = max(line["round"] for line in lines) + 1
    commit = first_line(["git", "-C", str(options.build.parent), "describe", "--always", "--dirty"])
    return "\n".join([
        f"* Machine: {processor()}, {os.cpu_count()} cores, {os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') >> 30} GiB; "
        f"{system()}, Linux {platform.release()}; {first_line(['openssl', 'version'])}; {first_line(['cc', '--version'])}.",
        f"* {first_line([str(options.build / 'earshotd'), '--version'])}, commit {commit}; "
        f"{'its default of one event loop per core, filled one after the other' if not options.threads else f'{options.threads} event loops'}; "
        f"{len(lines)} runs in {rounds} rounds.",
        f"* The machine's speed, in nanoseconds of CPU for a loopback round trip: {statistics.median(speeds):,.0f}; between "
        f"{min(speeds):,.0f} and {max(speeds):,.0f} around the runs, {max(speeds) / min(speeds):.2f} x. Times of CPU are corrected for "
        f"it; rates and latencies are not. Below {NO_DIFFERENCE} x call nothing a difference.",
    ])


def put(text, name, content):
    """Between the markers of that name."""
    pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
    if not pattern.search(text):
        raise SystemExit(f"bench: docs/BENCHMARKS.md has no place for {name}")
    return pattern.sub(lambda found: found.group(1) + content + "\n" + found.group(2), text)


def growth_table(chosen, lines):
    rows = [[workload.title, cost_of(workload, lines, "one loop"), cost_of(workload, lines, "two loops"),
             *[f"{statistics.median(workload.rate(line) for line in runs_of(lines, workload, server)):,.0f}"
               for server in ("one loop", "two loops")]] for workload in chosen]
    return markdown(["accounts, messages", "one loop, CPU µs each", "two loops", "one loop, a second", "two loops"], rows)


def loops_table(chosen, lines):
    """What the busiest loop takes says how much it could carry, had everything else a core of its own."""
    rows = []
    for workload in chosen:
        for server in servers_of(lines, workload):
            runs = runs_of(lines, workload, server)
            busiest = statistics.median(line["loop_ns"] / line["slow"] / max(1, line[workload.per]) for line in runs)
            rows.append([workload.title, server, f"{statistics.median(workload.rate(line) for line in runs):,.0f}",
                         cost_of(workload, lines, server), shown(workload, busiest), f"{1e9 / busiest:,.0f}"])
    return markdown(["workload", "event loops", "a second", "CPU µs each", "of which the busiest loop", "it would be full at, a second"], rows)


def write_report(directory, chosen, lines, options):
    page = directory / "BENCHMARKS.md"
    text = page.read_text()
    growing = [workload for workload in chosen if workload.name.startswith("growth-")]
    spreading = [workload for workload in chosen if workload.name.startswith("loops-")]
    others = [workload for workload in chosen if workload not in growing + spreading]
    if others:
        text = put(text, "table", table(others, lines))
        text = put(text, "latencies", latencies(others, lines))
        text = put(text, "machine", surroundings(lines, options))
        chart_costs(directory, others, lines)
        chart_latencies(directory, others, lines)
    if growing:
        text = put(text, "growth", surroundings(lines, options) + "\n\n" + growth_table(growing, lines))
        chart_growth(directory, growing, lines)
    if spreading:
        text = put(text, "loops", loops_table(spreading, lines))
    page.write_text(text)


# ---- charts ----

STYLE = """set terminal svg size 900,{height} dynamic font "sans-serif,13" background "white"
set output "{output}"
set style data histograms
set style histogram clustered gap 1
set style fill solid 0.85 noborder
set boxwidth 0.9
set grid ytics lc rgb "#dddddd"
set key top {key} horizontal
set border 3
set tics nomirror out
set xtics rotate by -25
set yrange [{least}:*]
{more}
set title "{title}"
set ylabel "{unit}"
$data << END
{data}
END
plot {plots}
"""
COLOURS = ["#b8c4d6", "#7c93b5", "#45618c", "#d9822b", "#eab676"]


def gnuplot(output, title, unit, columns, rows, **more):
    """rows: a name and a value for each column; None leaves a gap."""
    if shutil.which("gnuplot") is None:
        print("bench: gnuplot is missing, so there are no charts (tools/deps bench)")
        return
    data = "\n".join(" ".join([f'"{name}"', *["NaN" if value is None else f"{value:.4g}" for value in values]]) for name, values in rows)
    plots = ", ".join(f'$data using {n + 2}:xtic(1) title "{column}" lc rgb "{COLOURS[n - len(columns)]}"'
                      for n, column in enumerate(columns))
    script = STYLE.format(output=output, title=title, unit=unit, data=data, plots=plots, height=more.get("height", 420),
                          key=more.get("key", "right"), least=more.get("least", "0"), more=more.get("more", ""))
    subprocess.run(["gnuplot"], input=script, text=True, check=True)


def median_cost(workload, lines, server):
    runs = runs_of(lines, workload, server)
    return statistics.median(corrected(workload, line) for line in runs) / 1000 if runs else None


def chart_costs(directory, chosen, lines):
    servers = ["limit, plain TCP", "limit", "limit, durable", "earshot", "earshot, spread"]
    rows = [(workload.name, [median_cost(workload, lines, server) for server in servers]) for workload in chosen if workload.unit == "us"]
    if rows:
        gnuplot(directory / "bench-cost.svg", "What a delivered message costs the server", "CPU, µs (logarithmic)", servers, rows,
                least="0.05", more="set logscale y", key="left")


def chart_latencies(directory, chosen, lines):
    for workload in chosen:
        if workload.name != "light":
            continue
        rows = [(server, [statistics.median(line[key] for line in runs_of(lines, workload, server)) / 1000
                          for key in ("p50_ns", "p99_ns")]) for server in servers_of(lines, workload)]
        gnuplot(directory / "bench-latency.svg", "One-way latency at 2,000 messages a second", "µs", ["p50", "p99"], rows)


def chart_growth(directory, chosen, lines):
    rows = [(workload.title.replace(" accounts, ", " / ").replace(" messages stored", ""),
             [median_cost(workload, lines, server) for server in ("one loop", "two loops")]) for workload in chosen]
    gnuplot(directory / "bench-growth.svg", "Cost of a message as accounts / stored messages grow", "CPU, µs", ["one loop", "two loops"],
            rows)
