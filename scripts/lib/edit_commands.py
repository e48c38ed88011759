"""Go's own commands, which scripts/random-edits changes through an overlay: the real sources stay as they are."""

import json
import os
import re
import subprocess

import edit_items as items
from edit_worlds import World, chosen, go_file

FUNCTION = re.compile(r"(?m)^func (?:\([^()]*\) )?\w+[^\n]*\{\n")
INTEGER = re.compile(r"(?<![\w.\"'`])[1-9][0-9]{0,5}(?![\w.\"'`])")
LITERAL = re.compile(r'"(?:[^"\\\n]|\\.)+"')


class Command(World):
    """A command of Go's own, changed through an overlay: bodies of its functions and of those it imports, and items in
    one more file of a package."""

    weights = {
        "mutate": 26,
        "unmutate": 8,
        "add": 8,
        "tweak": 8,
        "remove": 4,
        "live": 3,
        "flags": 2,
        "debug": 3,
        "touch": 0.5,
        "nothing": 1.5,
        "revert": 2,
        "redraw": 6,
    }
    _listed = {}

    def __init__(self, name, folder, target, env, dependents=12):
        super().__init__(name, folder)
        self.target, self.dependents, self.fixed = target, dependents, {}
        if target == "tiny":
            # A program of the runtime and little else, so that the runtime itself can be edited.
            self.target, self.dependents, self.fixed = ".", 1 << 20, TINY
            self.write(self.fixed)
        self.packages = self.listed(target, env, self.target, self.folder if self.fixed else "/")
        self.state = {"packages": {}, "flags": {"ld": [], "go": []}}

    @classmethod
    def listed(cls, name, env, target, cwd):
        """{path: {"dir", "files", "deps", "name", "dependents"}} of the program's packages."""
        if name not in cls._listed:
            done = subprocess.run(
                ["go", "list", "-deps", "-json=ImportPath,Dir,GoFiles,Deps,Name", target],
                env=env,
                cwd=cwd,
                stdout=subprocess.PIPE,
                text=True,
                check=True,
            )
            decoder, at, packages = json.JSONDecoder(), 0, {}
            while at < len(done.stdout):
                entry, at = decoder.raw_decode(done.stdout, at)
                at = len(done.stdout) - len(done.stdout[at:].lstrip())
                packages[entry["ImportPath"]] = {
                    "dir": entry.get("Dir"),
                    "files": entry.get("GoFiles", []),
                    "name": entry["Name"],
                    "deps": set(entry.get("Deps", [])),
                }
            for path, package in packages.items():
                package["dependents"] = sum(path in other["deps"] for other in packages.values())
            cls._listed[name] = packages
        return cls._listed[name]

    def first_ops(self, rng):
        return [["flags", rng.randrange(1 << 30)]]

    def programs(self):
        return [self.target]

    def pick_program(self, rng, before):
        return self.target

    def pick_package(self, seed):
        """Mostly packages that few others of the program import: an edit has to compile these again."""
        rng = items.seeded("package", seed)
        paths = sorted(
            p for p, package in self.packages.items() if package["files"] and package["dependents"] <= self.dependents
        )
        power = -0.3 if self.fixed else -1.2
        return rng.choices(paths, [(1 + self.packages[p]["dependents"]) ** power for p in paths])[0]

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
        if path == "example.com/tiny":
            return self.fixed[file]
        with open(os.path.join(self.packages[path]["dir"], file), encoding="utf-8") as f:
            return f.read()

    def op_mutate(self, rng, seed):
        path = self.pick_package(seed)
        file = rng.choice(self.packages[path]["files"])
        heads = sorted(set(FUNCTION.findall(self.source(path, file))))
        if not heads:
            return None
        head = rng.choice(heads)
        how = rng.choice(
            ["call", "call", "log", "gone", "int", "int", "int", "string", "string", "copy", "defer", "sink", "big"]
        )
        self.entry(path)["changes"]["%s %d" % (file, seed)] = [head, how, rng.randrange(1 << 20)]
        return "%s in %s/%s, %s" % (how, path, file, head.strip())

    def pick_change(self, seed):
        found = {
            "%s %s" % (p, k): (package["changes"], k)
            for p, package in self.state["packages"].items()
            for k in package["changes"]
        }
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
        replace, files = {}, dict(self.fixed)
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
                known["name"], set().union(*(t.imports for _, t in drawn)), [t.decl for _, t in drawn]
            ) + HOOK % "".join("\tn = Use%s(n)\n" % item["name"] for item, _ in drawn if item["live"])
            for file, text in texts.items():
                files[folder + "/" + file] = text
                own = self.folder if path == "example.com/tiny" else known["dir"]
                replace[os.path.join(own, file)] = os.path.join(self.folder, folder, file)
        files["overlay.json"] = json.dumps({"Replace": replace}, indent=1)
        self.write(files)
        return ["-overlay=" + os.path.join(self.folder, "overlay.json")]


TINY = {
    "go.mod": "module example.com/tiny\n\ngo 1.27\n",
    "main.go": """package main

func main() {
	m := map[string]any{"a": 1}
	for k, v := range m {
		println(k, v.(int))
	}
	go func() { recover() }()
}
""",
}

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
    body = text[start : end + 1]
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
        body = replaced(LITERAL, body, n, lambda old: old[:-1] + '~%d"' % (n % 1000))
    elif how == "copy" and not head.startswith("func ("):
        name = re.match(r"func (\w+)", head)[1]
        text += "\n" + head.replace(name, "%sLinkd%d" % (name, n), 1) + body + "}\n"
        return text + "\nfunc init() { Sink = %sLinkd%d }\n" % (name, n)
    return text[:start] + body + text[end + 1 :]


def replaced(pattern, body, n, new):
    found = list(pattern.finditer(body))
    if not found:
        return body
    match = found[n % len(found)]
    return body[: match.start()] + new(match[0]) + body[match.end() :]
