// Command shim is scripts/capture-shim for scripts/random-edits, which builds thousands of times: the same bundle
// format, without the start of an interpreter for each tool. It runs every tool as it is, but saves a link request as
// a bundle in LINKD_CAPTURE_DIR and does not make the link: the build ends there, with exit code 1.
package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

var environment = []string{
	"GOROOT", "GOOS", "GOARCH", "GOAMD64", "GOEXPERIMENT", "GO_EXTLINK_ENABLED", "GO_LDSO", "GOFIPS140", "GODEBUG",
	"CGO_ENABLED", "CC",
}

type request struct {
	Tool       string            `json:"tool"`
	Args       []string          `json:"args"`
	Cwd        string            `json:"cwd"`
	ImportPath string            `json:"importpath"`
	Env        map[string]string `json:"env"`
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "shim:", err)
		os.Exit(2)
	}
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		return err
	}
	return out.Close()
}

// capture writes the bundle in root and reports whether args are a link.
func capture(root, tool string, args []string) bool {
	out, config := -1, -1
	for i := 0; i+1 < len(args); i++ {
		switch args[i] {
		case "-o":
			out = i + 1
		case "-importcfg":
			config = i + 1
		}
	}
	if out < 0 || config < 0 {
		return false
	}
	path := os.Getenv("TOOLEXEC_IMPORTPATH")
	sum := sha256.Sum256([]byte(strings.Join(args, "\x00")))
	name := strings.ReplaceAll(strings.Split(path, " ")[0], "/", "_") + "-" + hex.EncodeToString(sum[:5])
	folder := filepath.Join(root, name)
	fail(os.MkdirAll(filepath.Join(folder, "in"), 0o755))
	cache := os.Getenv("GOCACHE") + "/"
	keep := func(path string) string {
		if strings.HasPrefix(path, cache) {
			return path
		}
		sum := sha256.Sum256([]byte(path))
		to := filepath.Join(folder, "in", hex.EncodeToString(sum[:6])+filepath.Ext(path))
		fail(copyFile(path, to))
		return to
	}
	text, err := os.ReadFile(args[config])
	fail(err)
	lines := strings.Split(string(text), "\n")
	for i, line := range lines {
		if rest, ok := strings.CutPrefix(line, "packagefile "); ok {
			name, path, _ := strings.Cut(rest, "=")
			lines[i] = "packagefile " + name + "=" + keep(path)
		}
	}
	args[config] = filepath.Join(folder, "importcfg")
	fail(os.WriteFile(args[config], []byte(strings.Join(lines, "\n")), 0o644))
	args[out] = "@OUT@"
	for i, arg := range args {
		if strings.HasPrefix(arg, "-fipso=") {
			args[i] = "-fipso=@OUT@.fips.o"
		} else if arg == "-fipso" {
			args[i+1] = "@OUT@.fips.o"
		}
	}
	args[len(args)-1] = keep(args[len(args)-1])
	env := map[string]string{}
	for _, name := range environment {
		if value, ok := os.LookupEnv(name); ok {
			env[name] = value
		}
	}
	cwd, err := os.Getwd()
	fail(err)
	data, err := json.Marshal(request{tool, args, cwd, path, env})
	fail(err)
	// The last file written makes the folder a bundle.
	fail(os.WriteFile(filepath.Join(folder, "request.partial"), data, 0o644))
	fail(os.Rename(filepath.Join(folder, "request.partial"), filepath.Join(folder, "request.json")))
	return true
}

func main() {
	if len(os.Args) < 2 {
		fail(fmt.Errorf("usage: go build -toolexec=shim"))
	}
	tool, args := os.Args[1], os.Args[2:]
	if filepath.Base(tool) == "link" && !(len(args) > 0 && strings.HasPrefix(args[0], "-V")) {
		if root := os.Getenv("LINKD_CAPTURE_DIR"); root != "" && capture(root, tool, args) {
			os.Exit(1)
		}
	}
	fail(syscall.Exec(tool, os.Args[1:], os.Environ()))
}
