"""The programs that scripts/random-edits changes: generated modules, and Go's own commands through an overlay.

A world is a state (plain dictionaries) and edits of it. An edit is (kind, seed): what it does to which target follows
from the seed and the state, and it does something sensible, or nothing, in any state; so any subsequence of a
sequence of edits is one too, which is what shrinking a failure needs.
"""

import copy
import hashlib
import json
import os
import re
import subprocess

import edit_items as items


def chosen(seed, names):
    """One of the names: the same one as long as it is there, whatever other names come and go."""
    names = list(names)
    return min(names, key=lambda n: hashlib.blake2b(("%s:%s" % (seed, n)).encode()).digest()) if names else None


class World:
    """Common to all: applying edits, history, flags. `weights` has the edits' names."""

    weights = {}

    def __init__(self, name, folder):
        self.name, self.folder = name, folder
        self.history = []
        self.state = {}

    def apply(self, op):
        """Makes one edit; says what it did, or None when there was nothing to do."""
        kind, seed = op
        return getattr(self, "op_" + kind)(items.seeded(kind, seed), seed)

    def snapshot(self):
        return copy.deepcopy(self.state)

    def remember(self):
        self.history.append(self.snapshot())

    def draw_ops(self, rng, count):
        kinds = rng.choices(list(self.weights), list(self.weights.values()), k=count)
        return [[kind, rng.randrange(1 << 30)] for kind in kinds]

    def op_touch(self, rng, seed):
        self.touched = True
        return "touch the files"

    def op_nothing(self, rng, seed):
        return "nothing"

    def op_revert(self, rng, seed):
        if not self.history:
            return None
        at = int(chosen(seed, map(str, range(len(self.history)))))
        self.state = copy.deepcopy(self.history[at])
        return "back to the state after step %d" % at

    def op_flags(self, rng, seed):
        debug = rng.choice([[], [], [], ["-s", "-w"], ["-s", "-w"], ["-w"], ["-s"], ["-compressdwarf=false"]])
        extra = []
        for flag in ("-buildid=linkd-%d" % rng.randrange(9), "-randlayout=%d" % rng.randrange(1, 99), "-B=none", "-B=gobuildid",
                     "-funcalign=64", "-pruneweakmap=false", "-strictdups=1", "-checklinkname=0", "-bindnow"):
            if rng.random() < 0.06:
                extra.append(flag)
        variables = self.string_variables()
        while rng.random() < 0.25:
            variable = rng.choice(variables + ["main.absent"])
            extra.append("-X=%s=%s" % (variable, "v" * rng.choice([0, 1, 7, 40])))
        build = []
        roll = rng.random()
        if roll < 0.12:
            build.append("-buildmode=pie")
        elif roll < 0.18:
            build.append("-trimpath")
        build += self.build_flags(rng)
        self.state["flags"] = {"ld": debug + extra, "go": build}
        return "flags: %s" % " ".join(debug + extra + build)

    def op_back(self, rng, seed):
        """To the state after the last step but `seed`."""
        if not self.history:
            return None
        self.state = copy.deepcopy(self.history[max(0, len(self.history) - 1 - seed)])
        return "back by %d steps" % seed

    def op_debug(self, rng, seed):
        """Only the debug flags."""
        flags = self.state["flags"]
        flags["ld"] = [f for f in flags["ld"] if f not in ("-s", "-w", "-compressdwarf=false")]
        flags["ld"] += rng.choice([[], [], ["-s", "-w"], ["-w"]])
        return "flags: %s" % " ".join(flags["ld"] + flags["go"])

    def string_variables(self):
        return []

    def build_flags(self, rng):
        return []

    def command(self, program, flags):
        """The go command that builds a program, after `go build FLAGS`."""
        own = self.state["flags"]
        test, _, program = program.rpartition(" ")
        words = ["go", *(["test", "-c"] if test else ["build"]), *flags, *own["go"]]
        if own["ld"]:
            words.append("-ldflags=" + " ".join(own["ld"]))
        return words + [program]

    def write(self, files):
        """Makes the world's folder hold exactly these files (name: text)."""
        os.makedirs(self.folder, exist_ok=True)
        written = self.__dict__.setdefault("written", {})
        for name in sorted(set(written) - set(files)):
            os.remove(os.path.join(self.folder, name))
            del written[name]
        for name, text in files.items():
            if written.get(name) == text and not self.__dict__.get("touched"):
                continue
            path = os.path.join(self.folder, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
            written[name] = text
        self.touched = False

    # Items, in any package that has them

    def pick_item(self, seed, want=lambda item: True):
        """A package and an item of it, or (None, None)."""
        found = {"%s/%s" % (p, n): (package, item) for p, package in self.state["packages"].items()
                 for n, item in package["items"].items() if want(item)}
        name = chosen(seed, found)
        return (*found[name], name) if name else (None, None, None)

    def allowed(self, package, item):
        return True

    def kinds(self, package):
        return None

    def op_add(self, rng, seed):
        name = self.pick_package(seed)
        if name is None:
            return None
        package = self.state["packages"][name]
        item = items.new(items.pick_kind(rng, self.kinds(name)), str(seed % 997), rng)
        if item["name"] in package["items"] or not self.allowed(name, item):
            return None
        package["items"][item["name"]] = item
        return "add %s %s/%s%s" % (item["kind"], name, item["name"], "" if item["live"] else " (unused)")

    def op_tweak(self, rng, seed):
        _, item, name = self.pick_item(seed)
        if item is None:
            return None
        before = copy.deepcopy(item["p"])
        items.tweak(item, rng)
        if not self.allowed(name.rsplit("/", 1)[0], item):
            item["p"] = before
        changed = [k for k in sorted(item["p"]) if before.get(k) != item["p"][k]]
        return "change %s of %s %s" % (", ".join("%s from %s to %s" % (k, before.get(k), item["p"][k]) for k in changed) or "nothing",
                                       item["kind"], name)

    def op_remove(self, rng, seed):
        package, item, name = self.pick_item(seed)
        if item is None:
            return None
        del package["items"][item["name"]]
        return "remove %s %s" % (item["kind"], name)

    def op_live(self, rng, seed):
        _, item, name = self.pick_item(seed)
        if item is None:
            return None
        item["live"] = not item["live"]
        return "%s %s %s" % ("use" if item["live"] else "stop using", item["kind"], name)

    def op_heal(self, rng, seed):
        """Takes out what may keep the program from linking."""
        gone = []
        for name, package in self.state["packages"].items():
            for item in [i for i in package["items"].values() if i["kind"] in items.RISKY]:
                del package["items"][item["name"]]
                gone.append("%s/%s" % (name, item["name"]))
        return "remove " + " ".join(gone) if gone else None


class Module(World):
    """A generated module: packages that import each other, and programs that share them."""

    weights = {"add": 12, "tweak": 22, "remove": 8, "live": 8, "move": 2, "copy": 2, "rename": 1, "addpackage": 2, "removepackage": 1.5,
               "addimport": 4, "removeimport": 3, "flags": 3, "debug": 2, "touch": 1, "nothing": 1.5, "revert": 1.5, "heal": 1,
               "godebug": 0.5, "swapfiles": 1, "renamefiles": 0.7, "sweep": 0.7}

    def __init__(self, name, folder, programs=2):
        super().__init__(name, folder)
        self.module = "example.com/" + name
        self.mains = ["cmd%d" % i for i in range(programs)]
        self.state = {"packages": {m: {"rank": -1, "items": {}, "imports": {}} for m in self.mains},
                      "flags": {"ld": [], "go": []}, "godebug": [], "go": "1.27"}

    def first_ops(self, rng):
        packages = rng.choice([2, 4, 6, 10, 16])
        ops = [["addpackage", rng.randrange(1 << 30)] for _ in range(packages)]
        ops += [["addimport", rng.randrange(1 << 30)] for _ in range(packages)]
        ops += [["add", rng.randrange(1 << 30)] for _ in range(packages * rng.randrange(2, 6))]
        return ops + [["heal", 0], ["flags", rng.randrange(1 << 30)]]

    def programs(self):
        return ["./" + m for m in self.mains] + ["test ./" + self.mains[0]]

    def pick_program(self, rng, before):
        """Mostly a program that the last edits concern."""
        packages = self.state["packages"]
        touched = {p for p in packages if packages[p] != before["packages"].get(p)}
        concerned = [m for m in self.mains if touched & self.reachable(m)]
        programs = self.programs()
        if concerned and rng.random() < 0.85:
            programs = [p for p in programs if p.split("./")[1] in concerned]
        return rng.choices(programs, [1 if p.startswith("test") else 3 for p in programs])[0]

    def reachable(self, name):
        found, left = set(), [name]
        while left:
            name = left.pop()
            if name not in found:
                found.add(name)
                left += self.state["packages"][name]["imports"]
        return found

    def pick_package(self, seed):
        return chosen(seed, self.state["packages"])

    def string_variables(self):
        return ["%s.Gl%s" % ("main" if p in self.mains else self.path(p), n) for p, package in self.state["packages"].items()
                for n, item in package["items"].items()
                if item["kind"] == "global" and items.SHAPES[item["p"]["shape"]] in ("= {s}", "string")]

    def build_flags(self, rng):
        flags = []
        if rng.random() < 0.15:
            flags.append("-tags=taga")
        if rng.random() < 0.04:
            flags.append("-cover")
        if rng.random() < 0.06:
            flags.append("-gcflags=%s/...=%s" % (self.module, rng.choice(["-N -l", "-l"])))
        return flags

    def op_addpackage(self, rng, seed):
        name = "p%d" % (seed % 997)
        packages = self.state["packages"]
        if name in packages or len(packages) > 30:
            return None
        importer = chosen(seed, packages)
        packages[name] = {"rank": packages[importer]["rank"] + rng.random() + 0.01, "items": {}, "imports": {}}
        packages[importer]["imports"][name] = "run"
        for i in range(rng.randrange(1, 5)):
            item = items.new(items.pick_kind(rng, items.PLAIN), str(seed % 997 + i), rng)
            packages[name]["items"][item["name"]] = item
        for other in sorted(packages):
            if packages[other]["rank"] > packages[name]["rank"] and rng.random() < 0.15:
                packages[name]["imports"][other] = rng.choice(["run", "use", "embed", "blank"])
        return "add package %s, imported by %s" % (name, importer)

    def op_removepackage(self, rng, seed):
        packages = self.state["packages"]
        name = chosen(seed, [p for p in packages if p not in self.mains])
        if name is None:
            return None
        del packages[name]
        for package in packages.values():
            package["imports"].pop(name, None)
        return "remove package " + name

    def op_rename(self, rng, seed):
        packages = self.state["packages"]
        name = chosen(seed, [p for p in packages if p not in self.mains])
        new = "r%d" % (seed % 997)
        if name is None or new in packages:
            return None
        packages[new] = packages.pop(name)
        for package in packages.values():
            if name in package["imports"]:
                package["imports"][new] = package["imports"].pop(name)
        return "rename package %s to %s" % (name, new)

    def op_addimport(self, rng, seed):
        packages = self.state["packages"]
        pairs = ["%s %s" % (a, b) for a in packages for b in packages if packages[a]["rank"] < packages[b]["rank"]]
        pair = chosen(seed, pairs)
        if pair is None:
            return None
        a, b = pair.split()
        packages[a]["imports"][b] = rng.choice(["run", "use", "use", "embed", "blank"])
        return "%s imports %s (%s)" % (a, b, packages[a]["imports"][b])

    def op_removeimport(self, rng, seed):
        packages = self.state["packages"]
        pair = chosen(seed, ["%s %s" % (a, b) for a in packages for b in packages[a]["imports"]])
        if pair is None:
            return None
        a, b = pair.split()
        del packages[a]["imports"][b]
        return "%s no longer imports %s" % (a, b)

    def op_move(self, rng, seed):
        """An item goes to another file, or to another package."""
        package, item, name = self.pick_item(seed)
        if item is None:
            return None
        if rng.random() < 0.5:
            item["file"] = (item["file"] + 1) % 3
            return "move %s to file %d" % (name, item["file"])
        to = self.pick_package(seed + 1)
        if item["name"] in self.state["packages"][to]["items"]:
            return None
        del package["items"][item["name"]]
        self.state["packages"][to]["items"][item["name"]] = item
        return "move %s to %s" % (name, to)

    def op_copy(self, rng, seed):
        _, item, name = self.pick_item(seed)
        to = self.pick_package(seed + 1)
        if item is None or item["name"] in self.state["packages"][to]["items"]:
            return None
        self.state["packages"][to]["items"][item["name"]] = copy.deepcopy(item)
        return "copy %s to %s" % (name, to)

    def op_swapfiles(self, rng, seed):
        name = self.pick_package(seed)
        for item in self.state["packages"][name]["items"].values():
            item["file"] = (item["file"] + 1) % 3
        return "rotate the files of " + name

    def op_godebug(self, rng, seed):
        self.state["godebug"] = rng.choice([[], ["panicnil=1"], ["panicnil=1", "httplaxcontentlength=1"]])
        self.state["go"] = rng.choice(["1.27", "1.27", "1.24"])
        return "go %s, godebug %s" % (self.state["go"], " ".join(self.state["godebug"]))

    def op_renamefiles(self, rng, seed):
        name = self.pick_package(seed)
        word = rng.choice(["f", "a", "zz", "a_rather_long_name_for_a_file"])
        self.state["packages"][name]["word"] = word
        return "call the files of %s %s*.go" % (name, word)

    def op_sweep(self, rng, seed):
        """The same new function in every package, or without it again."""
        packages = self.state["packages"]
        name = "sweep"
        there = [p for p in packages.values() if name in p["items"]]
        for package in there:
            del package["items"][name]
        if there and rng.random() < 0.4:
            return "remove the function of all packages"
        item = items.new(rng.choice(["func", "global", "type", "pool"]), name, rng)
        for package in packages.values():
            package["items"][name] = copy.deepcopy(item)
        return "a new %s in all packages" % item["kind"]

    # Text

    def folder_of(self, name):
        """Some packages' last path element has a dot, which symbol names escape."""
        number = int(re.sub(r"\D", "", name) or 0)
        return name if name in self.mains or number % 4 else "v1." + name if number % 8 else "internal/deep/" + name

    def path(self, name):
        return self.module + "/" + self.folder_of(name)

    def files(self):
        packages = self.state["packages"]
        files = {"go.mod": "module %s\n\ngo %s\n" % (self.module, self.state["go"])}
        drawn = {name: {n: items.draw(item) for n, item in sorted(package["items"].items())} for name, package in packages.items()}
        for name, package in packages.items():
            for file, text in self.package_files(name, package, drawn).items():
                files[self.folder_of(name) + "/" + file] = text
        return files

    def package_files(self, name, package, drawn):
        # Some packages have the same name, and with it types of the same string.
        word = "main" if name in self.mains else name if int(re.sub(r"\D", "", name)) % 5 else "common"
        files, calls, imports, types = {}, [], [], ""
        packages = self.state["packages"]
        for number in range(3):
            here = [drawn[name][n] for n, item in sorted(package["items"].items()) if item["file"] == number]
            if here:
                files["%s%d.go" % (package.get("word", "f"), number)] = go_file(word, set().union(*(t.imports for t in here)), [t.decl for t in here])
        for text in drawn[name].values():
            files.update({n: t.replace("{package}", word) for n, t in text.files.items()})
        if any(text.bodyless for text in drawn[name].values()):
            files["empty.s"] = "// Lets the package declare functions without a body.\n"
        for other, mode in sorted(package["imports"].items()):
            text = "import %s%s\n" % ("_ " if mode == "blank" else other + " ", quoted_path(self.path(other)))
            imports.append(text)
            if mode == "run":
                calls.append("n += %s.Run(n)" % other)
            elif mode == "embed":
                # Methods of another package's types by wrappers, made in each package that needs them.
                for n in [n for n, item in sorted(packages[other]["items"].items()) if item["kind"] == "type"][:2]:
                    types += "\ntype Wr%s_%s struct {\n\t%s.Ty%s\n\tA int\n}\n" % (other, n, other, n)
                    calls.append("Sink = &Wr%s_%s{A: n}" % (other, n))
                calls.append("n += %s.Acc" % other)
            elif mode == "use":
                calls.append("n += %s.Acc" % other)
                usable = sorted(n for n, t in drawn[other].items() if t.far)
                calls += ["{ %s }" % drawn[other][n].far.replace("{q}", other + ".") for n in usable[:4]]
        calls += ["n = Use%s(n)" % n for n, item in sorted(package["items"].items()) if item["live"]]
        run = types + "\nvar Sink any\n\nvar Acc int\n\nfunc Run(n int) int {\n%s\treturn n\n}\n" % "".join("\t%s\n" % c for c in calls)
        head = "".join("//go:debug %s\n" % g for g in self.state["godebug"]) if word == "main" else ""
        if word == "main":
            run += "\nfunc main() { println(Run(Acc)) }\n"
            files["run_test.go"] = TEST
        files["run.go"] = head + "package %s\n\n" % word + "".join(imports) + run
        return files

    def prepare(self):
        """Writes the files; gives the flags of go build that this needs."""
        self.write(self.files())
        return []


TEST = """package main

import "testing"

func TestRun(t *testing.T) {
	if Run(1) == 7 {
		t.Fatal("seven")
	}
}

func BenchmarkRun(b *testing.B) {
	for b.Loop() {
		Run(1)
	}
}
"""


def quoted_path(path):
    return '"%s"' % path


def go_file(package, imports, declarations):
    lines = ["import _ \"%s\"\n" % i[2:] if i.startswith("_ ") else "import \"%s\"\n" % i for i in sorted(imports)]
    return "package %s\n\n" % package + "".join(lines) + "".join(declarations)


# Go's own commands

FUNCTION = re.compile(r"(?m)^func (?:\([^()]*\) )?\w+[^\n]*\{\n")
INTEGER = re.compile(r"(?<![\w.\"'`])[1-9][0-9]{0,5}(?![\w.\"'`])")
LITERAL = re.compile(r'"(?:[^"\\\n]|\\.)+"')


class Command(World):
    """A command of Go's own, changed through an overlay: bodies of its functions and of those it imports, and items in
    one more file of a package."""

    weights = {"mutate": 26, "unmutate": 8, "add": 8, "tweak": 8, "remove": 4, "live": 3, "flags": 2, "debug": 3, "touch": 0.5,
               "nothing": 1.5, "revert": 2, "redraw": 6}
    _listed = {}

    def __init__(self, name, folder, target, env, dependents=12):
        super().__init__(name, folder)
        self.target, self.dependents = target, dependents
        self.packages = self.listed(target, env)
        self.state = {"packages": {}, "flags": {"ld": [], "go": []}}

    @classmethod
    def listed(cls, target, env):
        """{path: {"dir", "files", "deps", "name", "dependents"}} of the program's packages."""
        if target not in cls._listed:
            done = subprocess.run(["go", "list", "-deps", "-json=ImportPath,Dir,GoFiles,Deps,Name", target], env=env, cwd="/",
                                  stdout=subprocess.PIPE, text=True, check=True)
            decoder, at, packages = json.JSONDecoder(), 0, {}
            while at < len(done.stdout):
                entry, at = decoder.raw_decode(done.stdout, at)
                at = len(done.stdout) - len(done.stdout[at:].lstrip())
                packages[entry["ImportPath"]] = {"dir": entry.get("Dir"), "files": entry.get("GoFiles", []), "name": entry["Name"],
                                                 "deps": set(entry.get("Deps", []))}
            for path, package in packages.items():
                package["dependents"] = sum(path in other["deps"] for other in packages.values())
            cls._listed[target] = packages
        return cls._listed[target]

    def first_ops(self, rng):
        return [["flags", rng.randrange(1 << 30)]]

    def programs(self):
        return [self.target]

    def pick_program(self, rng, before):
        return self.target

    def pick_package(self, seed):
        """Mostly packages that few others of the program import: an edit has to compile these again."""
        rng = items.seeded("package", seed)
        paths = sorted(p for p, package in self.packages.items() if package["files"] and package["dependents"] <= self.dependents)
        return rng.choices(paths, [(1 + self.packages[p]["dependents"]) ** -1.2 for p in paths])[0]

    def entry(self, path):
        return self.state["packages"].setdefault(path, {"items": {}, "changes": {}})

    def op_add(self, rng, seed):
        self.entry(self.pick_package(seed))
        return super().op_add(rng, seed)

    def kinds(self, package):
        return items.PLAIN

    def allowed(self, path, item):
        known = self.packages[path]
        imports = {i for i in items.draw(item).imports if not i.startswith("_ ")}
        # The command's main package may import anything; the others only what cannot make a cycle.
        return known["name"] == "main" or imports <= known["deps"]

    def source(self, path, file):
        with open(os.path.join(self.packages[path]["dir"], file), encoding="utf-8") as f:
            return f.read()

    def op_mutate(self, rng, seed):
        path = self.pick_package(seed)
        file = rng.choice(self.packages[path]["files"])
        heads = sorted(set(FUNCTION.findall(self.source(path, file))))
        if not heads:
            return None
        head = rng.choice(heads)
        how = rng.choice(["call", "call", "log", "gone", "int", "int", "int", "string", "string", "copy", "defer", "sink", "big"])
        self.entry(path)["changes"]["%s %d" % (file, seed)] = [head, how, rng.randrange(1 << 20)]
        return "%s in %s/%s, %s" % (how, path, file, head.strip())

    def pick_change(self, seed):
        found = {"%s %s" % (p, k): (package["changes"], k) for p, package in self.state["packages"].items() for k in package["changes"]}
        name = chosen(seed, found)
        return found[name] if name else (None, None)

    def op_unmutate(self, rng, seed):
        changes, key = self.pick_change(seed)
        if changes is None:
            return None
        _, how, _ = changes.pop(key)
        return "take back %s in %s" % (how, key)

    def op_redraw(self, rng, seed):
        changes, key = self.pick_change(seed)
        if changes is None:
            return None
        changes[key][2] = rng.randrange(1 << 20)
        return "other %s in %s" % (changes[key][1], key)

    def prepare(self):
        replace, files = {}, {}
        for path, package in sorted(self.state["packages"].items()):
            if not package["items"] and not package["changes"]:
                continue
            known = self.packages[path]
            folder = path.replace("/", "_")
            texts = {}
            for key, change in sorted(package["changes"].items()):
                file = key.split()[0]
                texts[file] = changed(texts.get(file) or self.source(path, file), *change)
            drawn = [(item, items.draw(item)) for _, item in sorted(package["items"].items())]
            texts["zz_linkd.go"] = go_file(
                known["name"], set().union(*(t.imports for _, t in drawn)), [t.decl for _, t in drawn]) + HOOK % "".join(
                    "\tn = Use%s(n)\n" % item["name"] for item, _ in drawn if item["live"])
            for file, text in texts.items():
                files[folder + "/" + file] = text
                replace[os.path.join(known["dir"], file)] = os.path.join(self.folder, folder, file)
        files["overlay.json"] = json.dumps({"Replace": replace}, indent=1)
        self.write(files)
        return ["-overlay=" + os.path.join(self.folder, "overlay.json")]


HOOK = """
var Sink any

var Acc int

//go:noinline
func linkdUse(n int) int { Acc += n; return Acc }

type linkdType struct{ A, B int }

func linkdRun(n int) int {
%s	return n
}

func init() { Acc += linkdRun(Acc) }
"""


def changed(text, head, how, n):
    """The text of a Go file with one function changed."""
    at = text.find(head)
    if at < 0:
        return text
    start = at + len(head)
    end = text.find("\n}\n", start - 1)
    if end < 0:
        return text
    body = text[start:end + 1]
    if how == "call":
        body = "\tlinkdUse(%d)\n" % n + body
    elif how == "log":
        body = '\tif linkdUse(%d) == 7 {\n\t\tprintln("linkd %d", Acc)\n\t}\n' % (n, n) + body
    elif how == "gone":
        body = '\tpanic("gone %d")\n' % n + body
    elif how == "defer":
        body = "\tdefer linkdUse(%d)\n" % n + body
    elif how == "sink":
        body = "\tSink = &linkdType{%d, 1}\n" % n + body
    elif how == "big":
        body = "".join("\tAcc += linkdUse(%d)\n" % (n + i) for i in range(n % 300)) + body
    elif how == "int":
        body = replaced(INTEGER, body, n, lambda old: str(int(old) + 1 + n % 3))
    elif how == "string":
        body = replaced(LITERAL, body, n, lambda old: old[:-1] + "~%d\"" % (n % 1000))
    elif how == "copy" and not head.startswith("func ("):
        name = re.match(r"func (\w+)", head)[1]
        text += "\n" + head.replace(name, "%sLinkd%d" % (name, n), 1) + body + "}\n"
        return text + "\nfunc init() { Sink = %sLinkd%d }\n" % (name, n)
    return text[:start] + body + text[end + 1:]


def replaced(pattern, body, n, new):
    found = list(pattern.finditer(body))
    if not found:
        return body
    match = found[n % len(found)]
    return body[:match.start()] + new(match[0]) + body[match.end():]
