"""`go test std` twice: every test binary of Go's standard library is linked, then again after one edit in `strings`.

What counts is the sum of the link times of a run, Go's linker's divided by linkd's. The first run starts without a
daemon and without its cache. Each further run follows an edit in `strings` (a log call more in a function that all of
these programs have in them, so that addresses move) and consists of the links that the go command would make again:
those whose request is another than before. Requests are made from the build's own commands (`linkctl capture`), and
every one goes to both linkers in turn.
"""

import os
import statistics

import bench_core as core
import edits
import plot_curves as curves

CASES = ("first", "second")
REPEAT = 3
SOURCE, FUNCTION = "src/strings/strings.go", "genSplit"
PACKAGES = "{{if or .TestGoFiles .XTestGoFiles}}{{.ImportPath}}{{end}}"


def measure(pairs, args, results, save):
    """Puts the figures into `results`, as they go into JSON, and saves after each run."""
    ldflags = args.ldflags[0] if args.ldflags else None
    source = os.path.join(pairs.environment["GOROOT"], SOURCE)
    cwd = os.path.join(pairs.environment["GOROOT"], "src")
    packages = pick(pairs.go(["list", "-f", PACKAGES, "std"], cwd=cwd).split(), args.limit)

    def requests(name, edit, n):
        core.say("std: building %d test binaries, state '%s'" % (len(packages), name))
        overlay = edits.overlay(source, FUNCTION, edit, n, os.path.join(pairs.scratch, "overlay-" + name))
        # -vet=off: vet would only make the builds longer. Nothing is run: without a binary there is no test.
        found = pairs.capture(["go", "test", "-vet=off", "-overlay=" + overlay, *packages],
                              os.path.join(pairs.scratch, "bundles/std", name), cwd, expected=len(packages))
        return found if ldflags is None else [bundle.with_ldflags(ldflags.split()) for bundle in found]

    # The first state has an overlay, too, so that the next one differs in nothing but the edit.
    edited = range(args.repeat if "second" in args.cases else 0)
    states = [requests("first", None, 0)] + [requests("edit-%d" % n, "log", n) for n in edited]
    # A bundle's name ends in a hash of what decides the link: a request with a name of before is not made again.
    results.update({"binaries": len(packages), "all": not args.limit, "ldflags": ldflags, "runs": []})
    known = set()
    for number, state in enumerate(states):
        changed = [bundle for bundle in state if bundle.name not in known]
        known = {bundle.name for bundle in state}
        done = run(pairs, changed, number, "first" if number == 0 else "second", args)
        if done:
            results["runs"].append(done)
            results.update({"memory": pairs.held(), "daemon": holdings(pairs.daemon.status())})
            save()


