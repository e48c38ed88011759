"""What the measurements of scripts/bench share: both linkers on one request, in turn, every output compared."""

import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import time

import bundles as lib


class Pairs:
    """Links requests with Go's linker and with a daemon of its own; a difference between the outputs ends the run."""

    def __init__(self, linkctl, scratch, memory=None):
        self.scratch = scratch
        self.linkctl = lib.find_linkctl(linkctl)
        self.daemon = lib.Daemon(self.linkctl, os.path.join(scratch, "xdg"),
                                 {"LINKD_MEMORY": str(memory)} if memory else None)
        self.environment = lib.go_environment()

    # Requests

    def build_environment(self, more):
        return {**os.environ, **self.environment, **(more or {})}

    def go(self, words, cwd=None, env=None):
        """What a go command prints, as text; it must succeed."""
        done = subprocess.run(["go"] + words, cwd=cwd, env=self.build_environment(env),
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit("bench: go %s failed:\n%s" % (" ".join(words), done.stderr))
        return done.stdout

    def capture(self, command, folder, cwd, env=None, expected=1):
        """Builds with a go command up to its links, none of which is made; gives the requests, `expected` bundles in
        `folder`. Builds are not measured, so other work on the machine may go first (nice).
        """
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        shim = lib.capture_flag(self.linkctl, folder, only=True)
        done = subprocess.run(["nice", "-n", "10"] + command[:2] + [shim] + command[2:], cwd=cwd,
                              env=self.build_environment(env),
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        found = lib.Bundle.find([folder])
        if len(found) != expected:
            raise SystemExit("bench: %s gave %d link requests instead of %d:\n%s" % (
                " ".join(command), len(found), expected, done.stdout.decode("utf-8", "replace")[-8000:]))
        return found

    # Links

    def real(self, bundle):
        out = os.path.join(self.scratch, "real", "a.out")
        return good(lib.run_link(
            [bundle.tool], bundle, out, lib.child_environment(bundle, os.environ)), bundle)

    def linkd(self, bundle):
        out = os.path.join(self.scratch, "linkd", "a.out")
        env = lib.child_environment(bundle, os.environ, self.daemon.env)
        env.update({"LINKD_FALLBACK": "0", "LINKD_REAL_LINK": bundle.tool})
        return good(lib.run_link([self.linkctl, "link"], bundle, out, env), bundle)

    def pair(self, bundle, what, linkd_first):
        """Both linkers on one request; the order alternates so that neither always finds warm files."""
        if linkd_first:
            got, want = self.linkd(bundle), self.real(bundle)
        else:
            want, got = self.real(bundle), self.linkd(bundle)
        if subprocess.run(["cmp", "-s", want.out, got.out], check=False).returncode != 0:
            raise SystemExit("bench: %s: the output differs from the real linker's" % what)
        return want, got

    def copies(self, path, count=2):
        """Seconds for `count` times `cp` of a file, as a program would run them."""
        copy = os.path.join(self.scratch, "copy")
        started = time.perf_counter()
        for number in range(count):
            subprocess.run(["cp", path, copy + str(number)], check=True)
        seconds = time.perf_counter() - started
        for number in range(count):
            os.remove(copy + str(number))
        return seconds

    # What the daemon says

    def explained(self):
        """The daemon's record of its last link (docs/protocol.md), or an empty one."""
        done = self.daemon.control("explain", "--json")
        try:
            return json.loads(done.stdout) if done.returncode == 0 else {}
        except ValueError:
            return {}

    def held(self):
        """What the daemon holds now, in bytes: private (anonymous) memory, and the peak of its resident memory."""
        pid = find_pid(self.daemon.status())
        return None if pid is None else {"private": anonymous(pid), "peak_rss": peak_resident(pid)}


def good(result, bundle):
    if result.code != 0:
        raise SystemExit("bench: linking %s failed with exit code %d:\n%s" % (
            bundle.folder, result.code, result.stderr.decode("utf-8", "replace")))
    return result


def find_pid(status):
    """The process id in `linkctl status --json`."""
    pid = (status or {}).get("pid")
    return pid if isinstance(pid, int) else None


def anonymous(pid):
    """Resident anonymous bytes of a process (its own memory: no mapped file), or None."""
    try:
        with open("/proc/%d/smaps_rollup" % pid, encoding="ascii") as file:
            for line in file:
                if line.startswith("Anonymous:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return None


def peak_resident(pid):
    """The largest resident set that a process had, in bytes, or None."""
    try:
        with open("/proc/%d/status" % pid, encoding="ascii") as file:
            return next((int(line.split()[1]) * 1024 for line in file if line.startswith("VmHWM:")), None)
    except OSError:
        return None


def machine():
    model = ""
    if os.path.exists("/proc/cpuinfo"):
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            model = next((l.split(":")[1].strip() for l in file if l.startswith("model name")), "")
    return {"cores": os.cpu_count(), "model": model, "system": platform.platform(), "load": os.getloadavg()}


def say(text):
    print("bench: " + text, file=sys.stderr, flush=True)


def digits(value):
    """A number with three digits, or more if it is large."""
    return "%.0f" % value if value >= 100 else "%.3g" % value


def spread(values, unit=1.0):
    """Median (smallest–largest), three digits each."""
    ordered = sorted(v * unit for v in values)
    return "%s (%s–%s)" % tuple(digits(v) for v in (statistics.median(ordered), ordered[0], ordered[-1]))


def rows_json(results):
    """JSON with each innermost list or object on a line of its own, so that hundreds of runs can be read."""
    text = json.dumps(results, indent=1)
    return re.sub(r"[\[{][^\[\]{}]*[\]}]", lambda found: re.sub(r"\n\s*", " ", found.group()), text) + "\n"


def write(path, content):
    with open(path, "w", encoding="utf-8") as file:
        file.write(content)
