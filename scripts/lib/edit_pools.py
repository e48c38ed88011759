"""What items have in common: the pools that packages share, which makes them define the same things, and rendering."""

STRINGS = [
    "",
    "a",
    "linkd",
    "shared string",
    "x" * 40,
    "the quick brown fox\\n",
    "key",
    "value",
    "\\x00\\xff",
    "é世界",
    "%d %s\\n",
    "M0",
    "M1",
    "String",
    "a longer string that several packages have in common, to be merged",
    "y" * 300,
]
TYPES = [
    "int",
    "string",
    "[]byte",
    "map[string]int",
    "[]string",
    "struct{ A int; B string }",
    "*int",
    "[3]int",
    "func(int) string",
    "chan int",
    "map[int][]string",
    "struct{ X, Y float64 }",
    "interface{ M0(int) int }",
    "[]map[string]bool",
    "uint8",
    "float32",
    "complex128",
    "error",
    "any",
    "[5]struct{ P *int; N int8 }",
    "map[[2]string]struct{ F func() }",
    "[64]uint64",
    "struct{}",
    "*struct{ Next *int }",
    "[]any",
    "int8",
    "int16",
    "uint32",
    "*[1024]*int",
    "struct{ _ [0]func(); C chan<- string }",
    "map[any]any",
    "[4096]*byte",
    # Unexported fields and methods: another type in each package, under the same string.
    "struct{ a int; b string }",
    "*struct{ a int }",
    "interface{ m8(n int) int }",
    "[]struct{ a, b any }",
    "map[string]struct{ a *int }",
    "func(struct{ a int })",
]
COMPARABLE = [
    "int",
    "string",
    "[3]int",
    "struct{ A int; B string }",
    "[2]string",
    "any",
    "struct{ X, Y float64 }",
    "*int",
    "uint8",
    "struct{ S [4]string; F float32 }",
]
METHODS = {
    "M0": ("M0(n int) int", "return n*{k} + 1"),
    "M1": ("M1() string", "return {s}"),
    "M2": ("M2(a, b int) (int, error)", "return a ^ b + {k}, nil"),
    "M3": ("M3(x any) any", "Sink = x; return {k}"),
    "String": ("String() string", 'return {s} + "!"'),
    "Error": ("Error() string", "println({s}); return {s}"),
    "Len": ("Len() int", "return {k}"),
    "Write": ("Write(p []byte) (int, error)", "Acc += len(p) + {k}; return len(p), nil"),
    "M7": ("M7(f func(int) int) int", "return f({k})"),
    "m8": ("m8(n int) int", "return n - {k}"),
}
CALLS = {
    "M0": "n += x.M0(n)",
    "M1": "n += len(x.M1())",
    "M2": "{ m, _ := x.M2(n, 2); n += m }",
    "M3": "Sink = x.M3(n)",
    "String": "n += len(x.String())",
    "Error": "n += len(x.Error())",
    "Len": "n += x.Len()",
    "Write": "{ m, _ := x.Write(nil); n += m }",
    "M7": "n += x.M7(func(i int) int { return i + n })",
    "m8": "n += x.m8(n)",
}
# import path: (an int made with it from the int n, weight)
STD = {
    "bytes": ("bytes.Count([]byte{1, byte(n)}, []byte{1})", 4),
    "strings": ('strings.Count("cheese", "e")', 4),
    "sort": ("sort.SearchInts([]int{1, 2, n}, n)", 4),
    "strconv": ("len(strconv.Itoa(n))", 4),
    "errors": ('len(errors.New("e").Error())', 4),
    "os": ("os.Getpid()", 3),
    "time": ("int(time.Now().Unix())", 3),
    "math": ("int(math.Sqrt(float64(n)))", 3),
    "math/bits": ("bits.Len(uint(n))", 3),
    "math/rand": ("rand.Intn(9)", 2),
    "math/big": ("big.NewInt(int64(n)).BitLen()", 2),
    "fmt": ('len(fmt.Sprint(n, "x"))', 4),
    "log": ("len(log.Prefix())", 3),
    "unicode": ("len(string(unicode.ToUpper(rune(n))))", 2),
    "unicode/utf8": ("utf8.RuneLen(rune(n))", 2),
    "container/list": ("list.New().Len()", 3),
    "container/heap": ("func() int { heap.Init(nil); return 0 }()", 1),
    "bufio": ("bufio.NewReader(nil).Size()", 2),
    "crypto/sha256": ("int(sha256.Sum256([]byte{byte(n)})[0])", 2),
    "crypto/md5": ("int(md5.Sum(nil)[1])", 1),
    "encoding/binary": ("int(binary.BigEndian.Uint16([]byte{1, byte(n)}))", 2),
    "encoding/hex": ("hex.EncodedLen(n)", 2),
    "encoding/json": ("func() int { b, _ := json.Marshal(n); return len(b) }()", 1),
    "text/template": ('len(template.New("t").Name())', 1),
    "regexp": ('len(regexp.QuoteMeta("a.b"))', 1),
    "net/url": ('len(url.QueryEscape("a b"))', 1),
    "path": ('len(path.Base("a/b"))', 2),
    "path/filepath": ('len(filepath.Base("a/b"))', 2),
    "html": ('len(html.EscapeString("<"))', 1),
    "io": ('func() int { m, _ := io.WriteString(io.Discard, "x"); return m }()', 3),
    "slices": ("slices.Max([]int{n, 2})", 3),
    "maps": ("func() int { m := 0; for k := range maps.Keys(map[int]int{n: 1}) { m += k }; return m }()", 2),
    "unique": ('len(unique.Make("u").Value())', 1),
    "context": ("func() int { if context.Background().Err() != nil { return 1 }; return 0 }()", 2),
    "sync": ("func() int { var m sync.Mutex; m.Lock(); defer m.Unlock(); return n }()", 3),
    "sync/atomic": ("func() int { var x atomic.Int64; return int(x.Add(int64(n))) }()", 3),
    "flag": ("flag.NArg()", 2),
    "runtime": ("runtime.NumCPU()", 3),
    "runtime/debug": ("debug.SetGCPercent(n)", 1),
    "hash/crc32": ("int(crc32.ChecksumIEEE([]byte{byte(n)}))", 2),
    "reflect": ("reflect.TypeOf(n).NumMethod()", 2),
    "text/tabwriter": ("int(tabwriter.Debug)", 1),
    "hash/fnv": ("fnv.New32().Size()", 2),
    "cmp": ("cmp.Compare(n, 1)", 2),
    "log/slog": ("int(slog.LevelInfo)", 1),
    "io/fs": ("int(fs.ModeDir)", 2),
    "embed": ('func() int { var f embed.FS; d, _ := f.ReadDir("."); return len(d) }()', 1),
    "go/token": ("int(token.NewFileSet().Base())", 1),
    "encoding/base64": ("base64.StdEncoding.EncodedLen(n)", 1),
    "net/http": ("len(http.StatusText(n))", 0.3),
    "encoding/gob": ("func() int { gob.Register(n); return n }()", 0.5),
    "go/parser": ("int(parser.AllErrors)", 0.5),
    "encoding/xml": ("len(xml.Header)", 0.5),
    "os/exec": ('len(exec.Command("x").Args)', 0.7),
    "os/signal": ("func() int { signal.Reset(); return n }()", 0.7),
    "archive/tar": ("int(tar.TypeReg)", 0.5),
    "runtime/pprof": ("len(pprof.Profiles())", 0.5),
    "runtime/trace": ("func() int { if trace.IsEnabled() { return 1 }; return 0 }()", 0.7),
    "runtime/metrics": ("len(metrics.All())", 1),
    "mime": ('len(mime.TypeByExtension(".x"))', 1),
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
