"""Link requests and how to replay them: shared by scripts/identity, scripts/bench and scripts/corpus."""

import hashlib
import json
import os
import resource
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def go_environment():
    """The environment of scripts/env.sh, as a dictionary. Raises SystemExit when scripts/setup has not run."""
    script = '. "$0" && exec env -0'
    result = subprocess.run(
        ["bash", "-c", script, os.path.join(ROOT, "scripts/env.sh")], stdout=subprocess.PIPE, check=False)
    if result.returncode != 0:
        raise SystemExit(1)
    pairs = (item.partition("=") for item in os.fsdecode(result.stdout).split("\0") if item)
    return {key: value for key, _, value in pairs if key != "_"}


class Bundle:
    """One captured link request (docs/bundles.md). Its relative paths start at its folder, where links of it run."""

    def __init__(self, folder):
        self.folder = os.path.abspath(folder)
        self.name = os.path.basename(self.folder)
        with open(os.path.join(self.folder, "request.json"), encoding="utf-8") as file:
            request = json.load(file)
        self.tool, self.args, self.env = request["tool"], list(request["args"]), dict(request["env"])
        self.response_file = False

    @staticmethod
    def find(folders):
        """All bundles in or below the given folders, sorted by path."""
        found = []
        for folder in folders:
            if not os.path.isdir(folder):
                raise SystemExit("no such folder: " + folder)
            for path, folders_below, files in os.walk(folder):
                folders_below[:] = sorted(name for name in folders_below if name != "objects")
                if "request.json" in files and not path.count(".partial-"):
                    found.append(Bundle(path))
                    folders_below.clear()
        return found

    def with_ldflags(self, flags):
        """Replaces the debug flags (-s, -w) by `flags`, a list."""
        debug = {"-s", "-w", "--s", "--w"}
        kept = [a for a in self.args if a.split("=")[0] not in debug]
        self.args = kept[:-1] + flags + kept[-1:]
        return self

    def path(self, name):
        """The absolute path of a file that the request names."""
        return os.path.normpath(os.path.join(self.folder, name))

    @property
    def importcfg(self):
        return self.path(self.args[self.args.index("-importcfg") + 1])

    def key(self):
        """A hash of all the link depends on: the tool, the arguments, the environment and the inputs' contents."""
        digest = hashlib.sha256()

        def add(word):
            # Stored inputs count by name, which is their content's hash; what lies in the bundle itself by content.
            if word.startswith(self.folder + os.sep) and os.path.exists(word):
                word = file_digest(word)
            digest.update(word.encode(errors="surrogateescape") + b"\0")

        add(file_digest(self.tool))
        add(json.dumps(self.env, sort_keys=True))
        config = self.importcfg if "-importcfg" in self.args else None
        for arg in self.args:
            add("importcfg" if self.path(arg) == config else arg)
        if config:
            with open(config, encoding="utf-8", errors="surrogateescape") as file:
                for line in file:
                    for word in line.rstrip("\n").split("=", 1):
                        add(word)
        return digest.hexdigest()


_digests = {}


def file_digest(path):
    """SHA-256 of a file's contents, remembered by its identity."""
    info = os.stat(path)
    identity = (path, info.st_size, info.st_mtime_ns, info.st_ino)
    if identity not in _digests:
        digest = hashlib.sha256()
        with open(path, "rb") as file:
            while chunk := file.read(1 << 20):
                digest.update(chunk)
        _digests[identity] = digest.hexdigest()
    return _digests[identity]


class Result:
    """What a link gave: exit code, what it printed (the output path as @OUT@), seconds, peak memory in bytes."""

    def __init__(self, code, stdout, stderr, out, seconds=0.0, peak=0):
        self.code, self.stdout, self.stderr, self.out = code, stdout, stderr, out
        self.seconds, self.peak = seconds, peak

    @property
    def wrote(self):
        return os.path.exists(self.out)

    @property
    def others(self):
        """What else the link wrote: {suffix of the output's name: path}."""
        folder, base = os.path.split(self.out)
        names = os.listdir(folder) if os.path.isdir(folder) else []
        return {n[len(base):]: os.path.join(folder, n) for n in names if n.startswith(base + ".")
                and not n.endswith(".json")}

    @property
    def mode(self):
        return os.stat(self.out).st_mode & 0o7777 if self.wrote else None


