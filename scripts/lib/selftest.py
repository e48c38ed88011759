"""Checks that scripts/identity and scripts/bench can fail: each fault that a linker may have must be found, and no fault
none.

Run by scripts/test. Prints one line for each fault and ends with `N passed, N failed`.
"""

import os
import stat
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# fault: (what the stand-in does to the real linker's result, what scripts/identity must say)
FAULTS = {
    "none": (":", "1 passed, 0 failed, 0 fell back"),
    "byte": ("printf 'not the same' | dd of=$out bs=1 seek=600000 conv=notrunc status=none", "bytes differ"),
    "longer": ("printf X >>$out", "bytes differ"),
    "mode": ("chmod 700 $out", "mode bits: expected 755, actual 700"),
    "stdout": ("echo noise", "stdout:"),
    "stderr": ("echo noise >&2", "stderr:"),
    "code": ("code=1", "exit code: expected 0, actual 1"),
    "no file": ("rm $out", "output file: expected True, actual False"),
    "one more file": ("echo >$out.more", "the file a.out.more differs"),
    "fallback": ("echo 'linkctl: a reason' >&2; exit 3", "0 passed, 0 failed, 1 fell back"),
}

# command of scripts/bench: {fault: what it must say}. With a fault there must be no figures.
BENCHES = {
    ("growth", "--cases", "program", "--limit", "1", "-n", "1", "--ldflags="): {
        "none": "hello     default", "byte": "the output differs", "longer": "the output differs",
        "code": "failed with exit code 1", "fallback": "failed with exit code 3"},
    ("growth", "--cases", "edit", "--limit", "1", "-n", "1", "--ldflags="): {
        "none": "1         default", "byte": "the output differs"},
    ("std", "--limit", "1", "-n", "1"): {"none": "second        1", "byte": "the output differs"},
}

STAND_IN = """#!/bin/bash
case $1 in diff | capture) exec {linkctl} "$@" ;; esac
[ "$1" = link ] || exit 0
shift
"$LINKD_REAL_LINK" "$@"
code=$?
while [ $# -gt 0 ]; do [ "$1" = -o ] && out=$2; shift; done
{fault}
exit $code
"""


def check(folder, linkctl, fault, command, expected):
    """Runs a script of ours with a linkctl that has the fault; gives whether the fault was found."""
    stand_in = os.path.join(folder, "linkctl")
    with open(stand_in, "w", encoding="utf-8") as file:
        file.write(STAND_IN.format(linkctl=linkctl, fault=FAULTS[fault][0]))
    os.chmod(stand_in, stat.S_IRWXU)
    done = subprocess.run(
        [os.path.join(ROOT, "scripts", command[0]), *command[1:], "--linkctl", stand_in],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    good = expected in done.stdout and (done.returncode == 0) == (fault == "none")
    if command[0] == "bench" and fault != "none":
        good = good and "real/linkd" not in done.stdout
    print("%s: fault '%s', scripts/%s" % ("found" if good else "NOT FOUND", fault, " ".join(command)), flush=True)
    if not good:
        print(done.stdout)
    return good


def main():
    linkctl = os.environ.get("LINKCTL") or os.path.join(ROOT, ".build/release/linkctl")
    identity = ("identity", "--fixtures", "bare", "--rounds", "cold")
    checks = [(fault, identity, expected) for fault, (_, expected) in FAULTS.items()]
    checks += [(fault, ("bench",) + command, expected) for command, faults in BENCHES.items()
               for fault, expected in faults.items()]
    with tempfile.TemporaryDirectory() as folder:
        found = [check(folder, linkctl, *words) for words in checks]
    print("%d passed, %d failed" % (found.count(True), found.count(False)))
    return 0 if all(found) else 1


if __name__ == "__main__":
    sys.exit(main())
