"""One run of a scenario with one fault, or none."""
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

from . import calls

SOCKCTL = os.environ["SOCKCTL"]
DEADLINE = 30
READY = 3
# The leak checker of the address sanitizer cannot work under strace.
ENVIRONMENT = dict(os.environ, LC_ALL="C",
                   ASAN_OPTIONS=os.environ.get("ASAN_OPTIONS", "exitcode=99") + ":detect_leaks=0")


class Program:
    """One process; its stderr is read as it comes, its stdout goes where it is told."""

    def __init__(self, argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env=None):
        self.lines = []
        self.ready = threading.Event()
        self.address = None
        self.p = subprocess.Popen(argv, stdin=stdin, stdout=stdout, stderr=subprocess.PIPE,
                                  env=env)
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.p.stderr:
            text = line.decode("utf-8", "replace").rstrip("\n")
            self.lines.append(text)
            if text.startswith("listening on "):
                self.address = text[len("listening on "):]
                self.ready.set()
            elif '"type":"listening"' in text:
                event = json.loads(text)
                self.address = f"{event['local_addr']}:{event['local_port']}"
                self.ready.set()
        self.ready.set()

    def wait(self, seconds, all_said=True):
        """The exit code, 128+n for a signal; None if it did not end."""
        try:
            code = self.p.wait(max(seconds, 0.01))
        except subprocess.TimeoutExpired:
            return None
        if all_said:
            self.reader.join(5)
        return code if code >= 0 else 128 - code

    def end(self, how=signal.SIGKILL):
        if self.p.poll() is None:
            self.p.send_signal(how)


class Run:
    """One run of a scenario; fault is None or (call, error, occurrence)."""

    def __init__(self, fault):
        self.fault = fault
        self.dir = tempfile.mkdtemp(prefix="faults.")
        self.log = self.path("strace")
        self.began = time.monotonic()
        self.programs = []
        self.sockets = []
        self.victim = None
        self.whole = True
        self.forgiving = False  # a server: its own end is no verdict on its peers
        self.shared = False  # the log is not of one thread: who closed what is not in it
        self.why = ""

    def path(self, name):
        return os.path.join(self.dir, name)

    def left(self):
        return DEADLINE - (time.monotonic() - self.began)

    def start(self, argv, victim=False, follow=False, **how):
        argv = [SOCKCTL] + argv
        if victim:
            trace = ["-e", "trace=" + calls.TRACED] if self.fault else []
            if self.fault:
                call, error, when = self.fault
                trace = ["-e", "trace=" + calls.TRACED + "," + call,
                         "-e", f"inject={call}:error={error}:when={when}"]
            # -D: the program is our own child, not strace's.
            argv = ["strace", "-D", "-qq", "-y", "-o", self.log] + (["-f"] if follow else []) + \
                trace + argv
        program = Program(argv, env=ENVIRONMENT, **how)
        self.programs.append(program)
        if victim:
            self.victim = program
        return program

    def plain(self, argv, **how):
        p = subprocess.Popen(argv, stderr=subprocess.DEVNULL, **how)
        self.programs.append(p)
        return p

    def expect(self, what, good):
        if not good:
            self.whole = False
            self.why += f" {what}"

    def expect_file(self, path, data, times=1):
        try:
            with open(path, "rb") as f:
                got = f.read()
        except OSError as e:
            got = str(e).encode()
        self.expect(f"{os.path.basename(path)}: {len(got)} of {len(data) * times}",
                    got == data * times)

    def fresh(self):
        """The port of a listener of this run that accepts nothing."""
        s = socket.socket()
        s.bind(("127.0.0.1", 0))
        s.listen(1)
        self.sockets.append(s)
        return s.getsockname()[1]

    def feed(self, name, data):
        with open(self.path(name), "wb") as f:
            f.write(data)
        return open(self.path(name), "rb")

    def clean(self):
        for s in self.sockets:
            s.close()
        for p in self.programs:
            try:
                (p.p if isinstance(p, Program) else p).kill()
            except OSError:
                pass
        shutil.rmtree(self.dir, ignore_errors=True)
