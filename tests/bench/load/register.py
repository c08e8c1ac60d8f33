#!/usr/bin/env python3
"""Accounts of a CSV file register at Kamailio with digest: first as fast as it takes them, then at a rate below that."""
import argparse
import os
import re
import socket
import sys

import harness as h


class Kamailio(h.Process):
    patience = 10

    def __init__(self, directory, port, core):
        # -DD: the main process stays in the foreground; -E: the log goes to stderr; -Y: no sockets outside of here; -n 1: one worker.
        super().__init__("kamailio", [h.find("kamailio", "apt-get install kamailio"), "-DD", "-E", "-f", os.path.join(h.HERE, "kamailio.cfg"),
                                      "-Y", directory, "-w", directory, "-m", "512", "-M", "16", "-n", "1",
                                      "-l", f"udp:{h.ADDRESS}:{port}"], {core})
        self.port = port

    def registered(self):
        """How many users it holds bindings of, by its own count."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(2)
            s.connect((h.ADDRESS, self.port))
            local = s.getsockname()[1]
            s.send((f"OPTIONS sip:example.test SIP/2.0\r\nVia: SIP/2.0/UDP {h.ADDRESS}:{local};branch=z9hG4bK{local};rport\r\n"
                    f"From: <sip:bench@example.test>;tag=1\r\nTo: <sip:example.test>\r\nCall-ID: {local}@bench\r\nCSeq: 1 OPTIONS\r\n"
                    "Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n").encode())
            try:
                answer = s.recv(4000).decode()
            except OSError as e:
                raise h.Failure(f"kamailio does not answer OPTIONS: {e}") from None
        found = re.search(r"X-Registered: (\d+)", answer)
        if not found:
            raise h.Failure(f"kamailio does not say how many users it has:\n{answer}")
        return int(found.group(1))


def accounts(directory, n):
    path = os.path.join(directory, "accounts.csv")
    with open(path, "w") as f:
        f.write("aor,password\n")
        f.writelines(f"sip:user{i:06d}@example.test,secret\n" for i in range(n))
    return path


def register(a, directory, csv, load, what):
    """All accounts once, at a Kamailio of its own."""
    port = h.free_port()
    with Kamailio(directory, port, a.cores[1]) as kamailio:
        kamailio.wait_bound(port)
        with h.Offhook(a.offhook, ["--target", f"sip:{h.ADDRESS}:{port}", *load, "--calls", a.accounts, "--set", f"accounts={csv}",
                                   os.path.join(h.SCRIPTS, "register.lua")], {a.cores[0]}) as ours:
            ours.wait_ready()
            ours.wait(600)
        bound = kamailio.registered()
    r, t = ours.result(), ours.total
    statuses = t["methods"]["REGISTER"]["statuses"]
    times = t["times"]["register"]
    rate = r["done"] / t["seconds"]
    for failure in r["failures"]:
        print(f"  {failure}")
    return rate, [what, r["done"], bound, r["lost"], r["again"], f"{t['seconds']:.1f}", f"{rate:.0f}",
                  statuses.get("401", {}).get("received", 0), statuses.get("200", {}).get("received", 0),
                  f"{times['p50'] * 1000:.1f}" if times["count"] else "-", f"{times['p99'] * 1000:.1f}" if times["count"] else "-",
                  f"{t['cpu_seconds'] / max(r['done'], 1) * 1e6:.1f}"]


def run(a, directory):
    print(h.machine())
    print(f"{a.accounts} accounts from a CSV file, each REGISTER with a 401 and digest; offhook on core {a.cores[0]}, "
          f"Kamailio with one worker on core {a.cores[1]}", flush=True)
    csv = accounts(directory, a.accounts)
    rows = []
    if not a.rate:
        rate, row = register(a, directory, csv, ["--users", a.users], f"{a.users} at a time")
        rows.append(row)
        a.rate = max(1, int(rate * 0.8))
    rows.append(register(a, directory, csv, ["--rate", a.rate], f"{a.rate} a second")[1])
    h.table(rows, ["", "registered", "Kamailio has", "lost", "sent again", "seconds", "a second", "401", "200", "p50, ms", "p99, ms", "our CPU, us"])
    print(f"expected: {a.accounts} registered, nothing lost")
    print(h.machine())
    return 0


def main():
    p = argparse.ArgumentParser(description=__doc__)
    h.program(p)
    p.add_argument("--accounts", type=int, default=50000, help="(default %(default)s)")
    p.add_argument("--users", type=int, default=50, help="that register at a time in the first part (default %(default)s)")
    p.add_argument("--rate", type=int, default=0, help="a second; then there is no first part (default: 0.8 of what the first part reached)")
    p.add_argument("--cores", type=h.numbers, default=[0, 1], metavar="A,B", help="of offhook and of Kamailio (default 0,1)")
    return h.main(run, p.parse_args())


if __name__ == "__main__":
    sys.exit(main())
