"""What the scripts of this folder share: processes that always end, their CPU time and memory, and what SIPp and offhook tell.

Everything that a script starts stands in a `with`, is ended by its own pid, and ends with the script should that be killed.
"""
import ctypes
import json
import os
import platform
import random
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
SCRIPTS = os.path.join(ROOT, "scenarios", "load")
ADDRESS = "127.0.0.1"
BUFFERS = 4 << 20  # bytes of a socket's receive buffer; offhook asks for as much by itself
TICK = os.sysconf("SC_CLK_TCK")
PR_SET_PDEATHSIG = 1


class Failure(Exception):
    """Something that keeps the bench from measuring; the text is for who ran it."""


# --- the machine ---

def machine():
    """One line, for above the figures: absolute ones say little without it."""
    model = "?"
    with open("/proc/cpuinfo") as f:
        for line in f:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    return (f"{time.strftime('%Y-%m-%d %H:%M:%S')}  {os.cpu_count()} cores, {model}, Linux {platform.release()}, "
            f"load average {' '.join('%.2f' % x for x in os.getloadavg())}")


def need_buffers():
    with open("/proc/sys/net/core/rmem_max") as f:
        most = int(f.read())
    if most < BUFFERS:
        print(f"note: net.core.rmem_max is {most}, so sockets get less than {BUFFERS} bytes; "
              f"for the issue's figures: sysctl -w net.core.rmem_max={BUFFERS}")


def find(name, remedy):
    path = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin:/sbin")
    if not path:
        raise Failure(f"{name} is not installed: {remedy}")
    return path


def free_port():
    """A UDP port that nothing holds, below the range that the system picks from by itself."""
    while True:
        port = random.randrange(10240, 32000)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            try:
                s.bind((ADDRESS, port))
            except OSError:
                continue
        return port


def is_bound(port):
    with open("/proc/net/udp") as f:
        return any(line.split()[1].endswith(":%04X" % port) for line in list(f)[1:])


# --- processes ---

class Process:
    """A program on the given cores. Leaving the `with` ends it: the gentle signal, then TERM, then KILL, to its own pid alone."""

    gentle = signal.SIGTERM
    patience = 20  # seconds for the gentle signal

    def __init__(self, name, argv, cores=None, cwd=None, stdout=None):
        self.name, self.argv = name, argv
        self.log = tempfile.TemporaryFile()
        parent = os.getpid()

        def prepare():
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
            if os.getppid() != parent:
                os._exit(1)
            if cores is not None:
                os.sched_setaffinity(0, cores)

        self.popen = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=stdout or self.log, stderr=self.log, cwd=cwd,
                                      preexec_fn=prepare, start_new_session=True)
        self.pid = self.popen.pid

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind:  # a script that failed does not wait for calls to end
            self.patience = 1
        self.stop()

    def stop(self):
        for sig, seconds in ((self.gentle, self.patience), (signal.SIGTERM, 5), (signal.SIGKILL, None)):
            if self.popen.poll() is not None:
                break
            self.popen.send_signal(sig)
            try:
                self.popen.wait(seconds)
            except subprocess.TimeoutExpired:
                pass
        return self.popen.returncode

    def wait(self, seconds):
        try:
            return self.popen.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Failure(f"{self.name} did not end within {seconds:.0f} s: {' '.join(self.argv)}") from None

    def said(self):
        self.log.seek(0)
        return self.log.read().decode(errors="replace")

    def wait_bound(self, port, seconds=10):
        """Until the port is held; a program that ends first is told of with what it said."""
        end = time.time() + seconds
        while time.time() < end:
            if is_bound(port):
                return
            if self.popen.poll() is not None:
                break
            time.sleep(0.02)
        raise Failure(f"{self.name} did not come up at port {port}: {' '.join(self.argv)}\n{self.said()[-2000:]}")

    def cpu(self):
        """Seconds of CPU in user and kernel mode, of all its threads (proc(5))."""
        with open(f"/proc/{self.pid}/stat") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICK

    def cpu_kernel(self):
        """The part of it in kernel mode."""
        with open(f"/proc/{self.pid}/stat") as f:
            return int(f.read().rsplit(")", 1)[1].split()[12]) / TICK

    def waited(self):
        """Seconds that its threads could have run and had no core: what others on the machine cost it (sched-stats.rst of the kernel)."""
        total = 0
        for task in os.listdir(f"/proc/{self.pid}/task"):
            try:
                with open(f"/proc/{self.pid}/task/{task}/schedstat") as f:
                    total += int(f.read().split()[1])
            except FileNotFoundError:  # the thread has ended
                pass
        return total / 1e9

    def memory(self):
        """Bytes: resident, and what of it is anonymous (heap and stacks; the files mapped and shared do not count)."""
        kb = {}
        with open(f"/proc/{self.pid}/status") as f:
            for line in f:
                if line.startswith(("VmRSS", "RssAnon")):
                    kb[line.split(":")[0]] = int(line.split()[1])
        return kb["VmRSS"] * 1024, kb["RssAnon"] * 1024


