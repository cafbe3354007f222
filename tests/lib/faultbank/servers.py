"""What probe asks, until stdin closes; a process of its own that never forks."""
import socket
import sys
import threading

HTTP, BANNER, SILENT, UDP = range(7002, 7006)


class Servers:
    """Each connection has a thread."""

    def __init__(self):
        self.tcp(HTTP, self.http)
        self.tcp(BANNER, self.banner)
        self.tcp(SILENT, self.silent)
        u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        u.bind(("127.0.0.1", UDP))
        self.thread(self.udp, u)
        s = socket.socket(socket.AF_UNIX)
        try:
            s.bind("/run/world/served")
        except OSError:
            return  # we are the second, in another network namespace
        s.listen(128)
        self.thread(lambda s: self.accept(s, self.silent), s)

    def thread(self, what, s):
        threading.Thread(target=what, args=(s,), daemon=True).start()

    def tcp(self, port, serve):
        s = socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(("127.0.0.1", port))
        s.listen(128)
        self.thread(lambda s: self.accept(s, serve), s)

    def accept(self, s, serve):
        while True:
            c, _ = s.accept()
            self.thread(lambda c: self.one(c, serve), c)

    def one(self, c, serve):
        try:
            with c:
                c.settimeout(30)
                serve(c)
                while c.recv(65536):
                    pass
        except OSError:
            pass

    def http(self, c):
        if c.recv(65536):
            c.sendall(b"HTTP/1.0 200 OK\r\n\r\nhello\n")

    def banner(self, c):
        c.sendall(b"220 ready\r\n")

    def silent(self, c):
        pass

    def udp(self, u):
        while True:
            data, who = u.recvfrom(65536)
            u.sendto(data, who)


Servers()
print("ready", flush=True)
sys.stdin.read()