def pick(names, limit):
    """`limit` of the names, or all, evenly from the whole list."""
    if not limit or limit >= len(names):
        return names
    return [names[i * len(names) // limit] for i in range(limit)]


def holdings(status):
    """What the daemon says of the links it made, and of the programs it holds within its budget of memory."""
    return {key: status[key] for key in ("links", "engine") if key in status} if status else None


def run(pairs, bundles, number, case, args):
    """Links all requests of one state with both linkers, one after the other."""
    core.say("std: %d links, %s run" % (len(bundles), case))
    if number == 0:
        pairs.daemon.forget()
    for bundle in bundles:  # the inputs are in the page cache from here on, as they are when they were just compiled
        warm(bundle)
    links, passes = [], {}
    for index, bundle in enumerate(bundles):
        name = bundle.name.rpartition("-")[0]
        if case not in args.cases:
            pairs.linkd(bundle)
            continue
        want, got = pairs.pair(bundle, "%s, %s run" % (name, case), (index + number) % 2 == 1)
        links.append({"name": name, "real": round(want.seconds, 5), "linkd": round(got.seconds, 5),
                      "size": os.path.getsize(want.out), "real_peak": want.peak, **why(pairs.explained(), passes)})
    return {"case": case, "number": number, "links": links, "passes": passes,
            "load": round(os.getloadavg()[0], 1)} if links else None


def warm(bundle):
    """Reads a request's inputs."""
    with open(bundle.importcfg, encoding="utf-8", errors="surrogateescape") as config:
        names = [line.rstrip("\n").partition("=")[2] for line in config if line.startswith("packagefile ")]
    for name in [bundle.args[-1]] + names:
        if os.path.isfile(bundle.path(name)):
            with open(bundle.path(name), "rb") as file:
                while file.read(1 << 20):
                    pass


def why(record, passes):
    """How the daemon made a link, in the words of docs/protocol.md; adds its passes' seconds to `passes`."""
    report = record.get("report") or {}
    phases = report.get("phases") or []
    for name, ns in [(phase["name"], phase["ns"]) for phase in phases] + [("all", report.get("wallNs", 0))]:
        passes[name] = round(passes.get(name, 0) + ns / 1e9, 5)
    besides = (report.get("wallNs", 0) - sum(phase["ns"] for phase in phases)) / 1e9
    explanation = report.get("explanation") or {}
    program, image = explanation.get("program") or {}, explanation.get("image") or {}
    return {"besides": round(besides, 5), "how": report.get("how"),
            "program": " ".join(filter(None, (program.get("how"), program.get("reason")))),
            "image": " ".join(filter(None, (image.get("how"), image.get("reason"))))}


def sums(run):
    return sum(link["real"] for link in run["links"]), sum(link["linkd"] for link in run["links"])


def table(results):
    std = results["std"]
    lines = ["go test std, linked and linked again after a log call was added to strings.%s; %s; wall time as the caller "
             "sees it" % (FUNCTION, "-s -w" if std["ldflags"] is None else std["ldflags"] or "default flags"),
             "sums over the links of a run, both linkers in turn on each request; %d test binaries%s; load: the machine's at "
             "its end" % (std["binaries"], "" if std["all"] else ", a part of std only"),
             "%-8s %6s %5s %10s %10s %11s %11s   %s" % (
                 "run", "links", "load", "real s", "linkd s", "real/linkd", "linkd/real",
                 "linkd/real of one link: median (smallest–largest)")]
    for run_ in std["runs"]:
        real, linkd = sums(run_)
        lines.append("%-8s %6d %5.1f %10.2f %10.2f %11.2f %11.3f   %s" % (
            run_["case"], len(run_["links"]), run_["load"], real, linkd, real / linkd, linkd / real,
            core.spread([link["linkd"] / link["real"] for link in run_["links"]])))
    seconds = [run_ for run_ in std["runs"] if run_["case"] == "second"]
    if seconds:
        lines.append("second run, sum of real / sum of linkd: %s of %d" % (
            core.spread([sums(r)[0] / sums(r)[1] for r in seconds]), len(seconds)))
        lines += ways(seconds) + passes(seconds) + worst(seconds)
    memory = std["memory"]
    if memory:
        lines.append("memory after the last run, MB: daemon's private %d, its peak RSS %d; real linker's largest peak RSS %d" % (
            (memory["private"] or 0) >> 20, (memory["peak_rss"] or 0) >> 20,
            max(link["real_peak"] for run_ in std["runs"] for link in run_["links"]) >> 20))
    engine, links = (std["daemon"] or {}).get("engine", {}), (std["daemon"] or {}).get("links", {})
    lines.append("the daemon holds %s programs, budget %d MB; %s links made, %s fell back" % (
        engine.get("programsResident"), engine.get("budgetBytes", 0) >> 20, links.get("linked"), links.get("fellBack")))
    return "\n".join(lines)


def ways(runs):
    """How the daemon made the links of the second runs, and what each way cost."""
    groups = {}
    for link in (link for run_ in runs for link in run_["links"]):
        groups.setdefault((link["how"], link["program"], link["image"]), []).append(link)
    lines = ["how linkd made the links of the second runs (program; image):"]
    for (how, program, image), links in sorted(groups.items(), key=lambda item: -len(item[1])):
        lines.append("  %5d %s (%s; %s): %s ms, linkd/real %.3f" % (
            len(links), how, program or "-", image or "-", core.spread([link["linkd"] for link in links], 1e3),
            sum(link["linkd"] for link in links) / sum(link["real"] for link in links)))
    return lines


def passes(runs):
    """Where linkd's time goes: the sum of each pass over a run, mean of the runs, as the daemon tells it."""
    names = {name: sum(run_["passes"].get(name, 0) for run_ in runs) / len(runs) for run_ in runs for name in run_["passes"]}
    total = sum(sums(run_)[1] for run_ in runs) / len(runs)
    inside = names.pop("all", 0)
    largest = sorted(names.items(), key=lambda item: -item[1])[:8]
    return ["where linkd's %.1f s go: %s, other passes %.2f, besides the passes %.2f, outside of the daemon %.2f" % (
        total, ", ".join("%s %.2f" % item for item in largest), sum(names.values()) - sum(s for _, s in largest),
        inside - sum(names.values()), total - inside)]


def medians(runs):
    """[(name, size in bytes, median seconds of the real linker, and of linkd)] over the runs given."""
    by_name = {}
    for link in (link for run_ in runs for link in run_["links"]):
        by_name.setdefault(link["name"], []).append(link)
    return [(name, links[-1]["size"], statistics.median(l["real"] for l in links),
             statistics.median(l["linkd"] for l in links)) for name, links in by_name.items()]


def worst(runs, count=8):
    """The test binaries that gain least, and those that linkd takes longest for."""
    found = medians(runs)
    lines = []
    for title, key in (("gain least", lambda m: -m[3] / m[2]), ("take linkd longest", lambda m: -m[3])):
        lines.append("second run, those that %s (medians):" % title)
        lines += ["  %-34s %6.1f MB, real %5.0f ms, linkd %5.0f ms, linkd/real %.3f" % (
            name, size / 1e6, real * 1e3, linkd * 1e3, linkd / real) for name, size, real, linkd in sorted(found, key=key)[:count]]
    return lines


def svg(results):
    """One panel for each kind of run: the links in the order of Go's linker's time, both linkers' times."""
    panels = []
    for case in CASES:
        runs = [run_ for run_ in results["std"]["runs"] if run_["case"] == case]
        if not runs:
            continue
        found = sorted(medians(runs), key=lambda m: m[2])
        ratio = statistics.median(sums(r)[0] / sums(r)[1] for r in runs)
        panels.append(curves.Panel(
            "%s run: %d links, Go's linker's sum is %.1f times linkd's" % (case, len(found), ratio),
            "test binaries, by Go's linker's time", "ms", [
                curves.Series("Go's linker", curves.REAL, [(i + 1, [m[2] * 1e3]) for i, m in enumerate(found)]),
                curves.Series("linkd", curves.LINKD, [(i + 1, [m[3] * 1e3]) for i, m in enumerate(found)])],
            log_y=True, dots=True))
    return curves.svg(panels, results["machine"], "medians of %d" % results["repeat"])