class Offhook(Process):
    """`offhook load --json`; its lines are stamped as they come."""

    patience = 90
    latenesses = ("late.arrival", "late.timer", "late.send")

    def __init__(self, program, arguments, cores=None):
        self.rows, self.total, self.ready = [], None, threading.Event()
        super().__init__("offhook", [program, "load", "--json", *map(str, arguments)], cores, stdout=subprocess.PIPE)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.popen.stdout:
            now, row = time.time(), json.loads(line)
            if row["type"] == "load":
                self.ready.set()
            elif row["type"] == "load_second":
                self.rows.append((now, row))
            elif row["type"] == "load_total":
                self.total = row
        self.ready.set()

    def wait_ready(self):
        if not self.ready.wait(30) or self.popen.poll() is not None:
            raise Failure(f"offhook did not begin: {' '.join(self.argv)}\n{self.said()[-2000:]}")

    def __exit__(self, *args):
        super().__exit__(*args)
        self.reader.join(10)
        self.popen.stdout.close()

    def finished(self):
        """(time, calls finished so far) for each second."""
        out, sum_ = [], 0
        for now, row in self.rows:
            sum_ += row["done"] + row["failed"] + row["interrupted"]
            out.append((now, sum_))
        return out

    def live(self):
        return self.rows[-1][1]["live"] if self.rows else 0

    def late(self):
        """Seconds of its own p99, by what was late."""
        return {name: self.total["times"][name]["p99"] for name in self.latenesses if self.total["times"][name]["count"]}

    def result(self):
        t = self.total
        if t is None:
            raise Failure(f"offhook gave no totals: {' '.join(self.argv)}\n{self.said()[-2000:]}")
        return {"done": t["done"], "lost": t["failed"] + t["dropped"] + t["interrupted"],
                "again": t["retransmissions"]["sent"], "failures": t["failures"], "dropped": t["dropped"]}

    @staticmethod
    def caller(program, port, rate, seconds, cores=None, options=(), script="call.lua"):
        return Offhook(program, ["--target", f"sip:{ADDRESS}:{port}", "--rate", rate, "--duration", seconds,
                                 "--listen", f"{ADDRESS}:{free_port()}", *options, os.path.join(SCRIPTS, script)], cores)

    @staticmethod
    def callee(program, port, cores=None, options=()):
        return Offhook(program, ["--listen", f"{ADDRESS}:{port}", *options, os.path.join(SCRIPTS, "answer.lua")], cores)


