"""Items that are data, initialisation, files beside Go and names of other packages, in the manner of edit_code.py."""

from edit_pools import STD, STRINGS, Text, number, quoted, use


def new_global(rng):
    return {
        "shape": rng.randrange(len(SHAPES)),
        "n": rng.choice([0, 1, 3, 17, 100, 1000, 70000]),
        "k": number(rng),
        "s": rng.randrange(len(STRINGS)),
    }


SHAPES = [
    "int = {k}",
    "int",
    "= {s}",
    "[{n}]byte",
    "[{n}]*int",
    "= [{n}]int32{1, {k}&7}",
    '= []string{{s}, "b", {s}}',
    "= map[string]int{{pairs}}",
    "= &Gl{name}x",
    "= struct{ A int; B string; C []int }{{k}, {s}, []int{1, 2}}",
    "= func(n int) int { return n + {k} }",
    "= [...]float64{1.5, {k}, 2.25}",
    "[0]int",
    "= errors.New({s})",
    "any = {k}",
    "= make(chan int, {n})",
    "[{n}]struct{ P *int; S string; N int }",
    "interface{ M0(int) int }",
    "= [][]byte{[]byte({s}), {1, 2, 3}}",
    "= map[int]func(int) int{1: func(n int) int { return n }, {k}: nil}",
    "= func() int { return Acc + {k} }()",
    "struct{}",
    "string",
    "= [...]any{1, {s}, 2.5, nil, struct{}{}}",
    "= {s}[min(len({s}), 1):]",
    '= "{long}"',
    "= [{n}]struct{ A string; B int }{0: {{s}, {k}}}",
    "= int16({k}&4095)",
    "= byte({k}&255)",
    "= complex(1, {k})",
    "sync.Mutex",
    "*[1 << 20]*int",
    "[1 << {bits}]byte",
    "[1 << {bits}]*int",
]


def draw_global(item, name):
    p = item["p"]
    shape = SHAPES[p["shape"] % len(SHAPES)]
    size = max(p["n"], 2) if shape.startswith("= [{n}]") else p["n"]
    pairs = ", ".join('"key%d": %d' % (i, p["k"] + i) for i in range(min(size, 60)))
    text = shape.replace("{n}", str(size)).replace("{k}", str(p["k"])).replace("{s}", quoted(STRINGS[p["s"]]))
    text = text.replace("{pairs}", pairs).replace("{name}", name).replace("{bits}", str(p["k"] % 22))
    text = text.replace("{long}", "%04d" % (p["k"] % 10000) * min(size, 5000))
    decl = "\nvar Gl%s %s\n" % (name, text)
    if "{name}x" in shape:
        decl += "\nvar Gl%sx = %d\n" % (name, p["k"])
    imports = [x for x in ("errors", "sync") if x + "." in shape]
    return Text(decl + use(name, ["Sink = &Gl" + name]), imports, far="Sink = &{q}Gl" + name)


def new_initvar(rng):
    return {"k": number(rng), "order": rng.randrange(6), "dep": rng.random() < 0.5, "dead": rng.random() < 0.3}


def draw_initvar(item, name):
    """Variables whose initialisers run, in an order of dependence and of mention."""
    p = item["p"]
    vars_ = [
        "var Ia%s = ib%s + %d" % (name, name, p["k"]),
        "var ib%s = initf%s(ic%s)" % (name, name, name),
        "var ic%s = initf%s(%d)" % (name, name, p["k"] % 100),
    ]
    order = [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)][p["order"]]
    decl = "\n".join([""] + [vars_[i] for i in order])
    decl += "\n\n//go:noinline\nfunc initf%s(n int) int { %sreturn n * %d }\n" % (
        name,
        "Acc++; " if p["dep"] else "",
        p["k"] % 77,
    )
    return Text(decl + use(name, [] if p["dead"] else ["n += Ia" + name]))


def new_initfn(rng):
    return {"count": rng.randrange(4), "k": number(rng), "s": rng.randrange(len(STRINGS))}


def draw_initfn(item, name):
    p = item["p"]
    decl = "".join(
        "\nfunc init() {\n\tAcc += %d\n\tSink = %s\n}\n" % (p["k"] + i, quoted(STRINGS[p["s"]]))
        for i in range(p["count"])
    )
    return Text(decl + use(name, []))


def new_mapinit(rng):
    return {"n": rng.choice([5, 30, 60]), "k": rng.randrange(1000), "used": rng.random() < 0.5}


def draw_mapinit(item, name):
    p = item["p"]
    pairs = "".join('\t"k%d": mapf%s(%d),\n' % (i, name, p["k"] + i) for i in range(p["n"]))
    plain = "".join('\t"p%d": %d,\n' % (i, p["k"] + i) for i in range(p["n"]))
    decl = "\nvar Mi%s = map[string]int{\n%s}\n\nvar Mj%s = map[string]int{\n%s}\n" % (name, pairs, name, plain)
    decl += "\nfunc mapf%s(n int) int { return n + 1 }\n" % name
    return Text(
        decl + use(name, ['n += Mi%s["k1"]' % name] if p["used"] else ["n += len(Mj%s)" % name] if p["k"] % 2 else [])
    )


