#!/usr/bin/env python3
"""Two workers of a caller against one: calls a second and CPU a call, with a callee that is not the bottleneck (reflector.c)."""
import argparse
import os
import subprocess
import sys
import time

import harness as h


def build(directory):
    path = os.path.join(directory, "reflector")
    done = subprocess.run([h.find("cc", "apt-get install gcc"), "-O2", "-pthread", "-o", path, os.path.join(h.HERE, "reflector.c")],
                          capture_output=True, text=True)
    if done.returncode:
        raise h.Failure(f"reflector.c does not compile:\n{done.stderr}")
    return path


def measure(a, reflector, workers):
    port = h.free_port()
    with h.Process("reflector", [reflector, str(port), str(a.threads)], a.theirs) as callee:
        callee.wait_bound(port)
        with h.Offhook(a.offhook, ["--target", f"sip:{h.ADDRESS}:{port}", "--workers", workers, "--users", a.users * workers,
                                   "--duration", a.warm + a.window + 2, os.path.join(h.SCRIPTS, "call.lua")], a.ours) as caller:
            caller.wait_ready()
            time.sleep(a.warm)
            begin, cpu, waited = time.time(), (caller.cpu(), callee.cpu()), caller.waited()
            time.sleep(a.window)
            end, cpu_end, waited = time.time(), (caller.cpu(), callee.cpu()), caller.waited() - waited
            caller.wait(120)
    points, r = caller.finished(), caller.result()
    calls, seconds = h.at(points, end) - h.at(points, begin), end - begin
    m = {"rate": calls / seconds, "cost": (cpu_end[0] - cpu[0]) / calls * 1e6, "busy": (cpu_end[0] - cpu[0]) / seconds,
         "callee": (cpu_end[1] - cpu[1]) / seconds, "lost": r["lost"], "again": r["again"],
         "waited": waited / seconds}
    print(f"  {workers} worker{'s' if workers > 1 else ' '}: {m['rate']:.0f} calls/s, {m['cost']:.2f} us a call, {m['busy']:.2f} cores busy, {m['waited']:.2f} lacked; "
          f"reflector {m['callee']:.2f} cores; {m['lost']} lost, {m['again']} sent again", flush=True)
    return m


def run(a, directory):
    cores = os.cpu_count()
    print(h.machine())
    if cores >= 4:
        a.ours, a.theirs, a.threads = {0, 1}, set(range(2, cores)), cores - 2
        print(f"{cores} cores: the caller on 0 and 1, the reflector with {a.threads} threads on the others", flush=True)
    else:
        a.ours = a.theirs = set(range(cores))
        a.threads = 1
        print(f"{cores} cores only: two workers and the reflector share them, so two workers cannot be twice as fast here; "
              "the CPU a call says what they would be with cores of their own", flush=True)
    reflector = build(directory)
    seen = {1: [], 2: []}
    for _ in range(a.repeat):
        for workers in seen:
            seen[workers].append(measure(a, reflector, workers))
    rows = []
    for workers, ms in seen.items():
        rows.append([workers] + [f"{h.median([m[k] for m in ms]):{f}}" for k, f in (("rate", ".0f"), ("cost", ".2f"), ("busy", ".2f"), ("waited", ".2f"), ("callee", ".2f"))] +
                    [sum(m["lost"] for m in ms), sum(m["again"] for m in ms)])
    print()
    h.table(rows, ["workers", "calls/s", "us a call", "cores busy", "cores lacked", "reflector's cores", "lost", "sent again"])
    rate = h.median([two["rate"] / one["rate"] for one, two in zip(seen[1], seen[2])])
    cost = h.median([two["cost"] / one["cost"] for one, two in zip(seen[1], seen[2])])
    print(f"two workers against one on {cores} cores: {rate:.2f} times the calls, {cost:.2f} times the CPU a call "
          f"(so {2 / cost:.2f} times the calls where each worker has a core)")
    print(h.machine())
    return 0


def main():
    p = argparse.ArgumentParser(description=__doc__)
    h.program(p)
    p.add_argument("--users", type=int, default=1000, help="calls at a time of a worker, each user one after the other (default %(default)s)")
    p.add_argument("--warm", type=float, default=2, metavar="S", help="seconds before the window (default %(default)s)")
    p.add_argument("--window", type=float, default=8, metavar="S", help="seconds that count (default %(default)s)")
    p.add_argument("--repeat", type=int, default=3, help="repetitions (default %(default)s)")
    return h.main(run, p.parse_args())


if __name__ == "__main__":
    sys.exit(main())
