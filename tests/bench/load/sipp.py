#!/usr/bin/env python3
"""SIPp and offhook against each other in one run, alternating on the same two cores: CPU a call, and the highest lossless rate."""
import argparse
import os
import shutil
import sys
import time

import harness as h

PAIRS = {
    "sipp-sipp": ("SIPp -> SIPp", "sipp", "sipp"),
    "ours-sipp": ("offhook -> SIPp", "ours", "sipp"),
    "sipp-ours": ("SIPp -> offhook", "sipp", "ours"),
    "ours-ours": ("offhook -> offhook", "ours", "ours"),
    "recorded": ("offhook -> offhook, recorded", "recorded", "recorded"),
}
MAX_LIVE = 20000
WHAT = ("cpu", "cpu_kernel", "waited")


def options_of(who, directory, side):
    options = ["--max-live", MAX_LIVE]
    if who == "recorded":
        options += ["--record", "all", "--out", os.path.join(directory, "captures-" + side)]
    return options


def callee_of(a, directory, who, port):
    if who == "sipp":
        return h.Sipp.callee(directory, port, {a.cores[1]}, a.sipp)
    return h.Offhook.callee(a.offhook, port, {a.cores[1]}, options_of(who, directory, "callee"))


def caller_of(a, directory, who, port, rate, seconds):
    if who == "sipp":
        return h.Sipp.caller(directory, port, rate, seconds, {a.cores[0]}, a.sipp)
    return h.Offhook.caller(a.offhook, port, rate, seconds, {a.cores[0]}, options_of(who, directory, "caller"))


def measure(a, directory, pair, rate, warm, window):
    """One run of a pair: microseconds of CPU a call on each side within the window, and what was lost in the whole run."""
    _, caller_who, callee_who = PAIRS[pair]
    port = h.free_port()
    with callee_of(a, directory, callee_who, port) as callee:
        callee.wait_bound(port)
        with caller_of(a, directory, caller_who, port, rate, warm + window + 2) as caller:
            caller.wait_ready()
            time.sleep(warm)
            both = (caller, callee)
            begin, cpu, kernel, waited = time.time(), *([getattr(p, what)() for p in both] for what in WHAT)
            time.sleep(window)
            end, cpu_end, kernel_end, waited_end = time.time(), *([getattr(p, what)() for p in both] for what in WHAT)
            caller.wait(150)
    shutil.rmtree(os.path.join(directory, "captures-caller"), ignore_errors=True)
    shutil.rmtree(os.path.join(directory, "captures-callee"), ignore_errors=True)
    points = caller.finished()
    calls = h.at(points, end) - h.at(points, begin)
    out, seen = caller.result(), callee.result()
    used = [cpu_end[i] - cpu[i] for i in (0, 1)]
    return {
        "rate": calls / (end - begin),
        "caller": used[0] / calls * 1e6 if calls else float("inf"),
        "callee": used[1] / calls * 1e6 if calls else float("inf"),
        "kernel": [(kernel_end[i] - kernel[i]) / calls * 1e6 if calls else float("inf") for i in (0, 1)],
        "lost": out["lost"], "again": out["again"] + seen["again"], "unseen": seen["lost"],
        "waited": [(waited_end[i] - waited[i]) / (end - begin) for i in (0, 1)],
        "why": out["failures"] or seen["failures"],
    }


def tell(pair, rate, m):
    trouble = "" if is_clean(m) else f"  LOST {m['lost']} at the caller, {m['unseen']} at the callee; {m['again']} sent again {m['why'] or ''}"
    print(f"  {PAIRS[pair][0]:<30} {rate:>6}/s asked, {m['rate']:8.0f}/s done: caller {m['caller']:6.2f} us, callee {m['callee']:6.2f} us, "
          f"in the kernel {m['kernel'][0]:.2f} and {m['kernel'][1]:.2f}"
          f""
          f"  (without a core {100 * m['waited'][0]:.0f} and {100 * m['waited'][1]:.0f} % of the time){trouble}", flush=True)


def is_clean(m):
    return not m["lost"] and not m["unseen"] and not m["again"]


