"""The programs that scripts/bench links, and their link requests in the states of an edit."""

import copy
import os
import subprocess

import bundles as lib
import edits

HELLO = 'package main\n\nimport "fmt"\n\nfunc main() {\n\tfmt.Println("hello")\n}\n'

# name: (folder, environment, command, edited file, function). {root} is GOROOT, {kubernetes} the unpacked source.
PROGRAMS = {
    "hello": ("{hello}", {}, ["go", "build", "hello.go"], "{hello}/hello.go", "main"),
    "gofmt": ("{root}/src", {}, ["go", "build", "cmd/gofmt"], "{root}/src/cmd/gofmt/gofmt.go", "processFile"),
    "vet": ("{root}/src", {}, ["go", "build", "cmd/vet"], "{root}/src/cmd/vet/main.go", "main"),
    "go": ("{root}/src", {}, ["go", "build", "cmd/go"], "{root}/src/cmd/go/internal/modload/load.go", "LoadPackages"),
    "kubectl": ("{kubernetes}", {"GO111MODULE": "off", "GOPATH": "{gopath}"}, ["go", "build", "./cmd/kubectl"],
                "{kubernetes}/vendor/k8s.io/kubectl/pkg/cmd/get/get.go", "NewCmdGet"),
    "kubelet": ("{kubernetes}", {"GO111MODULE": "off", "GOPATH": "{gopath}"}, ["go", "build", "./cmd/kubelet"],
                "{kubernetes}/pkg/kubelet/pleg/generic.go", "NewGenericPLEG"),
}


class Requests:
    """Builds programs up to their link, each state once."""

    def __init__(self, pairs):
        self.pairs = pairs
        self.folder = os.path.join(pairs.scratch, "bundles")
        gopath = os.environ.get("LINKD_KUBERNETES") or os.path.join(lib.ROOT, ".local/kubernetes/gopath")
        self.places = {"root": pairs.environment["GOROOT"], "gopath": gopath,
                       "kubernetes": os.path.join(gopath, "src/k8s.io/kubernetes"),
                       "hello": os.path.join(pairs.scratch, "hello")}
        self.captured = {}

    def request(self, program, ldflags, edit=None, n=0):
        """The link request of a program in the n-th state of an edit, with other debug flags."""
        key = (program, edit, n)
        if key not in self.captured:
            self.captured[key] = self.capture(*key)
        return copy.deepcopy(self.captured[key]).with_ldflags(ldflags.split())

    def capture(self, program, edit, n):
        folder = os.path.join(self.folder, program, "%s-%d" % (edit or "base", n))
        if not edit:
            return self.build(program, folder)
        source, function = (word.format(**self.places) for word in PROGRAMS[program][3:])
        if edit == "fmt":
            source, function = os.path.join(self.places["root"], "src/fmt/print.go"), "Fprintf"
        return self.edited(program, {source: function}, "log" if edit == "fmt" else edit, n, folder)

    def edited(self, program, functions, edit, n, folder):
        """The request of a program whose `functions`, {file: name}, are in the n-th state of an edit."""
        overlay = edits.overlay_all(functions, edit, n, folder + "-overlay")
        return self.build(program, folder, ["-overlay=" + overlay])

    def build(self, program, folder, flags=()):
        cwd, extra, command = PROGRAMS[program][:3]
        cwd = cwd.format(**self.places)
        if program == "hello":
            os.makedirs(cwd, exist_ok=True)
            with open(os.path.join(cwd, "hello.go"), "w", encoding="utf-8") as file:
                file.write(HELLO)
        elif "{kubernetes}" in PROGRAMS[program][0] and not os.path.isdir(cwd):
            if subprocess.run([os.path.join(lib.ROOT, "scripts/corpus"), "--fetch-only"], check=False).returncode != 0:
                raise SystemExit("bench: kubelet's source could not be fetched")
        words = command[:2] + ["-o", os.path.join(folder, "a.out"), *flags] + command[2:]
        env = {name: value.format(**self.places) for name, value in extra.items()}
        return self.pairs.capture(words, folder, cwd, env)[0]
