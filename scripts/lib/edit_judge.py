"""Links requests with linkd, in all the ways that a daemon's life has, and with Go's linker, and compares."""

import copy
import filecmp
import hashlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import threading
import time

import bundles as lib

# What a link does to the daemon first (or meanwhile), and how often in a thousand. "": nothing, it is warm.
LIVES = {"": 800, "again": 60, "restart": 35, "forget": 12, "kill": 25, "cancel": 25, "beside": 35, "scribble": 8}
# What lies at the output's path before the link.
PLACES = {"": 60, "absent": 15, "scribbled": 15, "linked": 10}
# Where the inputs lie. "": as the go command has it, a new path for new contents. The others keep the path of a package
# that is not in the build cache from link to link: written over in place, in place with the old time stamp, as a new
# file, as a symbolic link. "shuffle" has another order of lines in importcfg; "response" passes @FILE; "mix" has some
# packages as they were at the program's last link, which the linker may find not to fit.
PATHS = {"": 70, "inplace": 6, "stale": 4, "replace": 5, "symlink": 4, "shuffle": 6, "response": 5, "mix": 6}


def draw(rng, table, without=()):
    """A word of a table, by its weights; "" in place of one that is to be left out."""
    word = rng.choices(list(table), list(table.values()))[0]
    return "" if word in without else word


# Go's linker relocates blocks of text side by side (cmd/link/internal/ld/data.go writeBlocks) and dies of the first
# relocation that it cannot handle: of which symbol that is, is chance.
CHANCE = re.compile(rb"(link: cannot handle \S+ \(sym )\S+(\) when linking internally)")


def without_chance(text):
    """A linker's words, but for what Go's linker itself says now so, now otherwise."""
    return CHANCE.sub(rb"\1\2", text)


class Link:
    """One link of a run: the request, what to do around it, what the real linker made of it."""

    def __init__(self, bundle, program, step, life="", place="", seed=0, paths=""):
        self.bundle, self.program, self.step, self.paths = bundle, program, step, paths
        self.arranged = bundle
        # The program's last link, from which "mix" takes inputs.
        self.mixed = None
        self.life, self.place, self.seed = life, place, seed

    def __str__(self):
        return "step %d, %s%s%s%s" % (
            self.step,
            self.program,
            self.life and ", daemon: " + self.life,
            self.place and ", output: " + self.place,
            self.paths and ", inputs: " + self.paths,
        )