def run_link(command, bundle, out, env, merged=False):
    """Runs `command` (a list) with the bundle's arguments, in its folder, and gives its Result. The output's folder is
    emptied.

    With `merged` stdout and stderr are one pipe, as under the go command; the Result has it all as stdout.
    """
    shutil.rmtree(os.path.dirname(out), ignore_errors=True)
    os.makedirs(os.path.dirname(out))
    args = [a.replace("@OUT@", out) for a in bundle.args]
    if bundle.response_file:
        path = os.path.join(os.path.dirname(os.path.dirname(out)), bundle.name + ".args")
        with open(path, "w", encoding="utf-8") as file:
            file.write("\n".join(response_word(a) for a in args) + "\n")
        args = ["@" + path]
    with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
        started = time.perf_counter()
        process = subprocess.Popen(
            command + args, stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.STDOUT if merged else stderr,
            env=env, cwd=bundle.folder)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        texts = []
        for stream in (stdout, stderr):
            stream.seek(0)
            texts.append(stream.read().replace(os.fsencode(out), b"@OUT@"))
    return Result(process.returncode, texts[0], texts[1], out, seconds, usage.ru_maxrss * 1024)


def response_word(word):
    """One argument as a response file spells it (cmd/internal/objabi/flag.go ParseArgs)."""
    return "'" + word.replace("'", "'\\''") + "'"


def child_environment(bundle, base, extra=None):
    """The environment for one link: `base` without what would change the link, the bundle's own, `extra`."""
    env = {k: v for k, v in base.items() if not k.startswith(("GO", "LINKD"))}
    env.update(bundle.env)
    env.update(extra or {})
    return env


class Daemon:
    """A linkd of the test's own: its socket, cache and state live in folders that only this test uses."""

    def __init__(self, linkctl, scratch, extra_env=None):
        self.linkctl = linkctl
        # Socket paths are short (108 bytes): the run folder cannot lie under a deep scratch path.
        self.run = tempfile.mkdtemp(prefix="linkd-", dir="/tmp")
        self.scratch = scratch
        self.env = {
            "XDG_RUNTIME_DIR": self.run,
            "XDG_CACHE_HOME": os.path.join(scratch, "cache"),
            "XDG_STATE_HOME": os.path.join(scratch, "state"),
        }
        self.env.update(extra_env or {})

    def control(self, *verb):
        """Runs `linkctl VERB...`; gives the completed process, output as text."""
        env = {k: v for k, v in os.environ.items() if not k.startswith("LINKD")}
        env.update(self.env)
        return subprocess.run(
            [self.linkctl, *verb], env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, check=False)

    def stop(self):
        return self.control("stop")

    def status(self):
        """The daemon's `status --json`, or None."""
        result = self.control("status", "--json")
        try:
            return json.loads(result.stdout) if result.returncode == 0 else None
        except ValueError:
            return None

    def last_words(self):
        """What the daemon's log says of a crash, as far as it says where: a list of one text, or empty."""
        try:
            with open(os.path.join(self.env["XDG_STATE_HOME"], "linkd/linkd.log"), encoding="utf-8", errors="replace") as log:
                _, crash, trace = log.read().rpartition("*** Signal ")
        except OSError:
            return []
        lines = [line for line in trace.split("\n") if line.strip()]
        start = next((i for i, line in enumerate(lines) if line.rstrip().endswith("crashed:")), 0)
        return ["the daemon crashed: signal " + "\n  ".join(lines[:2] + lines[start : start + 20])] if crash else []

    def forget(self):
        """Stops the daemon and removes its cache: the next link is a first one."""
        self.stop()
        shutil.rmtree(self.env["XDG_CACHE_HOME"], ignore_errors=True)

    def close(self):
        self.stop()
        shutil.rmtree(self.run, ignore_errors=True)


def capture_flag(linkctl, folder, only=False):
    """The go command's flag that saves its link requests in `folder`; with `only` they are not made."""
    words = [linkctl, "capture"] + ["--only"] * only + [folder]
    return "-toolexec=" + " ".join(shlex.quote(word) for word in words)


def find_linkctl(given):
    """The linkctl to test: `given`, else LINKCTL, else the release build."""
    path = given or os.environ.get("LINKCTL") or os.path.join(ROOT, ".build/release/linkctl")
    if not os.access(path, os.X_OK):
        raise SystemExit("no linkctl at %s: build it first (swift build -c release)" % path)
    return os.path.abspath(path)


def prepare_process():
    """Makes a termination run the `finally` clauses, which stop the daemon, and raises the soft limit of open files to
    the hard one: a big program has thousands of inputs.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
