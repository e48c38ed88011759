"""What scripts/random-edits puts into Go packages: items (a function, a type, a global, ...), each of a kind.

An item is a dictionary {"kind", "name", "file", "live", "p"}; `p` holds what its kind needs and came from NEW[kind].
Rendering is a pure function of the item, so that a sequence of edits always gives the same text.
"""

import random

STRINGS = ["", "a", "linkd", "shared string", "x" * 40, "the quick brown fox\\n", "key", "value", "\\x00\\xff", "é世界",
           "%d %s\\n", "M0", "M1", "String", "a longer string that several packages have in common, to be merged",
           "y" * 300]
TYPES = ["int", "string", "[]byte", "map[string]int", "[]string", "struct{ A int; B string }", "*int", "[3]int",
         "func(int) string", "chan int", "map[int][]string", "struct{ X, Y float64 }", "interface{ M0(int) int }",
         "[]map[string]bool", "uint8", "float32", "complex128", "error", "any", "[5]struct{ P *int; N int8 }",
         "map[[2]string]struct{ F func() }", "[64]uint64", "struct{}", "*struct{ Next *int }", "[]any", "int8", "int16",
         "uint32", "*[1024]*int", "struct{ _ [0]func(); C chan<- string }", "map[any]any", "[4096]*byte",
         # Unexported fields and methods: another type in each package, under the same string.
         "struct{ a int; b string }", "*struct{ a int }", "interface{ m8(n int) int }", "[]struct{ a, b any }",
         "map[string]struct{ a *int }", "func(struct{ a int })"]
COMPARABLE = ["int", "string", "[3]int", "struct{ A int; B string }", "[2]string", "any", "struct{ X, Y float64 }",
              "*int", "uint8", "struct{ S [4]string; F float32 }"]