class Judge:
    """A daemon and the comparison. `fault` (--sabotage) changes linkd's outputs, to show that this is found."""

    def __init__(self, linkctl, folder, fault=None):
        self.linkctl, self.folder, self.fault = linkctl, folder, fault
        # A machine may stop for a while; that is no reason to give the daemon up.
        self.daemon = lib.Daemon(linkctl, os.path.join(folder, "xdg"), {"LINKD_TIMEOUT": "180"})
        self.known, self.pid, self.previous, self.last = {}, None, None, {}
        self.counts, self.seconds = {}, {"linkd": 0.0, "real": 0.0}

    def close(self):
        self.daemon.close()

    def fresh(self):
        """A new daemon without a cache."""
        self.daemon.forget()
        self.pid, self.previous, self.last = None, None, {}
        for name in ("got", "stable"):
            shutil.rmtree(os.path.join(self.folder, name), ignore_errors=True)
        if self.fault:
            self.fault.fresh()

    # The real linker

    def reference(self, bundle, paths=""):
        key = (bundle.folder, paths)
        if key not in self.known:
            # An epoch's folder, and a step's in it: steps of two epochs may be known at once.
            place = os.path.dirname(bundle.folder)
            name = os.path.basename(os.path.dirname(place)) + "-" + os.path.basename(place) + paths
            out = os.path.join(self.folder, "want", name, "a.out")
            result = lib.run_link([bundle.tool], bundle, out, lib.child_environment(bundle, os.environ))
            self.known[key] = result
            self.seconds["real"] += result.seconds
        return self.known[key]

    def drop(self, bundle):
        """Frees what was kept for a bundle."""
        for key in [k for k in self.known if k[0] == bundle.folder]:
            shutil.rmtree(os.path.dirname(self.known.pop(key).out), ignore_errors=True)

    # linkd

    def arranged(self, link):
        """The request with its inputs where link.paths says."""
        if not link.paths:
            return link.bundle
        bundle = lib.Bundle(link.bundle.folder)
        folder = os.path.join(self.folder, "stable", re_name(link.program))
        os.makedirs(folder, exist_ok=True)
        with open(bundle.importcfg, encoding="utf-8") as file:
            lines = file.read().split("\n")
        if link.paths == "shuffle":
            random.Random(link.seed).shuffle(lines)
        elif link.paths == "response":
            bundle.response_file = True
        elif link.paths == "mix":
            self.mix(bundle, lines, link)
        else:
            for i, line in enumerate(lines):
                head, _, path = line.partition("=")
                if head.startswith("packagefile ") and (path.startswith(bundle.folder) or " example.com/" in head):
                    lines[i] = (
                        head + "=" + settle(path, os.path.join(folder, re_name(head.split()[1]) + ".a"), link.paths)
                    )
            bundle.args[-1] = settle(bundle.args[-1], os.path.join(folder, "main.a"), link.paths)
        config = os.path.join(folder, "importcfg")
        with open(config, "w", encoding="utf-8") as file:
            file.write("\n".join(lines))
        bundle.args[bundle.args.index("-importcfg") + 1] = config
        return bundle

    def mix(self, bundle, lines, link):
        """Puts some inputs of the program's last link in the place of this one's."""
        # Once chosen it stays, so that the request is the same when it is made again.
        link.mixed = link.mixed or self.last.get(link.program)
        last = link.mixed and link.mixed.bundle
        if not last or not os.path.exists(last.importcfg):
            return
        rng = random.Random(link.seed)
        with open(last.importcfg, encoding="utf-8") as file:
            old = dict(line.split("=", 1) for line in file.read().split("\n") if line.startswith("packagefile "))
        for i, line in enumerate(lines):
            head, _, path = line.partition("=")
            if old.get(head, path) != path and rng.random() < 0.5:
                lines[i] = head + "=" + old[head]
        if rng.random() < 0.3:
            bundle.args[-1] = last.args[-1]

    def command(self, link, out):
        bundle = link.arranged
        env = lib.child_environment(bundle, os.environ, self.daemon.env)
        env.update({"LINKD_FALLBACK": "0", "LINKD_REAL_LINK": bundle.tool})
        args = [a.replace("@OUT@", out) for a in bundle.args]
        if bundle.response_file:
            path = os.path.join(self.folder, "response-%d" % threading.get_ident())
            with open(path, "w", encoding="utf-8") as file:
                file.write("\n".join(lib.response_word(a) for a in args) + "\n")
            args = ["@" + path]
        return [self.linkctl, "link", *args], env

    def run(self, link, out):
        """One link with linkd to `out`, whatever lies there."""
        os.makedirs(os.path.dirname(out), exist_ok=True)
        command, env = self.command(link, out)
        started = time.perf_counter()
        done = subprocess.run(
            command,
            env=env,
            cwd=link.arranged.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            check=False,
        )
        seconds = time.perf_counter() - started
        self.seconds["linkd"] += seconds
        name = os.fsencode(out)
        result = lib.Result(
            done.returncode, done.stdout.replace(name, b"@OUT@"), done.stderr.replace(name, b"@OUT@"), out, seconds
        )
        if self.fault:
            self.fault.spoil(link, result)
        return result

    def start_only(self, link, out):
        command, env = self.command(link, out)
        os.makedirs(os.path.dirname(out), exist_ok=True)
        return subprocess.Popen(
            command,
            env=env,
            cwd=link.arranged.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def place(self, link, out):
        """Prepares the output's path; gives (path, digest) of a file that the link must leave alone, or None."""
        if not os.path.exists(out):
            return None
        if link.place == "absent":
            os.remove(out)
        elif link.place == "scribbled":
            # As `go tool buildid -w` does, in place, only more of it.
            rng = random.Random(link.seed)
            with open(out, "r+b") as file:
                size = os.path.getsize(out)
                for _ in range(20):
                    file.seek(rng.randrange(max(size, 1)))
                    file.write(bytes([rng.randrange(256)]))
                if rng.random() < 0.3:
                    file.truncate(rng.randrange(max(size, 1)))
        elif link.place == "linked":
            other = out + ".kept"
            if os.path.exists(other):
                os.remove(other)
            os.link(out, other)
            return other, digest(other)
        return None

    def life(self, link, out):
        """What happens to the daemon before the link, or while a first try of it runs."""
        rng = random.Random(link.seed)
        aside = os.path.join(self.folder, "aside", "a.out")
        if link.life in ("restart", "forget", "kill"):
            # What the next daemon may use, in MB; it is read at its start.
            self.daemon.env.pop("LINKD_MEMORY", None)
            if rng.random() < 0.4:
                self.daemon.env["LINKD_MEMORY"] = str(rng.choice([64, 200, 600]))
        if link.life == "restart":
            self.daemon.stop()
        elif link.life == "forget":
            self.daemon.forget()
        elif link.life == "scribble":
            self.daemon.stop()
            scribble(self.daemon.env["XDG_CACHE_HOME"], rng)
        elif link.life in ("kill", "cancel"):
            first = self.start_only(link, aside)
            time.sleep(rng.random() ** 2 * 0.4)
            if link.life == "cancel":
                first.kill()
            else:
                status = self.daemon.status()
                if status and status.get("pid"):
                    try:
                        os.kill(status["pid"], signal.SIGKILL)
                    except ProcessLookupError:
                        pass
            first.wait()
        elif link.life == "again":
            return self.run(link, aside)
        if link.life in ("restart", "forget", "scribble", "kill"):
            self.pid = None
        return None

    def check(self, link):
        """Links and compares: a list of what is wrong, empty when all is well."""
        link.arranged = self.arranged(link)
        want = self.reference(link.arranged, link.paths)
        out = os.path.join(self.folder, "got", re_name(link.program), "a.out")
        kept = self.place(link, out)
        before = digest(out) if os.path.exists(out) else None
        for name in ("aside", "beside"):
            shutil.rmtree(os.path.join(self.folder, name), ignore_errors=True)
        wrong = []
        first = self.life(link, out)
        if first:
            wrong += self.compare(want, first)
        beside, other = None, None
        if link.life == "beside" and self.previous and os.path.exists(self.previous.bundle.folder):
            # Its inputs where they were at first: those of this link may lie where they lay.
            other = copy.copy(self.previous)
            other.paths, other.arranged = "", other.bundle
            box = {}
            beside = threading.Thread(
                target=lambda: box.update(got=self.run(other, os.path.join(self.folder, "beside", "a.out")))
            )
            beside.start()
        got = self.run(link, out)
        if beside:
            beside.join()
            wrong += [
                "(linked beside it: %s) %s" % (other, w)
                for w in self.compare(self.reference(other.bundle), box["got"])
            ]
        wrong += self.compare(want, got, before and self.after_failure(link, want, before))
        if kept and digest(kept[0]) != kept[1]:
            wrong.append("another name of the previous output was written to")
        wrong += self.alive()
        self.previous, self.last[link.program] = link, link
        key = "failed as Go's linker" if want.code else "linked"
        self.counts[key] = self.counts.get(key, 0) + 1
        return wrong

    def alive(self):
        """The daemon must be the one of the last link, unless this run ended it."""
        status = self.daemon.status()
        if not status:
            return ["no daemon answers after the link"] + self.daemon.last_words()
        before, self.pid = self.pid, status["pid"]
        if before not in (None, self.pid) and not self.fault:
            return ["the daemon ended: pid %d became %d" % (before, self.pid)] + self.daemon.last_words()
        return []

    def after_failure(self, link, want, before):
        """What a failing link has to leave of an earlier output, as a digest; None when it removes it."""
        if want.code == 0:
            return None
        bundle, out = link.arranged, os.path.join(self.folder, "earlier", "a.out")
        os.makedirs(os.path.dirname(out), exist_ok=True)
        with open(out, "wb") as file:
            file.write(b"earlier")
        args = [a.replace("@OUT@", out) for a in bundle.args]
        subprocess.run(
            [bundle.tool, *args],
            env=lib.child_environment(bundle, os.environ),
            cwd=bundle.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
        )
        survives = os.path.exists(out) and os.path.getsize(out) == len(b"earlier")
        return before if survives else None

    def compare(self, want, got, earlier=None):
        """What is wrong with linkd's Result. `earlier`: the digest of an earlier output that a failing link leaves."""
        wrong = []
        if got.code == 3 and want.code != 3:
            return ["fell back: " + got.stderr.decode("utf-8", "replace").strip()]
        if want.code != got.code:
            wrong.append("exit code: expected %d, actual %d" % (want.code, got.code))
        for name in ("stdout", "stderr"):
            w, g = getattr(want, name), getattr(got, name)
            if without_chance(w) != without_chance(g):
                wrong.append("%s:\n  expected %r\n  actual   %r" % (name, w[:3000], g[:3000]))
        if want.code != 0:
            # Where Go's linker dies early it leaves an empty file behind; linkd never does.
            if earlier and not (got.wrote and digest(got.out) == earlier):
                wrong.append("changed or removed the earlier output, which Go's linker leaves alone")
            if not earlier and got.wrote:
                wrong.append("left an output file behind")
        elif got.wrote != want.wrote:
            wrong.append("output file: expected %s, actual %s" % (want.wrote, got.wrote))
        elif want.mode != got.mode:
            wrong.append("mode bits: expected %o, actual %o" % (want.mode, got.mode))
        elif not filecmp.cmp(want.out, got.out, shallow=False):
            wrong.append("bytes differ")
        return wrong

    def explain(self, link):
        """`linkctl diff` of the last outputs for a link, with the names that -s leaves out."""
        want, bundle = self.reference(link.bundle, link.paths), link.bundle
        got = os.path.join(self.folder, "got", re_name(link.program), "a.out")
        if not (want.wrote and os.path.exists(got)):
            return ""
        command = [self.linkctl, "diff", want.out, got]
        if "-s" in bundle.args:
            named = lib.Bundle(bundle.folder).with_ldflags(["-w"])
            out = os.path.join(self.folder, "names", "a.out")
            if lib.run_link([bundle.tool], named, out, lib.child_environment(bundle, os.environ)).code == 0:
                command += ["--symbols", out]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        return done.stdout.decode("utf-8", "replace").strip()


def re_name(program):
    return program.replace("/", "_").replace(" ", "_").lstrip("._")


def settle(source, path, how):
    """Puts the contents of a file at a path that may have held others; gives the path."""
    if how in ("inplace", "stale") and not os.path.islink(path):
        with open(source, "rb") as old, open(path, "r+b" if os.path.exists(path) else "wb") as new:
            new.write(old.read())
            new.truncate()
        if how == "stale":
            os.utime(path, (1_700_000_000, 1_700_000_000))
        return path
    if how == "symlink":
        os.symlink(source, path + ".new")
    else:
        shutil.copyfile(source, path + ".new")
    os.rename(path + ".new", path)
    return path


def digest(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def scribble(folder, rng):
    """Damages the cache: anything odd in it must be a miss."""
    for path, _, files in os.walk(folder):
        for name in sorted(files):
            full = os.path.join(path, name)
            try:
                file = open(full, "r+b")
            except FileNotFoundError:
                continue  # a spare: the daemon that ended may still be removing them
            with file:
                size = os.fstat(file.fileno()).st_size
                if rng.random() < 0.2:
                    file.truncate(rng.randrange(size + 1))
                for _ in range(rng.randrange(1, 40)):
                    file.seek(rng.randrange(max(size, 1)))
                    file.write(bytes([rng.randrange(256)]))


class Fault:
    """A stand-in for an error in linkd. "byte": from the fifth link on, a byte of the output is wrong. "packages": as an
    incremental linker might err, a byte is wrong when the program has fewer packages than at its last link."""

    def __init__(self, kind):
        self.kind = kind
        self.fresh()

    def fresh(self):
        self.links, self.packages = 0, {}

    def spoil(self, link, result):
        self.links += 1
        with open(link.bundle.importcfg, encoding="utf-8") as file:
            count = sum(line.startswith("packagefile ") for line in file)
        before = self.packages.get(link.program, 0)
        self.packages[link.program] = count
        if result.wrote and (self.links >= 5 if self.kind == "byte" else count < before):
            with open(result.out, "r+b") as file:
                file.seek(-100, os.SEEK_END)
                byte = file.read(1)
                file.seek(-100, os.SEEK_END)
                file.write(bytes([byte[0] ^ 1]))


def save_bundle(bundle, folder):
    """Copies a bundle with all its inputs, so that it outlives the build cache."""
    inside = os.path.join(folder, "in")
    os.makedirs(inside, exist_ok=True)

    def keep(path):
        copy = os.path.join(inside, hashlib.sha256(path.encode()).hexdigest()[:12] + ".a")
        if not os.path.exists(copy):
            shutil.copyfile(path, copy)
        return copy

    with open(bundle.importcfg, encoding="utf-8") as file:
        lines = file.read().split("\n")
    for i, line in enumerate(lines):
        if line.startswith("packagefile "):
            head, _, path = line.partition("=")
            lines[i] = "%s=%s" % (head, keep(path))
    config = os.path.join(folder, "importcfg")
    with open(config, "w", encoding="utf-8") as file:
        file.write("\n".join(lines))
    args = list(bundle.args)
    args[args.index("-importcfg") + 1] = config
    args[-1] = keep(args[-1])
    with open(os.path.join(folder, "request.json"), "w", encoding="utf-8") as file:
        json.dump({"tool": bundle.tool, "args": args, "env": bundle.env}, file, indent=1)
