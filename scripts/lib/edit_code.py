"""Items that are functions, types and what comes of types. For each kind: new_KIND draws its parameters, draw_KIND gives
its Text."""

from edit_pools import CALLS, COMPARABLE, METHODS, STRINGS, TYPES, Text, number, quoted, use


def new_func(rng):
    return {
        "body": rng.randrange(len(BODIES)),
        "k": number(rng),
        "s": rng.randrange(len(STRINGS)),
        "lines": [number(rng) for _ in range(rng.choice([0, 0, 1, 2, 5, 20]))],
        "noinline": rng.random() < 0.4,
        "log": rng.choice([0, 0, 0, 1, 2, 3]),
        "pad": rng.choice([0, 0, 1, 3]),
    }


def cases_int(p):
    return (
        "switch n {\n"
        + "".join("\tcase %d:\n\t\treturn %d\n" % (i, i * 7 % 13 + p["k"]) for i in range(p["k"] % 24 + 2))
        + "\t}"
    )


def cases_string(p):
    return (
        "switch string(rune(n)) + {s} {\n"
        + "".join('\tcase "%s":\n\t\treturn %d\n' % ("k%d" % i * (i % 3 + 1), i) for i in range(p["k"] % 20 + 2))
        + "\t}"
    )


BODIES = [
    lambda p: "n = n*{k} + len({s})",
    lambda p: "for i := 0; i < n&15; i++ {\n\t\tAcc += i ^ {k}\n\t}",
    lambda p: "f := func(x int) int { return x + {k} + n }\n\tg := func() int { n++; return f(n) }\n\tn = f(n) + g()",
    lambda p: "defer func() {\n\t\tif r := recover(); r != nil {\n\t\t\tSink = r\n\t\t}\n\t}()\n\tif n == {k} {\n\t\tpanic({s})\n\t}",
    lambda p: "c := make(chan int, 1)\n\tgo func() { c <- n + {k} }()\n\tn = <-c",
    lambda p: "a, b := make(chan int), make(chan string)\n\tselect {\n\tcase n = <-a:\n\tcase b <- {s}:\n\tdefault:\n\t\tn += {k}\n\t}",
    cases_int,
    cases_string,
    lambda p: 'm := map[string]int{{s}: 1, "b": {k}}\n\tfor k, v := range m {\n\t\tn += len(k) + v\n\t}',
    lambda p: "var b [%d]byte\n\tfor i := range b {\n\t\tb[i] = byte(n + i)\n\t}\n\tn += int(b[n&7])"
    % (p["k"] % 9000 + 8),
    lambda p: "x := float64(n) * %d.5\n\tif x != x || x > 1e%d {\n\t\tn = int(x)\n\t}"
    % (p["k"] % 1000, p["k"] % 300),
    lambda p: "switch v := Sink.(type) {\n\tcase int:\n\t\tn += v\n\tcase string:\n\t\tn += len(v)\n\tcase "
    + "[1]"
    + TYPES[p["k"] % len(TYPES)]
    + ":\n\t\tn++\n\tcase []int32, func():\n\t\tn--\n\t}",
    lambda p: "for i := range n & 3 {\n\t\tdefer func() { Acc += i + {k} }()\n\t}",
    lambda p: "for i := range func(yield func(int) bool) { _ = yield(n) && yield({k}) } {\n\t\tn += i\n\t}",
    lambda p: 's := {s}\n\tfor i := 0; i < n&3; i++ {\n\t\ts += "+" + s\n\t}\n\tn = len(s) + {k}',
    lambda p: "v := make([]int, 0, n&63)\n\tfor i := 0; i < {k}&31; i++ {\n\t\tv = append(v, i, n)\n\t}\n\tn = len(v)",
    lambda p: "Sink = [2]any{n + {k}, {s}}",
    lambda p: "x := complex(float64(n), {k}&7)\n\tn = int(real(x * x))",
    lambda p: "p := new(struct{ A, B int; C *int })\n\tp.A, p.C = {k}, &n\n\tSink = p",
    lambda p: "type local struct{ X int; S string }\n\tSink = local{{k}&7, {s}}",
    lambda p: "x := []func(int) int{func(i int) int { return i + {k} }, func(i int) int { return i ^ n }}\n\tn = x[n&1](n)",
    lambda p: "n = min(n, {k}) + max(n, 3)\n\tclear(map[int]int{n: 1})",
    lambda p: 'if n > {k} {\n\t\tpanic("out of range: " + {s})\n\t}',
]