def new_const(rng):
    return {"n": rng.randrange(1, 8), "k": number(rng)}


def draw_const(item, name):
    lines = "".join("\tCo%s_%d = %d\n" % (name, i, item["p"]["k"] + i) for i in range(item["p"]["n"]))
    return Text(
        "\nconst (\n%s)\n\ntype En%s int8\n\nconst Ec%s En%s = 3\n" % (lines, name, name, name) + use(name, [])
    )


def new_comment(rng):
    return {"n": rng.choice([1, 3, 50, 300]), "word": rng.choice(["one", "two"])}


def draw_comment(item, name):
    """Lines that only move the others."""
    return Text("\n" + "// %s\n" % item["p"]["word"] * item["p"]["n"] + use(name, []))


def new_std(rng):
    names = sorted(STD)
    return {"path": rng.choices(names, [STD[n][1] for n in names])[0]}


def draw_std(item, name):
    path = item["p"]["path"]
    return Text(use(name, ["n += " + STD[path][0]]), [path])


# Files beside Go: embedded ones, assembly, build tags


def new_embed(rng):
    return {
        "mode": rng.randrange(3),
        "size": rng.choice([0, 1, 10, 100, 5000, 100000]),
        "byte": rng.randrange(97, 123),
    }


def draw_embed(item, name):
    p = item["p"]
    file = "embed%s.txt" % name
    kind = ["string", "[]byte", "embed.FS"][p["mode"]]
    decl = "\n//go:embed %s\nvar Em%s %s\n" % (file, name, kind)
    body = ["n += len(Em%s)" % name] if p["mode"] < 2 else ["Sink = Em" + name]
    return Text(
        decl + use(name, body), ["embed" if p["mode"] == 2 else "_ embed"], {file: chr(p["byte"]) * p["size"]}
    )


def new_asm(rng):
    return {
        "n": rng.randrange(1, 4),
        "k": rng.randrange(1 << 20),
        "frame": rng.choice([0, 8, 64, 704, 5000]),
        "nosplit": rng.random() < 0.4,
        "callback": rng.random() < 0.4,
        "data": rng.choice([0, 8, 64, 4096]),
        "flags": rng.choice(["RODATA|NOPTR", "NOPTR", "RODATA|NOPTR|DUPOK", "NOPTR|DUPOK"]),
        "value": rng.random() < 0.3,
        "shared": rng.choice(["", "", "", "0", "1"]),
        "align": rng.choice([0, 0, 0, 16, 32, 64, 256]),
    }


def draw_asm(item, name):
    p = item["p"]
    frame = min(p["frame"], 64) if p["nosplit"] else p["frame"]
    go, text = "", '#include "textflag.h"\n'
    for i in range(p["n"]):
        go += "\nfunc as%s_%d(n int64) int64\n" % (name, i)
        text += "\nTEXT ·as%s_%d(SB), %s, $%d-16\n\tMOVQ n+0(FP), AX\n\tADDQ $%d, AX\n" % (
            name,
            i,
            "NOSPLIT" if p["nosplit"] else "0",
            frame,
            p["k"] + i,
        )
        if p["align"]:
            text += "\tPCALIGN $%d\n" % p["align"]
        if p["data"]:
            text += "\tADDQ asd%s<>(SB), AX\n" % name
        text += "\tMOVQ AX, ret+8(FP)\n\tRET\n"
    if p["data"]:
        text += "\nDATA asd%s<>+0(SB)/8, $%d\nGLOBL asd%s<>(SB), %s, $%d\n" % (
            name,
            p["k"],
            name,
            p["flags"],
            p["data"],
        )
    if p["shared"]:
        # A symbol that other packages may define too, with another size.
        symbol = "linkd·dup" + p["shared"]
        text += "\nDATA %s+0(SB)/8, $%d\nGLOBL %s(SB), RODATA|NOPTR|DUPOK, $%d\n" % (
            symbol,
            p["k"] % 3,
            symbol,
            max(p["data"], 8),
        )
        text += "\nTEXT ·asu%s(SB), NOSPLIT, $0-8\n\tMOVQ %s+0(SB), AX\n\tMOVQ AX, ret+0(FP)\n\tRET\n" % (
            name,
            symbol,
        )
        go += "\nfunc asu%s() int64\n" % name
    body = ["n += int(as%s_%d(int64(n)))" % (name, i) for i in range(p["n"])]
    if p["shared"]:
        body.append("n += int(asu%s())" % name)
    if p["value"]:
        body.append("Sink = as%s_0" % name)
    if p["callback"]:
        go += "\nfunc asb%s(n int64) int64\n\nfunc asg%s(n int64) int64 { return n * %d }\n" % (name, name, p["k"])
        text += (
            "\nTEXT ·asb%s(SB), 0, $16-16\n\tMOVQ n+0(FP), AX\n\tMOVQ AX, 0(SP)\n\tCALL ·asg%s(SB)\n\tMOVQ 8(SP), AX\n\tMOVQ AX, ret+8(FP)\n\tRET\n"
            % (name, name)
        )
        body.append("n += int(asb%s(int64(n)))" % name)
    return Text(go + use(name, body), (), {"asm%s_amd64.s" % name: text}, bodyless=True)


