"""A world that stands still: namespaces of our own with known sockets, servers and processes."""
import os
import shutil
import subprocess
import sys

MKSOCK = os.environ.get("MKSOCK", os.path.dirname(os.environ["SOCKCTL"]) + "/tests/mksock")
LISTEN, FULL, ELSEWHERE = 7001, 7006, 7007
CHOSEN = 40000  # ports that the kernel chose, and that differ from run to run, start here


def enter():
    """Starts this program again in namespaces of its own; None where that is not allowed."""
    if os.environ.get("FAULTS_WORLD"):
        return True
    for user in ([], ["-U", "-r"]):
        new = ["unshare", *user, "--net", "--mount", "--pid", "--fork", "--kill-child",
               "--mount-proc"]
        if subprocess.run(new + ["ip", "link", "set", "lo", "up"], check=False,
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0:
            os.environ["FAULTS_WORLD"] = "1"
            os.execvp("unshare", new + [sys.executable] + sys.argv)
    return False


def prepare_namespace():
    for path, value in (("/proc/sys/net/ipv4/ip_local_port_range", f"{CHOSEN} 60999"),
                        ("/proc/sys/net/ipv4/tcp_rfc1337", "1")):
        with open(path, "w", encoding="ascii") as f:
            f.write(value)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    subprocess.run(["mount", "-t", "tmpfs", "none", "/run"], check=True)


class World:
    """Held by a mksock whose stdin we keep; `elsewhere` is a process in a namespace of its own."""

    def __init__(self):
        prepare_namespace()
        self.dir = "/run/world"
        os.mkdir(self.dir)
        self.mksock = [self.hold([
            f"listen:port={LISTEN},queued=3,data=5,backlog=16", f"listen:port={FULL},queued=2,backlog=1",
            "established:n=2,quiet", "close_wait:n=2,unread=7", "udp:queued=3,size=100",
            f"unix_listen:path={self.dir}/listen,queued=2", "unix_pair:abstract=pair",
            "time_wait"]),
            self.hold([f"listen:port={ELSEWHERE},queued=1"], ["unshare", "--net", "sh", "-c",
                      'ip link set lo up; exec "$@"', "-"])]
        self.elsewhere = self.mksock[1].pid
        self.pid = self.mksock[0].pid
        os.makedirs("/run/netns")
        with open("/run/netns/there", "w", encoding="ascii"):
            pass
        subprocess.run(["mount", "--bind", f"/proc/{self.elsewhere}/ns/net", "/run/netns/there"],
                       check=True)
        self.servers = [self.serve([]), self.serve(["nsenter", "-t", str(self.elsewhere), "-n"])]
        self.record = self.dir + "/record"
        self.await_stall()

    def await_stall(self):
        """Nobody is ever accepted: from here on that is a finding in each run, not in the late ones."""
        for before in ([], ["nsenter", "-t", str(self.elsewhere), "-n"]):
            while subprocess.run([*before, os.environ["SOCKCTL"], "inspect", "-q",
                                  "unaccepted and wait < 1200ms"], check=False).returncode == 0:
                pass

    def hold(self, scenarios, before=()):
        p = subprocess.Popen([*before, MKSOCK, *scenarios], stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE, text=True)
        for line in p.stdout:
            if line.strip() == "ready":
                return p
        raise RuntimeError("mksock did not make the world")

    def serve(self, before):
        p = subprocess.Popen([*before, sys.executable, "-B", os.path.join(
            os.path.dirname(os.path.abspath(__file__)), "servers.py")], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True)
        if p.stdout.readline() != "ready\n":
            raise RuntimeError("the servers did not start")
        return p

    def end(self):
        for p in [*self.mksock, *self.servers]:
            p.stdin.close()
            p.wait(30)
        subprocess.run(["umount", "/run/netns/there"], check=False)
        shutil.rmtree(self.dir, ignore_errors=True)
