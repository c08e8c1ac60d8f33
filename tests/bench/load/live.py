#!/usr/bin/env python3
"""Many live calls in one process: memory a call on each side, own lateness, nothing lost; --minutes N: and no growth of memory."""
import argparse
import math
import sys
import time

import harness as h


def sample(processes):
    return [p.memory() for p in processes]


def mb(n):
    return f"{n / 1e6:.1f}"


def run(a, _directory):
    rate = math.ceil(a.live / a.hold)
    steady = max(a.minutes * 60, 10)
    port = h.free_port()
    common = ["--workers", a.workers, "--max-live", int(a.live * a.room)]
    print(h.machine())
    print(f"{a.live} live calls: {rate} arrivals a second, hold={a.hold} s, {a.workers} workers on each side", flush=True)
    with h.Offhook.callee(a.offhook, port, None, [*common, "--drain", 5]) as callee:
        callee.wait_bound(port)
        callee.wait_ready()
        with h.Offhook.caller(a.offhook, port, rate, a.hold + steady + 10, None,
                              [*common, "--set", f"hold={a.hold}", "--drain", a.hold + 40]) as caller:
            caller.wait_ready()
            both = (caller, callee)
            # What the first calls bring along (Lua's caches, the allocator's arenas) counts as memory of calls: from just after start-up.
            first, begin = sample(both), time.time()
            print(f"start: caller {mb(first[0][0])} MB resident, callee {mb(first[1][0])} MB", flush=True)
            full, minutes, rows = None, [], []
            for second in range(10, int(a.hold + steady) + 1, 5):
                time.sleep(max(0, begin + second - time.time()))
                if caller.popen.poll() is not None or callee.popen.poll() is not None:
                    raise h.Failure(f"it ended early: {caller.said()} {callee.said()}")
                now = sample(both)
                if second % 10 == 0 and second <= a.hold + 10:
                    print(f"{second:4d} s: {caller.live():6d} live; resident: caller {mb(now[0][0])} MB, callee {mb(now[1][0])} MB; "
                          f"of it anonymous {mb(now[0][1])}, {mb(now[1][1])} MB", flush=True)
                if full is None and second >= a.hold + 5:
                    full, live = now, caller.live()
                if a.minutes and (second - a.hold) % 60 == 0 and second > a.hold:
                    minutes.append(now)
                    print(f"minute {len(minutes):2d}: {caller.live()} live; resident: caller {mb(now[0][0])} MB, callee {mb(now[1][0])} MB", flush=True)
            waited = [p.waited() / (time.time() - begin) for p in both]
            caller.wait(a.hold + 120)
    for side, i in (("caller", 0), ("callee", 1)):
        grown = [full[i][k] - first[i][k] for k in (0, 1)]
        rows.append([side, live, f"{grown[0] / live:.0f}", f"{grown[1] / live:.0f}", "3000 or less"])
    print()
    h.table(rows, ["bytes a live call", "live", "resident", "anonymous", "expected"])
    print()
    rows = []
    for side, p in (("caller", caller), ("callee", callee)):
        r, late = p.result(), p.late()
        rows.append([side, r["done"], r["lost"], r["dropped"], r["again"]] +
                    [f"{late[n] * 1000:.2f}" if n in late else "-" for n in p.latenesses] + [f"{p.total['cpu_seconds']:.1f}"])
        for failure in r["failures"]:
            print(f"{side}: {failure}")
    h.table(rows, ["", "done", "lost", "of it dropped", "sent again", "p99 late.arrival, ms", "late.timer", "late.send", "CPU, s"])
    print(f"threads of the caller were without a core {100 * waited[0]:.0f} %, of the callee {100 * waited[1]:.0f} % of the time: "
          "what other work on the machine adds to lateness")
    print("expected: nothing lost, every p99 under 10 ms")
    if len(minutes) > 1:
        for side, i in (("caller", 0), ("callee", 1)):
            print(f"{side}: {(minutes[-1][i][0] - minutes[0][i][0]) / 1e6:+.1f} MB resident from minute 1 to minute {len(minutes)} (expected: no growth)")
    print(h.machine())
    return 0


def main():
    p = argparse.ArgumentParser(description=__doc__)
    h.program(p)
    p.add_argument("--live", type=int, default=100000, help="calls at a time (default %(default)s)")
    p.add_argument("--hold", type=int, default=60, metavar="S", help="seconds of a call (default %(default)s)")
    p.add_argument("--workers", type=int, default=2, help="of each side (default %(default)s)")
    p.add_argument("--room", type=float, default=1.2, help="--max-live, in calls at a time (default %(default)s)")
    p.add_argument("--minutes", type=int, default=0, metavar="N", help="go on for so long at full height (10 for the issue's figure)")
    return h.main(run, p.parse_args())


if __name__ == "__main__":
    sys.exit(main())
