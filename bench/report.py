"""The figures of bench/run as tables: for the terminal, and for docs/BENCHMARKS.md with its charts."""
import statistics


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


def ratios(workload, lines, server):
    """To the base, within each round."""
    base = {line["round"]: corrected(workload, line) for line in runs_of(lines, workload, workload.base)}
    return [corrected(workload, line) / base[line["round"]] for line in runs_of(lines, workload, server) if line["round"] in base]


def row(workload, lines, server):
    runs = runs_of(lines, workload, server)
    against = ratios(workload, lines, server)
    latency = workload.unit != "KB"
    return {
        "workload": workload.title,
        "server": server,
        "figure": spread(workload, [corrected(workload, line) for line in runs]) + (" KB" if workload.unit == "KB" else ""),
        "ratio": f"{statistics.median(against):.2f}" if against and server != workload.base else "",
        "rate": f"{statistics.median(workload.rate(line) for line in runs):,.0f}" if latency else "",
        "p50": f"{statistics.median(line['p50_ns'] for line in runs) / 1000:,.0f}" if latency else "",
        "p99": f"{statistics.median(line['p99_ns'] for line in runs) / 1000:,.0f}" if latency else "",
    }


def print_table(chosen, lines):
    rows = [row(workload, lines, server) for workload in chosen for server in servers_of(lines, workload)]
    heads = {"workload": "workload", "server": "server", "figure": "µs of CPU each", "ratio": "x", "rate": "a second",
             "p50": "p50 µs", "p99": "p99 µs"}
    widths = {key: max(len(str(line[key])) for line in [heads, *rows]) for key in heads}
    for line in [heads, *rows]:
        print("  ".join(line[key].ljust(widths[key]) if key in ("workload", "server") else line[key].rjust(widths[key])
                        for key in heads))


def write_report(directory, chosen, lines):
    raise NotImplementedError
