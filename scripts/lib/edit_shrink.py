"""Makes a failing run of scripts/random-edits small: fewer links first, then fewer edits."""

import copy
import time


def minimised(whole, fails, deadline):
    """A small sublist of `whole` for which `fails` still holds (delta debugging); `fails(whole)` is known to hold."""
    parts = 2
    while len(whole) >= 1 and time.monotonic() < deadline:
        size = max(1, (len(whole) + parts - 1) // parts)
        for start in range(0, len(whole), size):
            rest = whole[:start] + whole[start + size:]
            if time.monotonic() >= deadline:
                return whole
            if fails(rest):
                whole, parts = rest, max(parts - 1, 2)
                break
        else:
            if size == 1:
                return whole
            parts = min(parts * 2, len(whole))
    return whole


def fewer_links(judge, links, deadline):
    """The links (the last is the one that failed) that it takes for the last to fail again with a fresh daemon, or None.

    This needs no build: the requests were kept.
    """
    last = links[-1]

    def fails(before):
        judge.fresh()
        for link in before:
            judge.check(link)
        return bool(judge.check(last))

    if fails([]):
        return [last]
    # The reason mostly lies with the same program, and not long ago.
    same = [link for link in links[:-1] if link.program == last.program]
    tries = [same[-n:] for n in (1, 2, 5, 12, 30) if n <= len(same)] + [same]
    tries += [links[:-1][-n:] for n in (10, 40, 150) if n < len(links)] + [links[:-1]]
    for before in tries:
        if time.monotonic() >= deadline:
            return None
        if before and fails(before):
            return minimised(before, fails, deadline) + [last]
    return None


def fewer_edits(replay, steps, deadline):
    """The recorded steps with as few edits, lives and places as it takes to fail; None when it does not fail again."""
    ops = [(i, op) for i, step in enumerate(steps) for op in step["ops"]]

    def with_ops(kept):
        new = [dict(copy.deepcopy(step), ops=[]) for step in steps]
        for i, op in kept:
            new[i]["ops"].append(op)
        return new

    def fails(kept):
        return bool(replay.run(with_ops(kept)))

    if not fails(ops):
        return None
    kept = minimised(ops, fails, deadline)
    steps = [s for s in with_ops(kept) if s["ops"] or s.get("link", True)]
    for step in steps:
        for key in ("life", "place", "paths"):
            if step[key] and step.get("link", True) and time.monotonic() < deadline:
                before, step[key] = step[key], ""
                if not replay.run(steps):
                    step[key] = before
    return steps