METHODS = {
    "M0": ("M0(n int) int", "return n*{k} + 1"),
    "M1": ("M1() string", "return {s}"),
    "M2": ("M2(a, b int) (int, error)", "return a ^ b + {k}, nil"),
    "M3": ("M3(x any) any", "Sink = x; return {k}"),
    "String": ("String() string", "return {s} + \"!\""),
    "Error": ("Error() string", "println({s}); return {s}"),
    "Len": ("Len() int", "return {k}"),
    "Write": ("Write(p []byte) (int, error)", "Acc += len(p) + {k}; return len(p), nil"),
    "M7": ("M7(f func(int) int) int", "return f({k})"),
    "m8": ("m8(n int) int", "return n - {k}"),
}
CALLS = {
    "M0": "n += x.M0(n)", "M1": "n += len(x.M1())", "M2": "{ m, _ := x.M2(n, 2); n += m }", "M3": "Sink = x.M3(n)",
    "String": "n += len(x.String())", "Error": "n += len(x.Error())", "Len": "n += x.Len()",
    "Write": "{ m, _ := x.Write(nil); n += m }", "M7": "n += x.M7(func(i int) int { return i + n })", "m8": "n += x.m8(n)",
}
# import path: (an int made with it from the int n, weight)
STD = {
    "bytes": ("bytes.Count([]byte{1, byte(n)}, []byte{1})", 4), "strings": ("strings.Count(\"cheese\", \"e\")", 4),
    "sort": ("sort.SearchInts([]int{1, 2, n}, n)", 4), "strconv": ("len(strconv.Itoa(n))", 4),
    "errors": ("len(errors.New(\"e\").Error())", 4), "os": ("os.Getpid()", 3), "time": ("int(time.Now().Unix())", 3),
    "math": ("int(math.Sqrt(float64(n)))", 3), "math/bits": ("bits.Len(uint(n))", 3), "math/rand": ("rand.Intn(9)", 2),
    "math/big": ("big.NewInt(int64(n)).BitLen()", 2), "fmt": ("len(fmt.Sprint(n, \"x\"))", 4),
    "log": ("len(log.Prefix())", 3), "unicode": ("len(string(unicode.ToUpper(rune(n))))", 2),
    "unicode/utf8": ("utf8.RuneLen(rune(n))", 2), "container/list": ("list.New().Len()", 3),
    "container/heap": ("func() int { heap.Init(nil); return 0 }()", 1), "bufio": ("bufio.NewReader(nil).Size()", 2),
    "crypto/sha256": ("int(sha256.Sum256([]byte{byte(n)})[0])", 2), "crypto/md5": ("int(md5.Sum(nil)[1])", 1),
    "encoding/binary": ("int(binary.BigEndian.Uint16([]byte{1, byte(n)}))", 2),
    "encoding/hex": ("hex.EncodedLen(n)", 2), "encoding/json": ("func() int { b, _ := json.Marshal(n); return len(b) }()", 1),
    "text/template": ("len(template.New(\"t\").Name())", 1), "regexp": ("len(regexp.QuoteMeta(\"a.b\"))", 1),
    "net/url": ("len(url.QueryEscape(\"a b\"))", 1), "path": ("len(path.Base(\"a/b\"))", 2),
    "path/filepath": ("len(filepath.Base(\"a/b\"))", 2), "html": ("len(html.EscapeString(\"<\"))", 1),
    "io": ("func() int { m, _ := io.WriteString(io.Discard, \"x\"); return m }()", 3),
    "slices": ("slices.Max([]int{n, 2})", 3), "maps": ("func() int { m := 0; for k := range maps.Keys(map[int]int{n: 1}) { m += k }; return m }()", 2),
    "unique": ("len(unique.Make(\"u\").Value())", 1), "context": ("func() int { if context.Background().Err() != nil { return 1 }; return 0 }()", 2),
    "sync": ("func() int { var m sync.Mutex; m.Lock(); defer m.Unlock(); return n }()", 3),
    "sync/atomic": ("func() int { var x atomic.Int64; return int(x.Add(int64(n))) }()", 3),
    "flag": ("flag.NArg()", 2), "runtime": ("runtime.NumCPU()", 3), "runtime/debug": ("debug.SetGCPercent(n)", 1),
    "hash/crc32": ("int(crc32.ChecksumIEEE([]byte{byte(n)}))", 2), "reflect": ("reflect.TypeOf(n).NumMethod()", 2),
    "text/tabwriter": ("int(tabwriter.Debug)", 1), "hash/fnv": ("fnv.New32().Size()", 2), "cmp": ("cmp.Compare(n, 1)", 2),
    "log/slog": ("int(slog.LevelInfo)", 1), "io/fs": ("int(fs.ModeDir)", 2), "embed": ("func() int { var f embed.FS; d, _ := f.ReadDir(\".\"); return len(d) }()", 1),
    "go/token": ("int(token.NewFileSet().Base())", 1), "encoding/base64": ("base64.StdEncoding.EncodedLen(n)", 1),
    "net/http": ("len(http.StatusText(n))", 0.3), "encoding/gob": ("func() int { gob.Register(n); return n }()", 0.5),
    "go/parser": ("int(parser.AllErrors)", 0.5), "encoding/xml": ("len(xml.Header)", 0.5),
    "os/exec": ("len(exec.Command(\"x\").Args)", 0.7), "os/signal": ("func() int { signal.Reset(); return n }()", 0.7),
    "archive/tar": ("int(tar.TypeReg)", 0.5), "runtime/pprof": ("len(pprof.Profiles())", 0.5),
    "runtime/trace": ("func() int { if trace.IsEnabled() { return 1 }; return 0 }()", 0.7),
    "runtime/metrics": ("len(metrics.All())", 1), "mime": ("len(mime.TypeByExtension(\".x\"))", 1),
}


class Text:
    """A rendered item: declarations, the imports they need, other files (name: contents) beside the Go file, and
    `far`, statements that use the item from another package ({q} stands for its qualifier)."""

    def __init__(self, decl, imports=(), files=None, far="", bodyless=False):
        self.decl, self.imports, self.files, self.far = decl, set(imports), files or {}, far
        self.bodyless = bodyless


def quoted(s):
    return '"%s"' % s


def use(name, body):
    """The function that a package calls to use an item of that name."""
    return "\nfunc Use%s(n int) int {\n%s\treturn n\n}\n" % (name, "".join("\t%s\n" % line for line in body if line))


