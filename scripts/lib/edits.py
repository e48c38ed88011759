"""Source edits for scripts/bench: made in an overlay (go build -overlay), so that no source tree changes."""

import json
import os
import re

HELPERS = """
var linkdBenchSink int

//go:noinline
func linkdBenchUse(n int) { linkdBenchSink += n }
"""


def constant(n):
    """Another constant: every size stays."""
    return "\tlinkdBenchUse(%d)\n" % (1_000_000 + n), "", []


def log_call(n):
    """One more call with a string of its own each time: code and read-only data grow, addresses move."""
    return "".join('\tprintln("linkd bench: %s", linkdBenchSink)\n' % ("x" * 40 + str(i)) for i in range(n + 1)), "", []


def new_function(n):
    """A new function and its call: one symbol more in every table."""
    functions = "".join("""
//go:noinline
func linkdBenchFunction%(i)d(n int) int { return n*%(i)d + linkdBenchSink }
""" % {"i": i} for i in range(n + 1))
    return "".join("\tlinkdBenchUse(linkdBenchFunction%d(%d))\n" % (i, i) for i in range(n + 1)), functions, []


def new_type(n):
    """A new type with methods, put into an interface and called through it: the live set changes."""
    types = "".join("""
type linkdBenchType%(i)d struct{ a, b int; s string }

func (t *linkdBenchType%(i)d) LinkdBench() int { return t.a*%(i)d + len(t.s) }

func (t *linkdBenchType%(i)d) String() string { return t.s }
""" % {"i": i} for i in range(n + 1))
    calls = "".join("\tlinkdBenchUse(linkdBenchCall(&linkdBenchType%d{a: linkdBenchSink, s: \"t\"}))\n" % i
                    for i in range(n + 1))
    interface = """
type linkdBenchInterface interface{ LinkdBench() int; String() string }

//go:noinline
func linkdBenchCall(x linkdBenchInterface) int { return x.LinkdBench() + len(x.String()) }
"""
    return calls, interface + types, []


# Small packages of std that few programs have in them, with something to use of each.
PACKAGES = (
    ("container/ring", "New(2).Len()"), ("text/tabwriter", "NewWriter(nil, 0, 0, 0, 0, 0).Flush() == nil"),
    ("index/suffixarray", "New([]byte{1}).Bytes()"), ("hash/adler32", "Checksum(nil)"),
    ("encoding/ascii85", "MaxEncodedLen(2)"), ("container/heap", "Pop == nil"), ("hash/fnv", "New32().Size()"),
    ("encoding/csv", "NewReader(nil).Comma"), ("text/scanner", "TokenString(1)"), ("mime/quotedprintable", "NewReader(nil)"),
    ("math/cmplx", "Abs(1i)"), ("hash/crc64", "MakeTable(1) == nil"), ("image/color", "Black"), ("net/textproto", "TrimString(\"\")"),
    ("archive/tar", "FormatUSTAR"), ("html", "EscapeString(\"\")"), ("expvar", "NewInt(\"\") == nil"),
)


def new_import(n):
    """One more imported package: another package is loaded, and maybe initialised."""
    chosen = PACKAGES[:n + 1]
    if n >= len(PACKAGES):
        raise SystemExit("bench: no more than %d states of the edit 'import'" % len(PACKAGES))
    uses = "".join("\tlinkdBenchAny = linkdBench%d.%s\n" % (i, use) for i, (_, use) in enumerate(chosen))
    imports = ['linkdBench%d "%s"' % (i, path) for i, (path, _) in enumerate(chosen)]
    return uses, "\nvar linkdBenchAny any\n", imports


EDITS = {"constant": constant, "log": log_call, "function": new_function, "type": new_type, "import": new_import}


def overlay(source, function, edit, n, folder):
    """Writes the n-th state of an edit of `function` in the Go file `source`; gives the overlay file's path."""
    return overlay_all({source: function}, edit, n, folder)


def overlay_all(functions, edit, n, folder):
    """The same for many files at once, {Go file: name of a function in it}, no two of one package.

    Without an edit (None) only a comment is added: a base that differs from an edit in nothing else. (The names of
    overlaid files of GOROOT are absolute in what the compiler writes, also in packages that import them; those of others
    begin with $GOROOT. And a file that says the same is not compiled again.)
    """
    os.makedirs(folder, exist_ok=True)
    replaced = {}
    for number, (source, function) in enumerate(functions.items()):
        with open(source, encoding="utf-8") as file:
            text = file.read()
        replaced[source] = os.path.join(folder, "%d-%s" % (number, os.path.basename(source)))
        with open(replaced[source], "w", encoding="utf-8") as file:
            file.write(edited(text, source, function, edit, n) if edit else text + "\n// linkd bench\n")
    path = os.path.join(folder, "overlay.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"Replace": replaced}, file)
    return path


def edited(text, source, function, edit, n):
    """The n-th state of an edit of `function` in the Go file `source` with the content `text`."""
    statements, declarations, imports = EDITS[edit](n)
    # The body starts at the first line that ends in `{` at or after the function's own line.
    head = re.search(r"(?m)^func %s\b" % re.escape(function), text)
    body = head and re.compile(r"\{[ \t]*\n").search(text, head.start())
    if not body:
        raise SystemExit("bench: no function %s in %s" % (function, source))
    # Behind an `if` that is never true at run time, and that the compiler cannot know: the program works as before.
    statements = "\tif linkdBenchSink != 0 {\n" + statements + "\t}\n"
    text = text[:body.end()] + statements + text[body.end():] + HELPERS + declarations
    package = re.search(r"(?m)^package \w+.*$", text)
    return text[:package.end()] + "".join("\nimport " + i for i in imports) + text[package.end():]


def editable(text):
    """The functions of a Go file that `edited` can edit without a thought: plain, with a body of lines, and without
    directives, which may forbid what the edit does.
    """
    found = []
    for head in re.finditer(r"(?m)^func (\w+)\((.*)\{[ \t]*$", text):
        comments = re.search(r"(?:^//.*\n)*\Z", text[:head.start()], re.M).group()
        if head.group(1) not in ("init", "_") and "//go:" not in comments and head.group(2).count("{") == head.group(
                2).count("}") and head.group(2).count("(") + 1 == head.group(2).count(")"):
            found.append(head.group(1))
    return found
