"""The run of scripts/random-edits: plans steps, builds them ahead of the links, replays them."""

import os
import queue
import shutil
import subprocess
import threading

import bundles as lib
import edit_items as items
import edit_judge as judging
import edit_worlds as worlds

# Go's own commands, and how often in an epoch.
COMMANDS = {"cmd/gofmt": 5, "cmd/nm": 4, "cmd/addr2line": 3, "cmd/objdump": 2, "cmd/pack": 3, "cmd/fix": 1, "cmd/vet": 1, "cmd/asm": 1,
            "cmd/go": 0.3}


class Builder:
    """Turns worlds into link requests: go build up to the link."""

    def __init__(self, folder, private_cache):
        self.folder = folder
        self.env = dict(os.environ, **lib.go_environment())
        self.env["GOFLAGS"] = "-buildvcs=false"
        self.base = self.env["GOCACHE"]
        if private_cache:
            self.env["GOCACHE"] = os.path.join(folder, "gocache")
            clone(self.base, self.env["GOCACHE"])
        self.shim = os.path.join(folder, "shim")
        source = os.path.join(lib.ROOT, "scripts/lib/shim/main.go")
        subprocess.run(["go", "build", "-o", self.shim, source], env=self.env, check=True)

    def world(self, spec, epoch):
        folder = os.path.join(self.folder, epoch, spec["name"])
        shutil.rmtree(folder, ignore_errors=True)
        if spec["type"] == "module":
            return worlds.Module(spec["name"], folder)
        return worlds.Command(spec["name"], folder, spec["target"], self.env)

    def build(self, world, program, folder):
        """The Bundle of a program, or the go command's words as text."""
        shutil.rmtree(folder, ignore_errors=True)
        flags = ["-toolexec=" + self.shim, "-o", os.path.join(self.folder, "unused"), *world.prepare()]
        done = subprocess.run(world.command(program, flags), env=dict(self.env, LINKD_CAPTURE_DIR=folder), cwd=world.folder,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        found = lib.Bundle.find([folder]) if os.path.isdir(folder) else []
        return found[0] if len(found) == 1 else done.stdout.decode("utf-8", "replace")

    def prune(self, limit):
        """Keeps the private cache below `limit` bytes: what the shared one does not have goes, the oldest first."""
        if self.env["GOCACHE"] == self.base:
            return
        own = []
        for path, _, files in os.walk(self.env["GOCACHE"]):
            for name in files:
                info = os.stat(os.path.join(path, name))
                if info.st_nlink == 1:
                    own.append((info.st_mtime, info.st_size, os.path.join(path, name)))
        total = sum(size for _, size, _ in own)
        for _, size, path in sorted(own) if total > limit else []:
            if total > limit / 2:
                os.remove(path)
                total -= size


def clone(base, copy):
    """A copy of a build cache whose files are the same ones (hard links) where that can be done."""
    for path, _, files in os.walk(base):
        target = os.path.join(copy, os.path.relpath(path, base))
        os.makedirs(target, exist_ok=True)
        for name in files:
            try:
                os.link(os.path.join(path, name), os.path.join(target, name))
            except FileExistsError:
                pass
            except OSError:
                shutil.copyfile(os.path.join(path, name), os.path.join(target, name))


def epoch_specs(seed, epoch, programs):
    """The worlds of an epoch."""
    rng = items.seeded(seed, epoch, "worlds")
    specs = []
    if "module" in programs:
        specs += [{"type": "module", "name": "w%d" % i} for i in range(rng.choice([1, 2, 2, 3]))]
    commands = [c for c in programs if c != "module"]
    if commands:
        target = rng.choices(commands, [COMMANDS.get(c, 1) for c in commands])[0]
        specs.append({"type": "command", "name": "c0", "target": target})
    return specs


class Plan:
    """The steps of a run, made from its seed: builds each and gives (step, Link), ahead of who takes them."""

    def __init__(self, builder, seed, programs, steps, epoch_steps, without=(), ahead=2, say=print):
        self.builder, self.seed, self.programs = builder, seed, programs
        self.steps, self.epoch_steps, self.say = steps, epoch_steps, say
        self.queue, self.stopped = queue.Queue(ahead), threading.Event()
        self.specs, self.records, self.without = {}, {}, without
        self.uncompilable, self.kinds = 0, {}
        self.thread = threading.Thread(target=self.produce, daemon=True)
        self.thread.start()

    def produce(self):
        try:
            number = epoch = 0
            while number < self.steps and not self.stopped.is_set():
                number = self.epoch(epoch, number)
                epoch += 1
            self.put(None)
        except BaseException as error:
            self.put(error)
            raise

    def put(self, item):
        while not self.stopped.is_set():
            try:
                return self.queue.put(item, timeout=0.5)
            except queue.Full:
                pass

    def epoch(self, epoch, number):
        specs = epoch_specs(self.seed, epoch, self.programs)
        self.specs[epoch], self.records[epoch] = specs, []
        here = {spec["name"]: self.builder.world(spec, "e%03d" % epoch) for spec in specs}
        # Old requests go; those of the last epoch may still be needed to shrink a failure.
        shutil.rmtree(os.path.join(self.builder.folder, "e%03d" % (epoch - 2)), ignore_errors=True)
        if epoch % 5 == 4:
            self.builder.prune(3 << 30)
        ready, misses = set(), {}
        for index in range(self.epoch_steps):
            if number >= self.steps or self.stopped.is_set():
                break
            rng = items.seeded(self.seed, epoch, index)
            names = sorted(here)
            name = rng.choices(names, [1 if n.startswith("c") else 2 for n in names])[0]
            world = here[name]
            before = world.snapshot()
            if name not in ready:
                ops = world.first_ops(rng)
            else:
                ops = [op for op in world.draw_ops(rng, rng.choice([1, 1, 1, 1, 2, 2, 3, 8])) if op[0] not in self.without]
                if rng.random() < 0.35 and any(i["kind"] in items.RISKY for p in world.state["packages"].values()
                                               for i in p["items"].values()):
                    ops.insert(0, ["heal", 0])
                if misses.get(name):
                    # What does not compile may come from an older step, which built another program.
                    ops.insert(0, ["back", 3 * misses[name]])
            said = [world.apply(op) for op in ops]
            program = world.pick_program(rng, before)
            bundle = self.builder.build(world, program, os.path.join(self.builder.folder, "e%03d" % epoch, "b%04d" % index))
            if isinstance(bundle, str):
                self.uncompilable += 1
                self.say("step %d does not compile, taken back: %s\n%s" % (number, [s for s in said if s], bundle[:1000]))
                world.state = before
                misses[name] = misses.get(name, -1) + 1
                continue
            misses.pop(name, None)
            ready.add(name)
            world.remember()
            life = judging.draw(rng, judging.LIVES, self.without)
            record = {"number": number, "world": name, "ops": ops, "program": program, "life": life,
                      "place": judging.draw(rng, judging.PLACES, self.without), "seed": rng.randrange(1 << 30),
                      "paths": judging.draw(rng, judging.PATHS, self.without)}
            for op, what in zip(ops, said):
                if what and len(ops) < 10:
                    key = op[0] + (" " + what.split()[1] if op[0] in ("add",) else "")
                    self.kinds[key] = self.kinds.get(key, 0) + 1
            self.records[epoch].append(record)
            self.put((epoch, record, link_of(bundle, record), [s for s in said if s]))
            number += 1
        return number

    def __iter__(self):
        while True:
            item = self.queue.get()
            if item is None:
                return
            if isinstance(item, BaseException):
                raise item
            yield item

    def stop(self):
        self.stopped.set()
        self.thread.join()


def link_of(bundle, record):
    return judging.Link(bundle, "%s %s" % (record["world"], record["program"]), record["number"], record["life"], record["place"],
                        record["seed"], record["paths"])


class Replay:
    """Makes recorded steps again: with some of their edits, linking after some of them."""

    def __init__(self, builder, judge, specs):
        self.builder, self.judge, self.specs = builder, judge, specs
        self.count = 0
        self.texts, self.said, self.links = [], [], []

    def run(self, steps, stop_at_failure=True, say=None):
        """`steps`: records, with "link" False where nothing is to be linked. Gives what is wrong at the last link (or the
        first that fails): a list; None when a step that is to be linked does not compile."""
        self.judge.fresh()
        self.count += 1
        self.texts, self.said, self.links = [], [], []
        wanted = {s["world"] for s in steps if s.get("link", True)}
        here = {s["name"]: self.builder.world(s, "r000") for s in self.specs if s["name"] in wanted}
        wrong = []
        for step in steps:
            world = here.get(step["world"])
            if not world:
                continue
            said = [what for what in map(world.apply, step["ops"]) if what]
            self.said.append((step, said))
            if step.get("link", True):
                folder = os.path.join(self.builder.folder, "r000", "b%03d-%04d" % (self.count % 1000, len(self.links)))
                bundle = self.builder.build(world, step["program"], folder)
                if isinstance(bundle, str):
                    if say:
                        say("step %d does not compile:\n%s" % (step["number"], bundle))
                    return None
                self.texts.append((step, dict(world.written)))
                self.links.append(link_of(bundle, step))
                wrong = self.judge.check(self.links[-1])
                if say:
                    say("%s: %s" % (self.links[-1], wrong or "equal"))
                if wrong and stop_at_failure:
                    return wrong
            world.remember()
        return wrong