def number(rng):
    """A constant: mostly small, sometimes one that needs another encoding."""
    return rng.choice([rng.randrange(1, 100), rng.randrange(1, 5000), rng.randrange(1 << 31), rng.randrange(1 << 45)])


# Functions

def new_func(rng):
    return {"body": rng.randrange(len(BODIES)), "k": number(rng), "s": rng.randrange(len(STRINGS)),
            "lines": [number(rng) for _ in range(rng.choice([0, 0, 1, 2, 5, 20]))],
            "noinline": rng.random() < 0.4, "log": rng.choice([0, 0, 0, 1, 2, 3]), "pad": rng.choice([0, 0, 1, 3])}


def cases_int(p):
    return "switch n {\n" + "".join("\tcase %d:\n\t\treturn %d\n" % (i, i * 7 % 13 + p["k"]) for i in range(p["k"] % 24 + 2)) + "\t}"


def cases_string(p):
    return ("switch string(rune(n)) + {s} {\n" + "".join(
        "\tcase \"%s\":\n\t\treturn %d\n" % ("k%d" % i * (i % 3 + 1), i) for i in range(p["k"] % 20 + 2)) + "\t}")


BODIES = [
    lambda p: "n = n*{k} + len({s})",
    lambda p: "for i := 0; i < n&15; i++ {\n\t\tAcc += i ^ {k}\n\t}",
    lambda p: "f := func(x int) int { return x + {k} + n }\n\tg := func() int { n++; return f(n) }\n\tn = f(n) + g()",
    lambda p: "defer func() {\n\t\tif r := recover(); r != nil {\n\t\t\tSink = r\n\t\t}\n\t}()\n\tif n == {k} {\n\t\tpanic({s})\n\t}",
    lambda p: "c := make(chan int, 1)\n\tgo func() { c <- n + {k} }()\n\tn = <-c",
    lambda p: "a, b := make(chan int), make(chan string)\n\tselect {\n\tcase n = <-a:\n\tcase b <- {s}:\n\tdefault:\n\t\tn += {k}\n\t}",
    cases_int,
    cases_string,
    lambda p: "m := map[string]int{{s}: 1, \"b\": {k}}\n\tfor k, v := range m {\n\t\tn += len(k) + v\n\t}",
    lambda p: "var b [%d]byte\n\tfor i := range b {\n\t\tb[i] = byte(n + i)\n\t}\n\tn += int(b[n&7])" % (p["k"] % 9000 + 8),
    lambda p: "x := float64(n) * %d.5\n\tif x != x || x > 1e%d {\n\t\tn = int(x)\n\t}" % (p["k"] % 1000, p["k"] % 300),
    lambda p: "switch v := Sink.(type) {\n\tcase int:\n\t\tn += v\n\tcase string:\n\t\tn += len(v)\n\tcase " + "[1]" + TYPES[p["k"] % len(TYPES)] + ":\n\t\tn++\n\tcase []int32, func():\n\t\tn--\n\t}",
    lambda p: "for i := range n & 3 {\n\t\tdefer func() { Acc += i + {k} }()\n\t}",
    lambda p: "for i := range func(yield func(int) bool) { _ = yield(n) && yield({k}) } {\n\t\tn += i\n\t}",
    lambda p: "s := {s}\n\tfor i := 0; i < n&3; i++ {\n\t\ts += \"+\" + s\n\t}\n\tn = len(s) + {k}",
    lambda p: "v := make([]int, 0, n&63)\n\tfor i := 0; i < {k}&31; i++ {\n\t\tv = append(v, i, n)\n\t}\n\tn = len(v)",
    lambda p: "Sink = [2]any{n + {k}, {s}}",
    lambda p: "x := complex(float64(n), {k}&7)\n\tn = int(real(x * x))",
    lambda p: "p := new(struct{ A, B int; C *int })\n\tp.A, p.C = {k}, &n\n\tSink = p",
    lambda p: "type local struct{ X int; S string }\n\tSink = local{{k}&7, {s}}",
    lambda p: "x := []func(int) int{func(i int) int { return i + {k} }, func(i int) int { return i ^ n }}\n\tn = x[n&1](n)",
    lambda p: "n = min(n, {k}) + max(n, 3)\n\tclear(map[int]int{n: 1})",
    lambda p: "if n > {k} {\n\t\tpanic(\"out of range: \" + {s})\n\t}",
]