def draw_func(item, name):
    p, imports = item["p"], []
    s = quoted(STRINGS[p["s"]])
    body = BODIES[p["body"] % len(BODIES)](p).replace("{k}", str(p["k"])).replace("{s}", s)
    lines = [
        "\tAcc += n * %d" % k if k % 3 else "\tif n == %d {\n\t\tprintln(%s, n)\n\t}" % (k, s) for k in p["lines"]
    ]
    if p["log"] == 1:
        lines.append('\tfmt.Println("log", %s, n)' % s)
        imports.append("fmt")
    elif p["log"] == 2:
        lines.append('\tlog.Printf("%%d %s", n)' % name)
        imports.append("log")
    elif p["log"] == 3:
        lines.append('\tprintln("log %s", n)' % name)
    head = "\n" * p["pad"] + ("\n//go:noinline" if p["noinline"] else "")
    decl = "%s\nfunc Fn%s(n int) int {\n%s\t%s\n\treturn n\n}\n" % (
        head,
        name,
        "".join(line + "\n" for line in lines),
        body,
    )
    return Text(decl + use(name, ["n += Fn%s(n)" % name]), imports, far="n += {q}Fn%s(n)" % name)


def new_small(rng):
    return {"k": number(rng), "deep": rng.randrange(1, 6)}


def draw_small(item, name):
    """Functions that get inlined into each other, in this and in other packages."""
    p = item["p"]
    decl = "".join(
        "\nfunc Sm%s_%d(n int) int { return %sn ^ %d%s }\n"
        % (name, i, "" if i == 0 else "Sm%s_%d(" % (name, i - 1), p["k"] + i, "" if i == 0 else ")")
        for i in range(p["deep"])
    )
    last = "Sm%s_%d(n)" % (name, p["deep"] - 1)
    return Text(decl + use(name, ["n += " + last]), far="n += {q}Sm%s_0(n) + {q}Sm%s_0(3)" % (name, name))


def new_many(rng):
    return {"n": rng.choice([3, 10, 40, 150]), "k": rng.randrange(1000), "table": rng.random() < 0.5}


def draw_many(item, name):
    p = item["p"]
    decl = "".join(
        "\n//go:noinline\nfunc many%s_%d(n int) int { return n*%d + %d }\n" % (name, i, p["k"], i)
        for i in range(p["n"])
    )
    names = ["many%s_%d" % (name, i) for i in range(p["n"])]
    if p["table"]:
        decl += "\nvar Many%s = []func(int) int{%s}\n" % (name, ", ".join(names))
        return Text(decl + use(name, ["n = Many%s[n&1](n)" % name]))
    return Text(decl + use(name, ["n = %s(n)" % x for x in names]))


# Types, methods, interfaces


def new_type(rng):
    return {
        "fields": [rng.randrange(len(TYPES)) for _ in range(rng.randrange(5))],
        "k": number(rng),
        "methods": sorted(rng.sample(sorted(METHODS), rng.randrange(6))),
        "pointer": rng.random() < 0.5,
        "s": rng.randrange(len(STRINGS)),
        "how": rng.randrange(8),
        "tag": rng.random() < 0.2,
        "keyed": rng.random() < 0.2,
        "embeds": rng.choice(["", "", "", "error", "*Ty%sInner"]),
    }


def draw_type(item, name):
    p = item["p"]
    s = quoted(STRINGS[p["s"]])
    fields = ["F%d %s%s" % (i, TYPES[t], ' `json:"f%d"`' % i if p["tag"] else "") for i, t in enumerate(p["fields"])]
    decl = ""
    if p["embeds"]:
        fields.insert(0, p["embeds"].replace("%s", name))
        if "Inner" in p["embeds"]:
            decl += "\ntype Ty%sInner struct{ in int }\n\nfunc (t *Ty%sInner) Inner() int { return t.in + %d }\n" % (
                name,
                name,
                p["k"],
            )
    decl += "\ntype Ty%s struct {\n%s}\n" % (name, "".join("\t%s\n" % f for f in fields))
    receiver = "*" if p["pointer"] else ""
    for method in p["methods"]:
        head, body = METHODS[method]
        decl += "\nfunc (t %sTy%s) %s { %s }\n" % (
            receiver,
            name,
            head,
            body.replace("{k}", str(p["k"])).replace("{s}", s),
        )
    value = ("&" if p["pointer"] else "") + "Ty%s{}" % name
    calls = ["if true {\n\t\tx := %s\n\t\t%s\n\t}" % (value.replace("&", "&"), CALLS[m]) for m in p["methods"]]
    how = {
        0: ["Sink = " + value],
        1: calls,
        2: calls[:1] + ["Sink = " + value],
        3: ["var x Ty%s" % name, "Sink = &x"],
        4: ["Sink = []Ty%s{{}}" % name],
        5: ["Sink = map[string]*Ty%s{}" % name],
        6: ["var x Ty%s" % name, "_ = x"],
        7: ["Sink = func(Ty%s) {}" % name],
    }[p["how"]]
    if p["how"] == 2 and p["methods"]:
        how.append("Sink = (%s).%s" % (value, p["methods"][0]))
    if p["keyed"]:
        decl += "\ntype Ty%sKey struct {\n\tA string\n\tB [%d]int\n\tC any\n}\n" % (name, p["k"] % 5 + 1)
        how.append("Sink = map[Ty%sKey]int{{}: n}" % name)
    return Text(decl + use(name, how), far="Sink = {q}Ty%s{}" % name)


