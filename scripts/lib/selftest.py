"""Checks that scripts/identity can fail: each fault that a linker may have must be found, and no fault none.

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
    "byte": ("printf X | dd of=$out bs=1 seek=600000 conv=notrunc status=none", "bytes differ"),
    "longer": ("printf X >>$out", "bytes differ"),
    "mode": ("chmod 700 $out", "mode bits: expected 755, actual 700"),
    "stdout": ("echo noise", "stdout:"),
    "stderr": ("echo noise >&2", "stderr:"),
    "code": ("code=1", "exit code: expected 0, actual 1"),
    "no file": ("rm $out", "output file: expected True, actual False"),
    "one more file": ("echo >$out.more", "the file a.out.more differs"),
    "fallback": ("echo 'linkctl: a reason' >&2; exit 3", "0 passed, 0 failed, 1 fell back"),
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


def main():
    linkctl = os.environ.get("LINKCTL") or os.path.join(ROOT, ".build/release/linkctl")
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        stand_in = os.path.join(folder, "linkctl")
        for fault, (commands, expected) in FAULTS.items():
            with open(stand_in, "w", encoding="utf-8") as file:
                file.write(STAND_IN.format(linkctl=linkctl, fault=commands))
            os.chmod(stand_in, stat.S_IRWXU)
            done = subprocess.run(
                [os.path.join(ROOT, "scripts/identity"), "--fixtures", "bare", "--rounds", "cold", "--linkctl", stand_in],
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
            good = expected in done.stdout and (done.returncode == 0) == (fault == "none")
            print("%s: fault '%s'" % ("found" if good else "NOT FOUND", fault), flush=True)
            if not good:
                failed += 1
                print(done.stdout)
    print("%d passed, %d failed" % (len(FAULTS) - failed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