class Sipp(Process):
    """SIPp with one of the scenarios here; -trace_stat tells its counts each second."""

    gentle = signal.SIGUSR1  # ends when its calls have

    def __init__(self, arguments, directory, cores=None):
        self.stat = os.path.join(directory, f"sipp-{time.monotonic_ns()}.csv")
        super().__init__("sipp", [find("sipp", "apt-get install sip-tester"), "-i", ADDRESS, "-mp", str(free_port()), "-nostdin",
                                  "-skip_rlimit", "-buff_size", str(BUFFERS), "-trace_stat", "-stf", self.stat, "-fd", "1",
                                  *map(str, arguments)], cores, cwd=directory)

    def wait_ready(self):
        pass

    def _rows(self):
        try:
            with open(self.stat) as f:
                lines = f.read().splitlines()
        except FileNotFoundError:
            lines = []
        if len(lines) < 2:
            raise Failure(f"sipp left no statistics: {' '.join(self.argv)}\n{self.said()[-2000:]}")
        names = lines[0].split(";")
        return [dict(zip(names, line.split(";"))) for line in lines[1:] if line.count(";") >= len(names) - 2]

    def finished(self):
        return [(float(r["CurrentTime"].split("\t")[-1]), int(r["SuccessfulCall(C)"]) + int(r["FailedCall(C)"])) for r in self._rows()]

    def result(self):
        r = self._rows()[-1]
        return {"done": int(r["SuccessfulCall(C)"]), "lost": int(r["FailedCall(C)"]), "again": int(r["Retransmissions(C)"]),
                "failures": {k: int(v) for k, v in r.items() if k.startswith("Failed") and k.endswith("(C)") and v.isdigit() and int(v)},
                "dropped": 0}

    @staticmethod
    def caller(directory, port, rate, seconds, cores=None, options=()):
        # A Call-ID as long as ours.
        return Sipp(["-sf", os.path.join(HERE, "uac.xml"), "-cid_str", "%u-%p-as-ours@%s", "-p", free_port(), "-r", rate, "-m", int(rate * seconds), "-l", 200000,
                     *options, f"{ADDRESS}:{port}"], directory, cores)

    @staticmethod
    def callee(directory, port, cores=None, options=()):
        return Sipp(["-sf", os.path.join(HERE, "uas.xml"), "-p", port, *options], directory, cores)


# --- figures ---

def at(points, when):
    """A count at a time, between the two seconds that were told."""
    before = [p for p in points if p[0] <= when]
    after = [p for p in points if p[0] > when]
    if not before or not after:
        raise Failure(f"no count was told {'before' if not before else 'after'} the window: a longer --warm, or an overloaded machine")
    (t0, n0), (t1, n1) = before[-1], after[0]
    return n0 + (n1 - n0) * (when - t0) / (t1 - t0)


def median(values):
    return statistics.median(values)


def table(rows, head):
    """Columns of text; the first to the left, the others to the right."""
    all_rows = [head, *rows]
    widths = [max(len(str(r[i])) for r in all_rows) for i in range(len(head))]
    for row in all_rows:
        print("  ".join(str(c).ljust(w) if i == 0 else str(c).rjust(w) for i, (c, w) in enumerate(zip(row, widths))).rstrip())
    sys.stdout.flush()


def numbers(text):
    """Of an option: "N,N,..." as a list."""
    return [int(x) for x in text.split(",") if x]


def program(parser):
    parser.add_argument("--offhook", default=os.path.join(ROOT, "build", "release", "offhook"), metavar="PROGRAM",
                        help="a release build (default: %(default)s)")


def main(run, arguments):
    """Runs a script; what it could not do is told in one line."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        if not os.access(arguments.offhook, os.X_OK):
            raise Failure(f"{arguments.offhook} is not there: cmake --preset release && cmake --build build/release")
        with tempfile.TemporaryDirectory(prefix="offhook-bench-") as directory:
            return run(arguments, directory)
    except Failure as e:
        print(f"{os.path.basename(sys.argv[0])}: {e}", file=sys.stderr)
        return 3
    except KeyboardInterrupt:
        return 130