def new_iface(rng):
    methods = sorted(rng.sample(sorted(METHODS), rng.choice([1, 1, 2, 3])))
    return {"methods": methods, "call": rng.random() < 0.7, "how": rng.randrange(4)}


def draw_iface(item, name):
    p = item["p"]
    decl = "\ntype If%s interface {\n%s}\n" % (name, "".join("\t%s\n" % METHODS[m][0] for m in p["methods"]))
    call = "\n\t\t".join(CALLS[m] for m in p["methods"]) if p["call"] else "_ = x"
    body = {
        0: ["if x, ok := Sink.(If%s); ok {\n\t\t%s\n\t}" % (name, call)],
        1: ["x := Sink.(If%s)" % name, call.replace("\n\t\t", "\n\t") if len(p["methods"]) == 1 else "Sink = x"],
        2: ["var x If%s" % name, "Sink = &x"],
        3: ["switch x := Sink.(type) {\n\tcase If%s:\n\t\t%s\n\tcase int:\n\t\tn += x\n\t}" % (name, call)],
    }[p["how"]]
    return Text(decl + use(name, body), far="_, ok%s := Sink.({q}If%s); if ok%s { n++ }" % (name, name, name))


def new_reflect(rng):
    return {
        "mode": rng.choice([0, 0, 0, 1, 1, 2, 3, 4, 5, 6]),
        "method": rng.choice(["M0", "M1", "String", "Len", "Inner"]),
    }


def draw_reflect(item, name):
    m = quoted(item["p"]["method"])
    body = {
        0: "n += reflect.ValueOf(Sink).MethodByName(%s).Type().NumIn()" % m,
        1: "if _, ok := reflect.TypeOf(Sink).MethodByName(%s); ok { n++ }" % m,
        2: "n += reflect.ValueOf(Sink).Method(n).Type().NumIn()",
        3: "n += reflect.ValueOf(Sink).MethodByName(string(rune(n))).Type().NumIn()",
        4: "Sink = reflect.New(reflect.TypeOf(Sink)).Interface()",
        5: "Sink = reflect.TypeOf(Sink).Method(n)",
        6: "Sink = reflect.MakeFunc(reflect.TypeOf(func() {}), nil).Interface()",
    }[item["p"]["mode"]]
    return Text(use(name, [body]), ["reflect"])


def new_pool(rng):
    return {
        "types": sorted(rng.sample(range(len(TYPES)), rng.randrange(1, 6))),
        "strings": sorted(rng.sample(range(len(STRINGS)), rng.randrange(5))),
    }


def draw_pool(item, name):
    """Types and strings that other packages have too: one definition of each is elected."""
    body = [
        (
            "Sink = *new(%s)" % TYPES[t]
            if "interface{" not in TYPES[t] and TYPES[t] not in ("any", "error")
            else "Sink = new(%s)" % TYPES[t]
        )
        for t in item["p"]["types"]
    ]
    body += ["println(%s)" % quoted(STRINGS[s]) for s in item["p"]["strings"]]
    return Text(use(name, body))


def new_generic(rng):
    return {
        "types": [rng.randrange(len(TYPES)) for _ in range(rng.randrange(1, 4))],
        "k": number(rng),
        "how": rng.randrange(4),
        "far": rng.randrange(len(TYPES)),
    }


def draw_generic(item, name):
    p = item["p"]
    decl = """
type Ge%(n)s[T any] struct {
	v T
	l []T
}

func (g *Ge%(n)s[T]) Put(x T) int { g.l = append(g.l, x, g.v); return len(g.l) + %(k)d }

func (g *Ge%(n)s[T]) String() string { return fmt.Sprintf("%%T", g.v) }

func Gf%(n)s[T any](x T, n int) int {
	var g Ge%(n)s[T]
	Sink = x
	return g.Put(x) * n
}

func Gc%(n)s[K comparable, V any](m map[K]V, k K) (V, bool) { v, ok := m[k]; return v, ok }
""" % {"n": name, "k": p["k"]}
    body = []
    for t in p["types"]:
        if p["how"] in (0, 1):
            body.append("n += Gf%s(*new(%s), n)" % (name, TYPES[t]))
        if p["how"] in (1, 2):
            body.append("Sink = &Ge%s[%s]{}" % (name, TYPES[t]))
        if p["how"] == 3:
            body.append(
                "if _, ok := Gc%s(map[%s]%s{}, *new(%s)); ok { n++ }"
                % (name, COMPARABLE[t % len(COMPARABLE)], TYPES[t], COMPARABLE[t % len(COMPARABLE)])
            )
    far = "n += {q}Gf%s(*new(%s), n)" % (name, TYPES[p["far"]])
    return Text(decl + use(name, body), ["fmt"], far=far)
