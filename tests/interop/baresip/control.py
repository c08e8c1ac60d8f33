#!/usr/bin/env python3
"""control.py SIP_PORT CONTROL_PORT DIRECTORY: takes commands to baresip as SIP MESSAGEs, so that a script can give them and a
ladder shows them.

The body of a MESSAGE is one of
  start ACCOUNT             starts a fresh baresip with that account, a line as of its file "accounts"
  stop                      ends it: it hangs up and unregisters
  await EVENT [SECONDS]     200 with the parameter of the next EVENT behind the last one awaited, e.g. "await CALL_ESTABLISHED",
                            now or within 5 s; else 408 with those that came in its place
  COMMAND [PARAMETER...]    as at baresip's prompt, e.g. "dial sip:alice@example.test": 200 with what it printed, 500 when it refused
baresip's config is in DIRECTORY; its module ctrl_tcp listens at CONTROL_PORT: JSON in netstrings. A baresip for each account, as
baresip 1.0 may crash when an account is deleted (uadel) some time after a call.
"""
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time


class Baresip:
    """A process of it, and the connection to its ctrl_tcp: commands one at a time, events as they come."""

    def __init__(self, directory, port):
        open(os.path.join(directory, "accounts"), "w").close()  # none: what became of it would be over before we could hear it
        # pdeathsig: it ends with this program, however that ends.
        with open(os.path.join(directory, "log"), "ab") as log:
            self.process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", "baresip", "-4", "-s", "-f", directory],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.socket = self.connect(port)
        self.buffer = b""
        self.events = []
        self.answer = None

    def connect(self, port):
        deadline = time.monotonic() + 4
        while True:
            try:
                return socket.create_connection(("127.0.0.1", port), 1)
            except OSError:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    self.stop()
                    raise
                time.sleep(0.02)

    def read(self):
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionError("it closed its control connection, exit status %s" % self.process.wait(1))
        self.buffer += data
        while b":" in self.buffer:
            length, _, rest = self.buffer.partition(b":")
            if len(rest) <= int(length):
                return
            message, self.buffer = json.loads(rest[: int(length)]), rest[int(length) + 1 :]
            if message.get("response"):
                self.answer = message
            else:
                self.events.append((message["type"], message.get("param", "")))

    def command(self, text):
        name, _, parameters = text.partition(" ")
        request = json.dumps({"command": name, "params": parameters, "token": "1"}).encode()
        self.answer = None
        self.socket.sendall(b"%d:%s," % (len(request), request))
        while self.answer is None:
            self.read()
        return 200 if self.answer["ok"] else 500, self.answer.get("data") or ""

    def take(self, wanted):
        """The parameter of the first such event; it and those before it are forgotten."""
        for i, (event, parameter) in enumerate(self.events):
            if event == wanted:
                del self.events[: i + 1]
                return parameter
        return None

    def stop(self):
        """Whether it ended as it should. What it still waits for after a second is not waited for."""
        self.process.terminate()
        try:
            status = self.process.wait(1)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait()
        return status in (0, -signal.SIGKILL), "exit status %d" % status


class Control:
    """A SIP server that knows MESSAGE from a client that writes one header to a line."""

    def __init__(self, sip_port, control_port, directory):
        self.server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.server.bind(("127.0.0.1", sip_port))
        self.control_port, self.directory = control_port, directory
        self.baresip = None
        self.seen = {}  # by Via: the response, or None while it is being awaited; a repeated request gets no other
        self.waiting = None  # (request, source, event, deadline)

    def reply(self, request, source, status, body):
        kept = [line for line in request.split("\r\n") if line.startswith(("Via:", "From:", "To:", "Call-ID:", "CSeq:"))]
        lines = [line + ";tag=control" if line.startswith("To:") else line for line in kept]
        reason = {200: "OK", 408: "Request Timeout", 500: "Refused"}[status]
        lines = ["SIP/2.0 %d %s" % (status, reason)] + lines + ["Content-Type: text/plain", "Content-Length: %d" % len(body.encode())]
        self.seen[kept[0]] = response = ("\r\n".join(lines) + "\r\n\r\n" + body).encode()
        self.server.sendto(response, source)

    def obey(self, text):
        """The status and body of the answer."""
        word, _, rest = text.partition(" ")
        if word == "start":
            self.stop()
            self.baresip = Baresip(self.directory, self.control_port)
            return self.baresip.command("uanew " + rest)
        if not self.baresip:
            return 500, "no baresip runs"
        if word == "stop":
            ok, text = self.stop()
            return 200 if ok else 500, text
        return self.baresip.command(text)

    def stop(self):
        baresip, self.baresip = self.baresip, None
        return baresip.stop() if baresip else (True, "")

    def handle(self, request, source):
        head, _, body = request.partition("\r\n\r\n")
        via = head.split("\r\n")[1]
        if via in self.seen:
            if self.seen[via]:
                self.server.sendto(self.seen[via], source)
        elif body.startswith("await "):
            self.seen[via] = None
            _, event, seconds = (body + " 5").split()[:3]
            self.waiting = head, source, event, time.monotonic() + float(seconds)
        else:
            try:
                self.reply(head, source, *self.obey(body))
            except OSError as error:
                self.reply(head, source, 500, "baresip: %s" % error)

    def look(self):
        """Whether what is awaited has come, or comes no more."""
        request, source, event, deadline = self.waiting
        parameter = self.baresip.take(event) if self.baresip else None
        if parameter is not None:
            self.waiting = None
            self.reply(request, source, 200, parameter)
        elif not self.baresip or time.monotonic() > deadline:
            self.waiting = None
            came = self.baresip and ", ".join("%s %s" % one for one in self.baresip.events) or "nothing"
            self.reply(request, source, 408, "no %s; there came %s" % (event, came))

    def run(self):
        while True:
            sources = [self.server] + ([self.baresip.socket] if self.baresip else [])
            readable, _, _ = select.select(sources, [], [], 0.05 if self.waiting else None)
            if self.baresip and self.baresip.socket in readable:
                try:
                    self.baresip.read()
                except OSError as error:
                    print("baresip:", error, flush=True)
                    self.stop()
            if self.server in readable:
                data, source = self.server.recvfrom(65536)
                self.handle(data.decode(), source)
            if self.waiting:
                self.look()


if __name__ == "__main__":
    Control(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]).run()
