"""Checks that scripts/random-edits can fail, makes the failure small, and that its steps depend on the seed alone.

Run by scripts/test. Prints one line for each check and ends with `N passed, N failed`.
"""

import json
import os
import subprocess
import sys
import tempfile

import bundles as lib
import edit_judge as judging
import edit_shrink as shrink
import edit_worlds as worlds
import edit_items as items

RUN = os.path.join(lib.ROOT, "scripts/random-edits")


def run(*words):
    done = subprocess.run([RUN, *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return done.returncode, done.stdout


def saved(folder):
    found = [os.path.join(folder, name) for name in os.listdir(folder)]
    if len(found) != 1:
        return None, []
    with open(os.path.join(found[0], "steps.json"), encoding="utf-8") as file:
        return found[0], json.load(file)["steps"]


def an_error_of_history_is_made_small(scratch):
    """A fault that needs two links and one edit between them: found, and little more than that is left."""
    code, text = run("--sabotage", "packages", "--seed", "1", "--steps", "60", "--programs", "module", "--failures", scratch,
                     "--shrink-minutes", "2")
    folder, steps = saved(scratch)
    linked = [s for s in steps if s.get("link", True)]
    if code != 1 or not folder or len(linked) != 2 or sum(len(s["ops"]) for s in steps) > 6 or "bytes differ" not in text:
        return text
    changed = os.path.getsize(os.path.join(folder, "sources.diff"))
    again, words = run("--sabotage", "packages", "--replay", os.path.join(folder, "steps.json"))
    # Without the fault the same steps are equal.
    good, more = run("--replay", os.path.join(folder, "steps.json"))
    return None if changed and again == 1 and good == 0 else words + more


def an_error_of_each_link_is_found(scratch):
    code, text = run("--sabotage", "byte", "--seed", "2", "--steps", "20", "--programs", "module", "--failures", scratch, "--no-shrink")
    # Some steps link more than once: the fifth link may be the first of the third step.
    return None if code == 1 and ", 1 failed" in text and "FAILED step" in text else text


def each_kind_of_difference_counts(scratch):
    paths = [os.path.join(scratch, name) for name in ("a", "b", "c", "absent")]
    for path, data in zip(paths, (b"same", b"same", b"sane")):
        with open(path, "wb") as file:
            file.write(data)
        os.chmod(path, 0o755)

    def result(code=0, out=b"", err=b"", path=paths[1]):
        return lib.Result(code, out, err, path)

    judge = judging.Judge.__new__(judging.Judge)
    want = result(path=paths[0])
    if judge.compare(want, result()):
        return "equal results differ"
    for name, got in {"code": result(1), "stdout": result(out=b"x"), "stderr": result(err=b"x"), "bytes": result(path=paths[2]),
                      "no file": result(path=paths[3]), "fallback": result(3, err=b"reason")}.items():
        if not judge.compare(want, got):
            return "not found: " + name
    os.chmod(paths[1], 0o700)
    if not judge.compare(want, result()):
        return "not found: mode"
    failure = result(2, err=b"undefined", path=paths[3])
    if judge.compare(failure, result(2, err=b"undefined", path=paths[3])):
        return "equal failures differ"
    if not judge.compare(failure, result(2, err=b"other", path=paths[3])) or not judge.compare(failure, result(2, err=b"undefined")):
        return "not found: another failure"
    return None


def edits_depend_on_their_seed_alone(scratch):
    def texts():
        world = worlds.Module("w0", scratch)
        rng = items.seeded("selftest")
        for op in world.first_ops(rng) + world.draw_ops(rng, 300):
            world.apply(op)
            world.remember()
        return world.files()

    first = texts()
    return None if first == texts() and len(first) > 5 else "the same edits gave another text"


def minimising_finds_what_matters(_scratch):
    whole = list(range(100))
    for culprits in ({17}, {3, 70}, {0, 50, 99}, set()):
        found = shrink.minimised(whole, lambda part: culprits <= set(part), float("inf"))
        if set(found) != culprits:
            return "%s became %s" % (culprits, found)
    return None


def main():
    checks = [minimising_finds_what_matters, edits_depend_on_their_seed_alone, each_kind_of_difference_counts,
              an_error_of_each_link_is_found, an_error_of_history_is_made_small]
    failed = 0
    for check in checks:
        with tempfile.TemporaryDirectory() as scratch:
            wrong = check(scratch)
        print("%s: %s" % ("FAILED" if wrong else "holds", check.__name__.replace("_", " ")), flush=True)
        if wrong:
            failed += 1
            print(wrong)
    print("%d passed, %d failed" % (len(checks) - failed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