def draw_func(item, name):
    p, imports = item["p"], []
    s = quoted(STRINGS[p["s"]])
    body = BODIES[p["body"] % len(BODIES)](p).replace("{k}", str(p["k"])).replace("{s}", s)
    lines = ["\tAcc += n * %d" % k if k % 3 else "\tif n == %d {\n\t\tprintln(%s, n)\n\t}" % (k, s) for k in p["lines"]]
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
        head, name, "".join(line + "\n" for line in lines), body)
    return Text(decl + use(name, ["n += Fn%s(n)" % name]), imports, far="n += {q}Fn%s(n)" % name)


def new_small(rng):
    return {"k": number(rng), "deep": rng.randrange(1, 6)}


def draw_small(item, name):
    """Functions that get inlined into each other, in this and in other packages."""
    p = item["p"]
    decl = "".join("\nfunc Sm%s_%d(n int) int { return %sn ^ %d%s }\n" % (
        name, i, "" if i == 0 else "Sm%s_%d(" % (name, i - 1), p["k"] + i, "" if i == 0 else ")") for i in range(p["deep"]))
    last = "Sm%s_%d(n)" % (name, p["deep"] - 1)
    return Text(decl + use(name, ["n += " + last]), far="n += {q}Sm%s_0(n) + {q}Sm%s_0(3)" % (name, name))


def new_many(rng):
    return {"n": rng.choice([3, 10, 40, 150]), "k": rng.randrange(1000), "table": rng.random() < 0.5}


def draw_many(item, name):
    p = item["p"]
    decl = "".join("\n//go:noinline\nfunc many%s_%d(n int) int { return n*%d + %d }\n" % (name, i, p["k"], i) for i in range(p["n"]))
    names = ["many%s_%d" % (name, i) for i in range(p["n"])]
    if p["table"]:
        decl += "\nvar Many%s = []func(int) int{%s}\n" % (name, ", ".join(names))
        return Text(decl + use(name, ["n = Many%s[n&1](n)" % name]))
    return Text(decl + use(name, ["n = %s(n)" % x for x in names]))


# Types, methods, interfaces

def new_type(rng):
    return {"fields": [rng.randrange(len(TYPES)) for _ in range(rng.randrange(5))], "k": number(rng),
            "methods": sorted(rng.sample(sorted(METHODS), rng.randrange(6))), "pointer": rng.random() < 0.5,
            "s": rng.randrange(len(STRINGS)), "how": rng.randrange(8), "tag": rng.random() < 0.2, "keyed": rng.random() < 0.2,
            "embeds": rng.choice(["", "", "", "error", "*Ty%sInner"])}


