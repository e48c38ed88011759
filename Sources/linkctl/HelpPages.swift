/// The commands' pages, without their first lines.
enum HelpPages {
  static let all: [String: String] = [
    "link": """
    DESCRIPTION
      Links as `go tool link ARGS` does: the same arguments, messages, exit code and bytes. The daemon makes the
      link, and is started if it does not run. What it cannot do is done by Go's own linker, silently; `linkctl
      status` names the reason. Response files (@FILE) are read as Go's linker reads them.

    OPTIONS
      --no-fallback   a link that needs Go's own linker is an error, exit code 3; so does LINKD_FALLBACK=0

    EXIT CODE
      that of the link; 3 see above; 127 when Go's linker is needed and cannot be found

    EXAMPLE
      linkctl link -o hello -importcfg importcfg.link -s -w main.a
    """,
    "toolexec": """
    DESCRIPTION
      Runs one tool for the go command. A link goes to the daemon; every other tool, and the question for the
      linker's version, is executed as it came, with nothing added.

    EXAMPLES
      go build -toolexec="linkctl toolexec" ./...
      go env -w GOFLAGS="'-toolexec=linkctl toolexec'"
      ln -s linkctl linkctl-toolexec && go test -toolexec=linkctl-toolexec ./...
    """,
    "start": """
    DESCRIPTION
      Starts the daemon if it does not run; a link does that by itself. The environment variables read at the
      daemon's start (`linkctl help`) are those of whoever starts it.
    """,
    "stop": """
    DESCRIPTION
      Ends the daemon. Links that run are finished first; what waits is refused, and its clients run Go's linker.
      Comparisons with Go's linker that wait (LINKD_VERIFY) are given up.
    """,
    "restart": """
    DESCRIPTION
      Stops the daemon and starts a new one with an empty memory. Its cache on disk stays. A daemon that distrusts
      itself (LINKD_VERIFY) links again after this.
    """,
    "status": """
    DESCRIPTION
      Tells what the daemon holds and did: memory, links by kind, the last links and how they went, the last
      fallback and its reason, what came of comparisons with Go's linker. Never starts a daemon.

    OPTIONS
      --json   all of it as one JSON object; docs/protocol.md describes its members

    EXIT CODE
      0, or 1 when no daemon runs
    """,
    "explain": """
    DESCRIPTION
      Tells what a link took its time for: which packages changed, what was reused, the time of every pass, and why
      there was no cheaper way. N counts backwards: 1 is the last link; the daemon remembers 64. Never starts a
      daemon.

      changed    packages that are others than in the link of this program before
      symbols    those that had to be looked at again; what came and went
      deadcode   whether the search for what the program needs went on from the last one, or why not
      image      patched: only new contents were written into the last image; or how much of it was kept
      why        what kept the link from being cheaper
      passes     under the names that Go's linker has for them
      besides    the rest of the time

    OPTIONS
      --json   the link as `linkctl status --json` has it, with its explanation; see docs/protocol.md

    EXIT CODE
      0, 1 when no daemon runs, 2 when there is no such link

    EXAMPLES
      linkctl explain
      linkctl explain 2 --json
    """,
    "logs": """
    DESCRIPTION
      Prints the end of the daemon's log.

    OPTIONS
      -n LINES   so many lines (50)
      --path     the file's path instead
    """,
    "invalidate": """
    DESCRIPTION
      Drops everything that the daemon keeps in memory, and the results it left on disk, so that the next link of
      every program is made anew. Links that run may still use it.
    """,
    "sockname": """
    DESCRIPTION
      Prints the path of the daemon's socket, and starts the daemon if there is none.

    OPTIONS
      --no-spawn   starts nothing
    """,
    "diff": """
    DESCRIPTION
      Compares two linked files byte by byte and says where they differ: headers, sections, contents lists, then
      the first differing place with section, symbol, table entry and both values.

    OPTIONS
      --symbols ELF   a file of the same link with a symbol table, for names that EXPECTED has not

    EXIT CODE
      0 the same, 1 they differ, 2 they cannot be compared
    """,
    "capture": """
    DESCRIPTION
      Saves a link request in DIR, then runs the tool as `linkctl toolexec` does. The bundle, a folder in DIR,
      holds the arguments, the environment that matters and all inputs, and names nothing outside DIR: it can be
      moved and replayed anywhere. Bundles in one DIR share their inputs. Tools that link nothing are just run.
      `link` without a folder is Go's own linker. The format is described in docs/bundles.md.

    OPTIONS
      --only   saves the request and does not link: exit code 1, 2 when it could not be saved

    EXAMPLES
      go build -toolexec="linkctl capture /tmp/bundles" ./cmd/server
      linkctl capture /tmp/bundles -- link -o hello -importcfg importcfg.link main.a
    """,
    "verify": """
    USAGE
      linkctl verify [--sample N%] -- TOOL ARGS

    DESCRIPTION
      Links each request with Go's linker and through the daemon and compares exit code, messages, mode bits and
      bytes. A line tells the outcome of each; a difference is explained as by `linkctl diff`. A BUNDLE is a folder
      that `linkctl capture` made, or one that holds some.

      After --, TOOL ARGS is one tool call. Go's linker makes the output where the arguments say; linkd's is made
      in a temporary folder beside it. Below the go command (-toolexec="linkctl verify --") nothing is added to
      the link's own words and exit code, unless there is a difference, which fails the build. Other tools, and
      links outside the sample, go the way of `linkctl toolexec`.

    OPTIONS
      --sample N%   verifies a random share only
      --keep DIR    leaves the outputs of bundles that differ in DIR/NAME/expected and DIR/NAME/actual

    EXIT CODE
      0  all identical; two links that fail alike are
      1  a difference
      2  something could not be compared, or a wrong call
      3  linkd leaves a link to Go's linker, so that there is nothing to compare
      With several, the first of 1, 2, 3 that occurred.

    SEE ALSO
      LINKD_VERIFY=always or a share: real builds are verified by the daemon, after its answers; `linkctl status`.
    """,
    "rpc": """
    DESCRIPTION
      The daemon's protocol (docs/protocol.md) on standard input and output, for editors and build systems that
      start a process and talk to it. Ends when the input has ended and all answers have come.
    """,
    "version": """
    DESCRIPTION
      Prints the version of this program, of the protocol, and the name of the daemon's build.
    """,
    "help": """
    DESCRIPTION
      Prints an overview of the commands and the environment variables, or one command's page.
    """,
  ]
}