def cost(a, directory):
    pairs = a.pairs
    seen = {}
    for rate in a.rates:
        print(f"\n{rate} calls a second, {a.window:g} s after {a.warm:g} s, {a.repeat} times in alternation:", flush=True)
        for _ in range(a.repeat):
            for pair in pairs:
                m = measure(a, directory, pair, rate, a.warm, a.window)
                seen.setdefault((rate, pair), []).append(m)
                tell(pair, rate, m)
    print("\nCPU a call in microseconds: the median of the repetitions (least to most)")
    rows = []
    for (rate, pair), ms in seen.items():
        rows.append([PAIRS[pair][0], rate] + [f"{h.median([m[s] for m in ms]):.2f} ({min(m[s] for m in ms):.2f}-{max(m[s] for m in ms):.2f})"
                                              for s in ("caller", "callee")] +
                    [sum(m["lost"] + m["unseen"] for m in ms), sum(m["again"] for m in ms)])
    h.table(rows, ["pair", "calls/s", "caller", "callee", "lost", "sent again"])
    print("\nratios: the median of those of the lossless repetitions (least to most)")
    rows = []
    for rate in a.rates:
        def ratio(name, pair, side, base, wanted):
            if pair not in pairs or base not in pairs:
                return
            # Where calls are lost, what is measured is their repetition.
            r = [m[side] / b[side] for m, b in zip(seen[rate, pair], seen[rate, base]) if is_clean(m) and is_clean(b)]
            rows.append([name, rate, f"{h.median(r):.2f} ({min(r):.2f}-{max(r):.2f})" if r else "-", f"{len(r)} of {a.repeat}", wanted])
        ratio("ours / SIPp's as caller, at SIPp's callee", "ours-sipp", "caller", "sipp-sipp", "0.5 or less")
        ratio("ours / SIPp's as callee, of SIPp's caller", "sipp-ours", "callee", "sipp-sipp", "0.5 or less")
        ratio("ours / SIPp's as caller, among ourselves", "ours-ours", "caller", "sipp-sipp", "0.5 or less")
        ratio("ours / SIPp's as callee, among ourselves", "ours-ours", "callee", "sipp-sipp", "0.5 or less")
        ratio("recorded / not, caller", "recorded", "caller", "ours-ours", "under 1.30")
        ratio("recorded / not, callee", "recorded", "callee", "ours-ours", "under 1.30")
    h.table(rows, ["ratio", "calls/s", "is", "lossless", "expected"])


def highest(a, directory):
    """Steps upwards, the pairs in turn; a pair is out when a rate failed twice."""
    print(f"\nhighest lossless rate: from {a.first} by {a.step}, {a.span:g} s each, at most {a.last}; a rate counts when in one of "
          "two tries no call was lost, nothing was sent again, and 99 % of the rate was reached", flush=True)
    live = [p for p in a.pairs if p != "recorded"]
    best = {p: 0 for p in live}
    rate = a.first
    while live and rate <= a.last:
        for pair in list(live):
            for _ in range(2):
                m = measure(a, directory, pair, rate, 2, a.span)
                tell(pair, rate, m)
                if is_clean(m) and m["rate"] >= 0.99 * rate:
                    best[pair] = rate
                    break
            else:
                live.remove(pair)
        rate += a.step
    h.table([[PAIRS[p][0], f"{r}/s" if r else f"below {a.first}/s", "still lossless at the end" if p in live else ""]
             for p, r in best.items()], ["pair", "highest lossless", ""])


def run(a, directory):
    print(h.machine())
    h.need_buffers()
    if a.cores[0] == a.cores[1]:
        print("note: both sides share one core")
    print(f"caller on core {a.cores[0]}, callee on core {a.cores[1]}; INVITE 180 200 ACK BYE 200, no hold; statistics on; "
          f"SIPp's own options: {' '.join(a.sipp) or 'none'}")
    if a.rates:
        cost(a, directory)
    if a.highest:
        highest(a, directory)
    print(h.machine())
    return 0


def pairs(text):
    chosen = text.split(",")
    for pair in chosen:
        if pair not in PAIRS:
            raise argparse.ArgumentTypeError(f"no pair {pair}: {', '.join(PAIRS)}")
    return chosen


def main():
    p = argparse.ArgumentParser(description=__doc__)
    h.program(p)
    p.add_argument("--rates", type=h.numbers, default=[10000, 20000], metavar="N,N", help="calls a second (default 10000,20000; '' for none)")
    p.add_argument("--repeat", type=int, default=3, help="repetitions (default %(default)s)")
    p.add_argument("--warm", type=float, default=2, metavar="S", help="seconds before the window (default %(default)s)")
    p.add_argument("--window", type=float, default=8, metavar="S", help="seconds that count (default %(default)s)")
    p.add_argument("--cores", type=h.numbers, default=[0, 1], metavar="A,B", help="of the caller and of the callee (default 0,1)")
    p.add_argument("--pairs", type=pairs, default=list(PAIRS), metavar="P,P", help=f"which of {','.join(PAIRS)} (default: all)")
    p.add_argument("--no-highest", dest="highest", action="store_false", help="leave the highest lossless rates out")
    p.add_argument("--first", type=int, default=16000, help="rate at which the steps begin (default %(default)s)")
    p.add_argument("--step", type=int, default=4000, help="(default %(default)s)")
    p.add_argument("--last", type=int, default=100000, help="(default %(default)s)")
    p.add_argument("--span", type=float, default=5, metavar="S", help="seconds of a step (default %(default)s)")
    p.add_argument("--sipp", type=str.split, default=[], metavar="OPTIONS",
                   help="more options of SIPp, in one argument, e.g. --sipp=\"-deadcall_wait 0\": it then keeps nothing of calls that are over, "
                   "where otherwise it knows their retransmissions for 33 s, as our transactions do")
    a = p.parse_args()
    return h.main(run, a)


if __name__ == "__main__":
    sys.exit(main())