def draw_type(item, name):
    p = item["p"]
    s = quoted(STRINGS[p["s"]])
    fields = ["F%d %s%s" % (i, TYPES[t], ' `json:"f%d"`' % i if p["tag"] else "") for i, t in enumerate(p["fields"])]
    decl = ""
    if p["embeds"]:
        fields.insert(0, p["embeds"].replace("%s", name))
        if "Inner" in p["embeds"]:
            decl += "\ntype Ty%sInner struct{ in int }\n\nfunc (t *Ty%sInner) Inner() int { return t.in + %d }\n" % (name, name, p["k"])
    decl += "\ntype Ty%s struct {\n%s}\n" % (name, "".join("\t%s\n" % f for f in fields))
    receiver = "*" if p["pointer"] else ""
    for method in p["methods"]:
        head, body = METHODS[method]
        decl += "\nfunc (t %sTy%s) %s { %s }\n" % (
            receiver, name, head, body.replace("{k}", str(p["k"])).replace("{s}", s))
    value = ("&" if p["pointer"] else "") + "Ty%s{}" % name
    calls = ["if true {\n\t\tx := %s\n\t\t%s\n\t}" % (value.replace("&", "&"), CALLS[m]) for m in p["methods"]]
    how = {
        0: ["Sink = " + value], 1: calls, 2: calls[:1] + ["Sink = " + value],
        3: ["var x Ty%s" % name, "Sink = &x"], 4: ["Sink = []Ty%s{{}}" % name], 5: ["Sink = map[string]*Ty%s{}" % name],
        6: ["var x Ty%s" % name, "_ = x"], 7: ["Sink = func(Ty%s) {}" % name],
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
    return {"mode": rng.choice([0, 0, 0, 1, 1, 2, 3, 4, 5, 6]), "method": rng.choice(["M0", "M1", "String", "Len", "Inner"])}


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
    return {"types": sorted(rng.sample(range(len(TYPES)), rng.randrange(1, 6))),
            "strings": sorted(rng.sample(range(len(STRINGS)), rng.randrange(5)))}


def draw_pool(item, name):
    """Types and strings that other packages have too: one definition of each is elected."""
    body = ["Sink = *new(%s)" % TYPES[t] if "interface{" not in TYPES[t] and TYPES[t] not in ("any", "error")
            else "Sink = new(%s)" % TYPES[t] for t in item["p"]["types"]]
    body += ["println(%s)" % quoted(STRINGS[s]) for s in item["p"]["strings"]]
    return Text(use(name, body))


def new_generic(rng):
    return {"types": [rng.randrange(len(TYPES)) for _ in range(rng.randrange(1, 4))], "k": number(rng), "how": rng.randrange(4),
            "far": rng.randrange(len(TYPES))}


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
            body.append("if _, ok := Gc%s(map[%s]%s{}, *new(%s)); ok { n++ }" % (
                name, COMPARABLE[t % len(COMPARABLE)], TYPES[t], COMPARABLE[t % len(COMPARABLE)]))
    far = "n += {q}Gf%s(*new(%s), n)" % (name, TYPES[p["far"]])
    return Text(decl + use(name, body), ["fmt"], far=far)


# Data and initialisation

def new_global(rng):
    return {"shape": rng.randrange(len(SHAPES)), "n": rng.choice([0, 1, 3, 17, 100, 1000, 70000]), "k": number(rng), "s": rng.randrange(len(STRINGS))}


SHAPES = [
    "int = {k}", "int", "= {s}", "[{n}]byte", "[{n}]*int", "= [{n}]int32{1, {k}&7}", "= []string{{s}, \"b\", {s}}",
    "= map[string]int{{pairs}}", "= &Gl{name}x", "= struct{ A int; B string; C []int }{{k}, {s}, []int{1, 2}}",
    "= func(n int) int { return n + {k} }", "= [...]float64{1.5, {k}, 2.25}", "[0]int", "= errors.New({s})",
    "any = {k}", "= make(chan int, {n})", "[{n}]struct{ P *int; S string; N int }", "interface{ M0(int) int }",
    "= [][]byte{[]byte({s}), {1, 2, 3}}", "= map[int]func(int) int{1: func(n int) int { return n }, {k}: nil}",
    "= func() int { return Acc + {k} }()", "struct{}", "string", "= [...]any{1, {s}, 2.5, nil, struct{}{}}", "= {s}[min(len({s}), 1):]",
    "= \"{long}\"", "= [{n}]struct{ A string; B int }{0: {{s}, {k}}}", "= int16({k}&4095)", "= byte({k}&255)", "= complex(1, {k})",
    "sync.Mutex", "*[1 << 20]*int", "[1 << {bits}]byte", "[1 << {bits}]*int",
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
    vars_ = ["var Ia%s = ib%s + %d" % (name, name, p["k"]), "var ib%s = initf%s(ic%s)" % (name, name, name),
             "var ic%s = initf%s(%d)" % (name, name, p["k"] % 100)]
    order = [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)][p["order"]]
    decl = "\n".join([""] + [vars_[i] for i in order])
    decl += "\n\n//go:noinline\nfunc initf%s(n int) int { %sreturn n * %d }\n" % (name, "Acc++; " if p["dep"] else "", p["k"] % 77)
    return Text(decl + use(name, [] if p["dead"] else ["n += Ia" + name]))


def new_initfn(rng):
    return {"count": rng.randrange(4), "k": number(rng), "s": rng.randrange(len(STRINGS))}


def draw_initfn(item, name):
    p = item["p"]
    decl = "".join("\nfunc init() {\n\tAcc += %d\n\tSink = %s\n}\n" % (p["k"] + i, quoted(STRINGS[p["s"]])) for i in range(p["count"]))
    return Text(decl + use(name, []))


def new_mapinit(rng):
    return {"n": rng.choice([5, 30, 60]), "k": rng.randrange(1000), "used": rng.random() < 0.5}


def draw_mapinit(item, name):
    p = item["p"]
    pairs = "".join('\t"k%d": mapf%s(%d),\n' % (i, name, p["k"] + i) for i in range(p["n"]))
    plain = "".join('\t"p%d": %d,\n' % (i, p["k"] + i) for i in range(p["n"]))
    decl = "\nvar Mi%s = map[string]int{\n%s}\n\nvar Mj%s = map[string]int{\n%s}\n" % (name, pairs, name, plain)
    decl += "\nfunc mapf%s(n int) int { return n + 1 }\n" % name
    return Text(decl + use(name, ["n += Mi%s[\"k1\"]" % name] if p["used"] else ["n += len(Mj%s)" % name] if p["k"] % 2 else []))


def new_const(rng):
    return {"n": rng.randrange(1, 8), "k": number(rng)}


def draw_const(item, name):
    lines = "".join("\tCo%s_%d = %d\n" % (name, i, item["p"]["k"] + i) for i in range(item["p"]["n"]))
    return Text("\nconst (\n%s)\n\ntype En%s int8\n\nconst Ec%s En%s = 3\n" % (lines, name, name, name) + use(name, []))


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
    return {"mode": rng.randrange(3), "size": rng.choice([0, 1, 10, 100, 5000, 100000]), "byte": rng.randrange(97, 123)}


def draw_embed(item, name):
    p = item["p"]
    file = "embed%s.txt" % name
    kind = ["string", "[]byte", "embed.FS"][p["mode"]]
    decl = "\n//go:embed %s\nvar Em%s %s\n" % (file, name, kind)
    body = ["n += len(Em%s)" % name] if p["mode"] < 2 else ["Sink = Em" + name]
    return Text(decl + use(name, body), ["embed" if p["mode"] == 2 else "_ embed"], {file: chr(p["byte"]) * p["size"]})


def new_asm(rng):
    return {"n": rng.randrange(1, 4), "k": rng.randrange(1 << 20), "frame": rng.choice([0, 8, 64, 704, 5000]),
            "nosplit": rng.random() < 0.4, "callback": rng.random() < 0.4, "data": rng.choice([0, 8, 64, 4096]),
            "flags": rng.choice(["RODATA|NOPTR", "NOPTR", "RODATA|NOPTR|DUPOK", "NOPTR|DUPOK"]), "value": rng.random() < 0.3,
            "shared": rng.choice(["", "", "", "0", "1"]), "align": rng.choice([0, 0, 0, 16, 32, 64, 256])}


def draw_asm(item, name):
    p = item["p"]
    frame = min(p["frame"], 64) if p["nosplit"] else p["frame"]
    go, text = "", '#include "textflag.h"\n'
    for i in range(p["n"]):
        go += "\nfunc as%s_%d(n int64) int64\n" % (name, i)
        text += "\nTEXT ·as%s_%d(SB), %s, $%d-16\n\tMOVQ n+0(FP), AX\n\tADDQ $%d, AX\n" % (
            name, i, "NOSPLIT" if p["nosplit"] else "0", frame, p["k"] + i)
        if p["align"]:
            text += "\tPCALIGN $%d\n" % p["align"]
        if p["data"]:
            text += "\tADDQ asd%s<>(SB), AX\n" % name
        text += "\tMOVQ AX, ret+8(FP)\n\tRET\n"
    if p["data"]:
        text += "\nDATA asd%s<>+0(SB)/8, $%d\nGLOBL asd%s<>(SB), %s, $%d\n" % (name, p["k"], name, p["flags"], p["data"])
    if p["shared"]:
        # A symbol that other packages may define too, with another size.
        symbol = "linkd·dup" + p["shared"]
        text += "\nDATA %s+0(SB)/8, $%d\nGLOBL %s(SB), RODATA|NOPTR|DUPOK, $%d\n" % (symbol, p["k"] % 3, symbol, max(p["data"], 8))
        text += "\nTEXT ·asu%s(SB), NOSPLIT, $0-8\n\tMOVQ %s+0(SB), AX\n\tMOVQ AX, ret+0(FP)\n\tRET\n" % (name, symbol)
        go += "\nfunc asu%s() int64\n" % name
    body = ["n += int(as%s_%d(int64(n)))" % (name, i) for i in range(p["n"])]
    if p["shared"]:
        body.append("n += int(asu%s())" % name)
    if p["value"]:
        body.append("Sink = as%s_0" % name)
    if p["callback"]:
        go += "\nfunc asb%s(n int64) int64\n\nfunc asg%s(n int64) int64 { return n * %d }\n" % (name, name, p["k"])
        text += "\nTEXT ·asb%s(SB), 0, $16-16\n\tMOVQ n+0(FP), AX\n\tMOVQ AX, 0(SP)\n\tCALL ·asg%s(SB)\n\tMOVQ 8(SP), AX\n\tMOVQ AX, ret+8(FP)\n\tRET\n" % (name, name)
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
        files["tag%s_%d.go" % (name, len(tag))] = (
            "//go:build %s\n\npackage {package}\n\nvar Tg%s = %s + \"%s\"\n%s" % (tag, name, quoted(STRINGS[p["s"]]), tag, more))
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
        return Text(pull % (name, "runtime.newproc1", name) + use(name, ["n = ln%s(n)" % name]), ["_ unsafe"], bodyless=True)
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
        decl += "\n//go:nosplit\n//go:noinline\nfunc ns%s_%d(n int) int { var b [%d]byte; b[n&7] = byte(n); return int(b[(n+1)&7]) %s }\n" % (name, i, size, call)
    return Text(decl + use(name, ["n = ns%s_0(n)" % name]))


def new_profile(rng):
    return {"how": rng.randrange(2)}


def draw_profile(item, name):
    """Turns the linker's runtime.disableMemoryProfiling off."""
    return Text(use(name, ["runtime.MemProfile(nil, true)"] if item["p"]["how"] else ["Sink = runtime.MemProfile"]), ["runtime"])


# kind: (parameters, drawing, weight)
KINDS = {
    "func": (new_func, draw_func, 16), "small": (new_small, draw_small, 5), "many": (new_many, draw_many, 2),
    "type": (new_type, draw_type, 12), "iface": (new_iface, draw_iface, 6), "reflect": (new_reflect, draw_reflect, 2),
    "pool": (new_pool, draw_pool, 5), "generic": (new_generic, draw_generic, 6), "global": (new_global, draw_global, 12),
    "initvar": (new_initvar, draw_initvar, 3), "initfn": (new_initfn, draw_initfn, 3),
    "mapinit": (new_mapinit, draw_mapinit, 2), "const": (new_const, draw_const, 2), "comment": (new_comment, draw_comment, 2),
    "std": (new_std, draw_std, 8), "embed": (new_embed, draw_embed, 3), "asm": (new_asm, draw_asm, 3),
    "tagged": (new_tagged, draw_tagged, 2), "linkname": (new_linkname, draw_linkname, 3),
    "missing": (new_missing, draw_missing, 0.8), "nosplit": (new_nosplit, draw_nosplit, 1),
    "profile": (new_profile, draw_profile, 0.7),
}
# The kinds that can keep a program from linking.
RISKY = ("missing", "nosplit", "linkname")
# The kinds that need nothing but their own Go file: for packages of other people.
PLAIN = ("func", "small", "many", "type", "iface", "reflect", "pool", "generic", "global", "initvar", "initfn", "mapinit",
         "const", "comment", "std", "profile")


def new(kind, name, rng):
    """A new item."""
    return {"kind": kind, "name": name, "file": rng.randrange(3), "live": rng.random() < 0.75, "p": KINDS[kind][0](rng)}


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