def new_tagged(rng):
    return {"k": number(rng), "s": rng.randrange(len(STRINGS)), "on": rng.randrange(4), "off": rng.randrange(4)}


def draw_tagged(item, name):
    """Two files, of which a build takes one."""
    p = item["p"]
    files = {}
    for tag, extra in (("taga", p["on"]), ("!taga", p["off"])):
        more = "".join("\nfunc init() { Acc += %d }\n" % (p["k"] + i) for i in range(extra))
        files["tag%s_%d.go" % (name, len(tag))] = '//go:build %s\n\npackage {package}\n\nvar Tg%s = %s + "%s"\n%s' % (
            tag,
            name,
            quoted(STRINGS[p["s"]]),
            tag,
            more,
        )
    return Text(use(name, ["n += len(Tg%s)" % name]), (), files)


# Symbols of other packages


def new_linkname(rng):
    return {"mode": rng.choice([0, 0, 1, 1, 1, 2, 2, 2, 3, 4, 5, 6, 7]), "shared": rng.randrange(3), "k": number(rng)}


def draw_linkname(item, name):
    p = item["p"]
    target = "linkd.shared%d" % p["shared"]
    pull = "\n//go:linkname ln%s %s\nfunc ln%s(n int) int\n"
    if p["mode"] == 0:
        decl = "\n//go:linkname ln%s runtime.nanotime\nfunc ln%s() int64\n" % (name, name)
        return Text(decl + use(name, ["n += int(ln%s())" % name]), ["_ unsafe"], bodyless=True)
    if p["mode"] == 1:
        decl = "\n//go:linkname ln%s %s\nfunc ln%s(n int) int { return n + %d }\n" % (name, target, name, p["k"])
        return Text(decl + use(name, []), ["_ unsafe"])
    if p["mode"] == 2:
        return Text(pull % (name, target, name) + use(name, ["n = ln%s(n)" % name]), ["_ unsafe"], bodyless=True)
    if p["mode"] in (3, 4):
        value = " = %d" % p["k"] if p["mode"] == 3 else ""
        decl = "\n//go:linkname lv%s linkd.var%d\nvar lv%s int%s\n" % (name, p["shared"], name, value)
        return Text(decl + use(name, ["n += lv" + name]), ["_ unsafe"])
    if p["mode"] == 5:
        return Text(
            pull % (name, "runtime.newproc1", name) + use(name, ["n = ln%s(n)" % name]), ["_ unsafe"], bodyless=True
        )
    if p["mode"] == 6:
        decl = "\n//go:linkname le%s runtime.overflowError\nvar le%s error\n" % (name, name)
        return Text(decl + use(name, ["Sink = le" + name]), ["_ unsafe"])
    decl = "\n//go:linkname lx%s\nfunc lx%s(n int) int { return n ^ %d }\n" % (name, name, p["k"])
    return Text(decl + use(name, ["n = lx%s(n)" % name]), ["_ unsafe"])


def new_missing(rng):
    return {"n": rng.randrange(1, 3)}


def draw_missing(item, name):
    """Functions without a body anywhere: the link fails while they are live."""
    decl = "".join("\nfunc missing%s_%d(n int) int\n" % (name, i) for i in range(item["p"]["n"]))
    return Text(decl + use(name, ["n = missing%s_%d(n)" % (name, i) for i in range(item["p"]["n"])]), bodyless=True)


def new_nosplit(rng):
    return {"frames": [rng.choice([16, 64, 200, 400]) for _ in range(rng.randrange(1, 5))]}


def draw_nosplit(item, name):
    """A chain of nosplit functions, which overflows the stack's limit when its frames are large."""
    frames = item["p"]["frames"]
    decl = ""
    for i, size in enumerate(frames):
        call = "+ int(b[ns%s_%d(n)&1])" % (name, i + 1) if i + 1 < len(frames) else ""
        decl += (
            "\n//go:nosplit\n//go:noinline\nfunc ns%s_%d(n int) int { var b [%d]byte; b[n&7] = byte(n); return int(b[(n+1)&7]) %s }\n"
            % (name, i, size, call)
        )
    return Text(decl + use(name, ["n = ns%s_0(n)" % name]))


def new_profile(rng):
    return {"how": rng.randrange(2)}


def draw_profile(item, name):
    """Turns the linker's runtime.disableMemoryProfiling off."""
    return Text(
        use(name, ["runtime.MemProfile(nil, true)"] if item["p"]["how"] else ["Sink = runtime.MemProfile"]),
        ["runtime"],
    )
