"""How the time of a link grows: with the program, and with the number of packages edited at once.

`program` links programs of growing size, each after a log call was added to one package of its own (the case `log` of
scripts/bench), and copies the output with `cp`: the least that writing it costs. `edit` links cmd/go after log calls
were added to 1, 2, 5, ... of its packages at once, beginning with package main and going down the imports, and at last
to all of them. All links go to both linkers in turn and give the same bytes.
"""

import os
import statistics

import bench_core as core
import bench_programs
import edits
import plot_curves as curves

CASES = ("program", "edit")
REPEAT = 3
LADDER = ("hello", "gofmt", "vet", "go", "kubectl", "kubelet")
EDITED, COUNTS = "go", (1, 2, 5, 20, 50)
LIST = "{{.Dir}}\t{{.ImportPath}}\t{{range .GoFiles}}{{.}} {{end}}"


def measure(pairs, args, results, save):
    """Puts the figures into `results`, as they go into JSON, and saves after each point."""
    requests = bench_programs.Requests(pairs)
    flags = args.ldflags or ["", "-s -w"]
    if "program" in args.cases:
        for name in LADDER[:args.limit or None]:
            results.setdefault("program", []).extend(program(pairs, requests, name, flags, args.repeat))
            save()
    if "edit" in args.cases:
        functions = editable_packages(pairs, requests)
        counts = [count for count in COUNTS if count < len(functions)] + [len(functions)]
        for count in counts[:args.limit or None]:
            results.setdefault("edit", []).extend(edit(
                pairs, requests, dict(functions[:count]), flags, args.repeat, count == len(functions)))
            save()


def timed(pairs, base, states, what, copy=False):
    """Links the states of a program one after the other; the first edit is not measured, as it comes once."""
    pairs.linkd(base)
    pairs.linkd(states[0])
    runs = []
    for index, bundle in enumerate(states[1:]):
        want, got = pairs.pair(bundle, what, index % 2 == 1)
        explanation = (pairs.explained().get("report") or {}).get("explanation") or {}
        runs.append({"real": round(want.seconds, 5), "linkd": round(got.seconds, 5), "size": os.path.getsize(want.out),
                     "changed": explanation.get("changedCount"),
                     "touched": (explanation.get("symbols") or {}).get("touched"),
                     "image": (explanation.get("image") or {}).get("how")})
        if copy:
            pairs.copies(want.out, 1)
            runs[-1]["copy"] = round(pairs.copies(want.out, 1), 5)
    return runs


def program(pairs, requests, name, flags, repeat):
    core.say("growth: %s, %d builds" % (name, repeat + 2))
    found = []
    for ldflags in flags:
        base = requests.request(name, ldflags)
        states = [requests.request(name, ldflags, "log", n) for n in range(repeat + 1)]
        pairs.daemon.forget()
        pairs.real(base)  # the inputs are in the page cache from here on
        found.append({"program": name, "ldflags": ldflags, "runs": timed(pairs, base, states, name, copy=True),
                      "load": round(os.getloadavg()[0], 1)})
    return found


def edit(pairs, requests, functions, flags, repeat, is_all):
    count, found = len(functions), []
    core.say("growth: cmd/go with %d packages edited, %d builds" % (count, repeat + 1))
    states = [requests.edited(EDITED, functions, "log", n, os.path.join(requests.folder, "edit", "%d-%d" % (count, n)))
              for n in range(repeat + 1)]
    built = statistics.median(others(a, b) for a, b in zip(states, states[1:]))
    for ldflags in flags:
        pairs.daemon.forget()
        runs = timed(pairs, requests.request(EDITED, ldflags), [s.with_ldflags(ldflags.split()) for s in states],
                     "%d packages edited" % count)
        found.append({"program": "cmd/go", "ldflags": ldflags, "edited": count, "all": is_all, "built": built,
                      "load": round(os.getloadavg()[0], 1), "runs": runs})
    return found


def others(before, after):
    """How many packages of a program have another object file than before."""
    return len(objects(after) - objects(before))


def objects(bundle):
    """The names of a request's object files, which are hashes of their contents."""
    with open(bundle.importcfg, encoding="utf-8", errors="surrogateescape") as file:
        named = {line.rstrip("\n").partition("=")[2] for line in file if line.startswith("packagefile ")}
    return {os.path.basename(name) for name in named | {bundle.args[-1]}}


