"""The small programs under Tests/Fixtures/programs and their table: what to build, how, and what must come of it."""

import concurrent.futures
import os
import shlex
import shutil
import subprocess

import bundles as lib

FOLDER = os.path.join(lib.ROOT, "Tests/Fixtures/programs")
EXPECTATIONS = ("links", "fails", "refused")


class Row:
    """One line of table.txt."""

    def __init__(self, line, number):
        self.label, self.expect, *words = shlex.split(line)
        if self.expect not in EXPECTATIONS:
            raise SystemExit("table.txt:%d: no such expectation: %s" % (number, self.expect))
        self.program = self.label.split("/")[0]
        self.edits = [w[1:] for w in words if w.startswith("!")]
        env = [w for w in words if "=" in w and w.split("=")[0].isupper()]
        self.env = dict(w.split("=", 1) for w in env)
        self.flags = [w for w in words if not w.startswith("!") and w not in env]


def table():
    with open(os.path.join(FOLDER, "table.txt"), encoding="utf-8") as file:
        lines = [(number, line.split("#")[0].strip()) for number, line in enumerate(file, 1)]
    return [Row(line, number) for number, line in lines if line]


def bundles(names, scratch, linkctl):
    """Builds the named programs (all when `names` is empty), captures their links and gives (bundle, expectation)."""
    rows = [row for row in table() if not names or row.program in names or row.label in names]
    if not rows:
        raise SystemExit("no such fixture: " + " ".join(names))
    env = dict(os.environ, **lib.go_environment())

    def captured(row):
        bundle = build(row, scratch, env, linkctl)
        for edit in row.edits:
            edit_request(bundle, edit, row, scratch, env, linkctl)
        bundle.name = row.label.replace("/", "_")
        return bundle, row.expect

    with concurrent.futures.ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        return list(pool.map(captured, rows))


def build(row, scratch, env, linkctl, extra_flags=()):
    """Builds one program up to its link; gives its bundle."""
    folder = os.path.join(scratch, "fixtures", row.label.replace("/", "_") + "".join(extra_flags).replace("-", "_"))
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    env = dict(env, **row.env)
    shim = lib.capture_flag(linkctl, folder, only=True)
    command = ["go", "build", shim, "-o", os.path.join(folder, "a.out"), *row.flags, *extra_flags, "./" + row.program]
    done = subprocess.run(command, env=env, cwd=FOLDER, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    found = lib.Bundle.find([folder])
    if len(found) != 1:
        raise SystemExit("%s: %s\n%s" % (row.label, "no link request", done.stdout.decode("utf-8", "replace")))
    return found[0]


def edit_request(bundle, edit, row, scratch, env, linkctl):
    """Changes a captured request as the table says (the words that start with `!`)."""
    verb, _, value = edit.partition("=")
    package, _, argument = value.partition(":")
    if verb == "main":
        bundle.args[-1] = archive(bundle, package)
    elif verb == "drop":
        rewrite_importcfg(bundle, package, None)
    elif verb == "truncate":
        data = contents(archive(bundle, package))
        size = int(argument)
        replace_archive(bundle, package, data[:size] if size >= 0 else data[:len(data) + size])
    elif verb == "replace":
        data = contents(archive(bundle, package))
        old, _, new = argument.partition(">")
        if data.count(old.encode()) == 0:
            raise SystemExit("%s: %s is not in %s" % (row.label, old, package))
        replace_archive(bundle, package, data.replace(old.encode(), new.encode()))
    elif verb == "swap":
        other = build(row, scratch, env, linkctl, ("-tags=" + argument,))
        replace_archive(bundle, package, contents(archive(other, package)))
    elif verb == "gone":
        replace_archive(bundle, package, b"")
        os.remove(archive(bundle, package))
    elif verb == "arg":
        bundle.args.insert(len(bundle.args) - 1, value)
    else:
        raise SystemExit("%s: no such edit: %s" % (row.label, edit))


def contents(path):
    with open(path, "rb") as file:
        return file.read()


def archive(bundle, package):
    """The archive of a package; `main` is the program's own."""
    if package == "main":
        return bundle.path(bundle.args[-1])
    for line in contents(bundle.importcfg).decode().split("\n"):
        if line.startswith("packagefile %s=" % package):
            return bundle.path(line.partition("=")[2])
    raise SystemExit("%s: no package %s" % (bundle.name, package))


def replace_archive(bundle, package, data):
    path = os.path.join(bundle.folder, "edited-" + package.replace("/", "_") + ".a")
    with open(path, "wb") as file:
        file.write(data)
    if package == "main":
        bundle.args[-1] = path
    else:
        rewrite_importcfg(bundle, package, path)


def rewrite_importcfg(bundle, package, path):
    lines = contents(bundle.importcfg).decode().split("\n")
    start = "packagefile %s=" % package
    lines = [start + path if l.startswith(start) and path else l for l in lines
             if path or not l.startswith(start)]
    with open(bundle.importcfg, "w", encoding="utf-8") as file:
        file.write("\n".join(lines))
