#!/usr/bin/env python3
"""What a call costs when few and when many are live: the same arrivals, held for so long that so many are live at a time."""
import argparse
import sys
import time

import harness as h

SETTLE = 34  # seconds after which transactions end as fast as they begin: timers D, J and L take 32 s (RFC 3261 17, RFC 6026)


def measure(a, live):
    """Microseconds of CPU a call on each side, once as many calls and transactions end as begin."""
    hold, port = live / a.rate, h.free_port()
    room = ["--max-live", int(a.most * 1.3) + 1000]
    with h.Offhook.callee(a.offhook, port, {a.cores[1]}, [*room, "--drain", 1]) as callee:
        callee.wait_bound(port)
        with h.Offhook.caller(a.offhook, port, a.rate, hold + SETTLE + a.window + 2, {a.cores[0]},
                              [*room, "--set", f"hold={hold:g}", "--drain", 1]) as caller:
            caller.wait_ready()
            time.sleep(hold + SETTLE)
            begin, cpu = time.time(), (caller.cpu(), callee.cpu())
            time.sleep(a.window)
            end, cpu_end = time.time(), (caller.cpu(), callee.cpu())
            time.sleep(1.5)  # for the second that the window's end is in
            seen, points = caller.live(), caller.finished()
            lost = [sum(r["failed"] + r["dropped"] for _, r in p.rows) for p in (caller, callee)]
            again = [sum(r["retransmissions"]["sent"] for _, r in p.rows) for p in (caller, callee)]
            caller.patience = callee.patience = 5  # what is measured is measured: live calls are cut off
    calls = h.at(points, end) - h.at(points, begin)
    m = {"live": seen, "rate": calls / (end - begin), "lost": sum(lost), "again": sum(again),
         "caller": (cpu_end[0] - cpu[0]) / calls * 1e6, "callee": (cpu_end[1] - cpu[1]) / calls * 1e6}
    print(f"  {live:7d} meant, {seen:7d} live, {m['rate']:.0f} calls/s: caller {m['caller']:.2f} us, callee {m['callee']:.2f} us; "
          f"{m['lost']} lost, {m['again']} sent again", flush=True)
    return m


def run(a, _directory):
    a.most = max(a.live)
    print(h.machine())
    print(f"{a.rate} calls a second; caller on core {a.cores[0]}, callee on core {a.cores[1]}; {a.window:g} s, {a.repeat} times in alternation", flush=True)
    seen = {live: [] for live in a.live}
    for _ in range(a.repeat):
        for live in a.live:
            seen[live].append(measure(a, live))
    print("\nCPU a call in microseconds, the median; and against the fewest live calls, expected: under 1.5")
    rows, base = [], seen[a.live[0]]
    for live, ms in seen.items():
        row = [live, round(h.median([m["live"] for m in ms]))]
        for side in ("caller", "callee"):
            row += [f"{h.median([m[side] for m in ms]):.2f}", f"{h.median([m[side] / b[side] for m, b in zip(ms, base)]):.2f}"]
        rows.append(row + [sum(m["lost"] for m in ms), sum(m["again"] for m in ms)])
    h.table(rows, ["meant", "live", "caller", "ratio", "callee", "ratio", "lost", "sent again"])
    print(h.machine())
    return 0


def main():
    p = argparse.ArgumentParser(description=__doc__)
    h.program(p)
    p.add_argument("--live", type=h.numbers, default=[100, 10000, 100000], metavar="N,N", help="(default 100,10000,100000)")
    p.add_argument("--rate", type=int, default=2000, help="arrivals a second (default %(default)s)")
    p.add_argument("--window", type=float, default=10, metavar="S", help="seconds that count (default %(default)s)")
    p.add_argument("--repeat", type=int, default=2, help="repetitions (default %(default)s)")
    p.add_argument("--cores", type=h.numbers, default=[0, 1], metavar="A,B", help="of the caller and of the callee (default 0,1)")
    return h.main(run, p.parse_args())


if __name__ == "__main__":
    sys.exit(main())