def editable_packages(pairs, requests):
    """[(file, function)]: of each package of cmd/go one function that can be edited and is in the linked program;
    package main first, then down the imports. Packages without such a function (`unsafe`) are left out.
    """
    linked = pairs.real(requests.request(EDITED, "")).out
    symbols = {line.split()[-1] for line in pairs.go(["tool", "nm", linked]).splitlines() if " T " in line or " t " in line}
    cwd = os.path.join(requests.places["root"], "src")
    found = []
    for line in reversed(pairs.go(["list", "-deps", "-f", LIST, "cmd/go"], cwd=cwd).splitlines()):
        folder, path, names = line.split("\t")
        prefix = "main" if path == "cmd/go" else linker_name(path)
        for source in (os.path.join(folder, name) for name in names.split()):
            with open(source, encoding="utf-8") as file:
                function = next((f for f in edits.editable(file.read()) if prefix + "." + f in symbols), None)
            if function:
                found.append((source, function))
                break
    return found


def linker_name(path):
    """An import path as symbols spell it (cmd/internal/objabi/path.go PathToPrefix): no dot in the last element."""
    head, slash, last = path.rpartition("/")
    return head + slash + last.replace(".", "%2e")


def table(results):
    growth = results["growth"]
    lines = ["wall time as the caller sees it; median (smallest–largest) of %d; both linkers in turn; each link follows an "
             "edit (log calls)" % results["repeat"]]
    head = "%-9s %-8s %8s %26s %26s %22s %10s"
    row = "%-9s %-8s %8s %26s %26s %22s %10.2f"
    if growth.get("program"):
        lines.append("\none package edited, programs of growing size")
        lines.append(head % ("program", "ldflags", "MB", "real ms", "linkd ms", "cp ms", "real/linkd") + "   linkd/cp")
    for point in growth.get("program", []):
        runs = point["runs"]
        lines.append(row % (point["program"], point["ldflags"] or "default", core.digits(runs[-1]["size"] / 1e6),
                            *sides(runs), core.spread([r["copy"] for r in runs], 1e3), gain(runs)) +
                     "   " + core.spread([r["linkd"] / r["copy"] for r in runs]))
    if growth.get("edit"):
        lines.append("\ncmd/go, a growing number of packages edited at once (package main first, then down the imports)")
        lines.append(head % ("packages", "ldflags", "compiled", "real ms", "linkd ms", "packages that say", "real/linkd"))
        lines.append(head % ("edited", "", "anew", "", "", "something else, symbols", ""))
    for point in growth.get("edit", []):
        runs = point["runs"]
        lines.append(row % ("%d%s" % (point["edited"], " (all)" if point["all"] else ""), point["ldflags"] or "default",
                            "%d" % point["built"], *sides(runs),
                            "%s, %s" % (runs[-1]["changed"], runs[-1]["touched"]), gain(runs)))
    return "\n".join(lines)


def sides(runs):
    return core.spread([r["real"] for r in runs], 1e3), core.spread([r["linkd"] for r in runs], 1e3)


def gain(runs):
    return statistics.median(r["real"] / r["linkd"] for r in runs)


def svg(results):
    """Two panels for each set of flags: time by output size, and time by packages edited."""
    growth, panels = results["growth"], []
    flags = dict.fromkeys(point["ldflags"] for points in growth.values() for point in points)
    for ldflags in flags:
        name = ldflags or "default flags"
        points = [p for p in growth.get("program", []) if p["ldflags"] == ldflags]
        if points:
            panels.append(curves.Panel(
                "one package edited, %s" % name, "size of the output, MB", "ms",
                [series(points, size, side) for side in ("real", "linkd", "copy")], log_x=True, log_y=True,
                ticks={size(p): "%s %s" % (p["program"], core.digits(size(p))) for p in points}))
        points = [p for p in growth.get("edit", []) if p["ldflags"] == ldflags]
        if points:
            panels.append(curves.Panel(
                "cmd/go, %s" % name, "packages edited at once", "ms",
                [series(points, lambda p: p["edited"], side) for side in ("real", "linkd")], log_x=True,
                ticks={p["edited"]: "%d%s" % (p["edited"], " (all)" if p["all"] else "") for p in points}))
    return curves.svg(panels, results["machine"], "medians of %d" % results["repeat"])


def size(point):
    return point["runs"][-1]["size"] / 1e6


def series(points, x, side):
    name, colour = {"real": ("Go's linker", curves.REAL), "linkd": ("linkd", curves.LINKD),
                    "copy": ("cp of the output", curves.COPY)}[side]
    return curves.Series(name, colour, [(x(p), [r[side] * 1e3 for r in p["runs"]]) for p in points])
