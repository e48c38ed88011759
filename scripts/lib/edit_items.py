"""What scripts/random-edits puts into Go packages: items (a function, a type, a global, ...), each of a kind.

An item is a dictionary {"kind", "name", "file", "live", "p"}; `p` holds what its kind needs and was drawn for its kind.
Rendering is a pure function of the item, so that a sequence of edits always gives the same text.
"""

import random

import edit_code as code
import edit_data as data

# kind: (parameters, drawing, weight)
KINDS = {
    "func": (code.new_func, code.draw_func, 16),
    "small": (code.new_small, code.draw_small, 5),
    "many": (code.new_many, code.draw_many, 2),
    "type": (code.new_type, code.draw_type, 12),
    "iface": (code.new_iface, code.draw_iface, 6),
    "reflect": (code.new_reflect, code.draw_reflect, 2),
    "pool": (code.new_pool, code.draw_pool, 5),
    "generic": (code.new_generic, code.draw_generic, 6),
    "global": (data.new_global, data.draw_global, 12),
    "initvar": (data.new_initvar, data.draw_initvar, 3),
    "initfn": (data.new_initfn, data.draw_initfn, 3),
    "mapinit": (data.new_mapinit, data.draw_mapinit, 2),
    "const": (data.new_const, data.draw_const, 2),
    "comment": (data.new_comment, data.draw_comment, 2),
    "std": (data.new_std, data.draw_std, 8),
    "embed": (data.new_embed, data.draw_embed, 3),
    "asm": (data.new_asm, data.draw_asm, 3),
    "tagged": (data.new_tagged, data.draw_tagged, 2),
    "linkname": (data.new_linkname, data.draw_linkname, 3),
    "missing": (data.new_missing, data.draw_missing, 1.5),
    "nosplit": (data.new_nosplit, data.draw_nosplit, 1.5),
    "profile": (data.new_profile, data.draw_profile, 0.7),
}
# The kinds that can keep a program from linking.
RISKY = ("missing", "nosplit", "linkname")
# The kinds that need nothing but their own Go file: for packages of other people.
PLAIN = (
    "func",
    "small",
    "many",
    "type",
    "iface",
    "reflect",
    "pool",
    "generic",
    "global",
    "initvar",
    "initfn",
    "mapinit",
    "const",
    "comment",
    "std",
    "profile",
)


def new(kind, name, rng):
    """A new item."""
    return {
        "kind": kind,
        "name": name,
        "file": rng.randrange(3),
        "live": rng.random() < 0.75,
        "p": KINDS[kind][0](rng),
    }


def tweak(item, rng):
    """Gives an item other parameters: one of them, or all."""
    fresh = KINDS[item["kind"]][0](rng)
    keys = [k for k in sorted(fresh) if item["p"].get(k) != fresh[k]] or sorted(fresh)
    for key in keys if rng.random() < 0.1 else [rng.choice(keys)]:
        item["p"][key] = fresh[key]


def draw(item):
    return KINDS[item["kind"]][1](item, item["name"])


def pick_kind(rng, allowed=None):
    kinds = [k for k in KINDS if allowed is None or k in allowed]
    return rng.choices(kinds, [KINDS[k][2] for k in kinds])[0]


def seeded(*words):
    """A generator of random numbers that depends on these words alone."""
    return random.Random(":".join(str(w) for w in words))
