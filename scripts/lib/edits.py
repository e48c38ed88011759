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
    return "\tlinkdBenchUse(%d)\n" % (1_000_000 + n), ""


def log_call(n):
    """One more call with a string of its own each time: code and read-only data grow, addresses move."""
    return "".join('\tprintln("linkd bench: %s", linkdBenchSink)\n' % ("x" * 40 + str(i)) for i in range(n + 1)), ""


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
    return calls, interface + types


EDITS = {"constant": constant, "log": log_call, "type": new_type}


def overlay(source, function, edit, n, folder):
    """Writes the n-th state of an edit of `function` in the Go file `source`; gives the overlay file's path."""
    with open(source, encoding="utf-8") as file:
        text = file.read()
    statements, declarations = EDITS[edit](n)
    # The body starts at the first line that ends in `{` at or after the function's own line.
    head = re.search(r"(?m)^func %s\b" % re.escape(function), text)
    body = head and re.compile(r"\{[ \t]*\n").search(text, head.start())
    if not body:
        raise SystemExit("bench: no function %s in %s" % (function, source))
    text = text[:body.end()] + statements + text[body.end():] + HELPERS + declarations
    os.makedirs(folder, exist_ok=True)
    changed = os.path.join(folder, os.path.basename(source))
    with open(changed, "w", encoding="utf-8") as file:
        file.write(text)
    path = os.path.join(folder, "overlay.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"Replace": {source: changed}}, file)
    return path
