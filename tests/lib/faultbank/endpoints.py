"""Endpoints as victims: what they carry arrives whole, or they say what failed."""
import hashlib
import os
import signal
import subprocess
import sys

from .run import READY

TO_PEER = hashlib.shake_128(b"to the peer").digest(300000)
TO_US = hashlib.shake_128(b"from the peer").digest(200000)


def transfer(run, listen, connect, victim, pipes, listen_extra=(), connect_extra=()):
    """Both ways at once between a listener and a client, over files or pipes."""
    files, wait = [], []

    def ends(name, data):
        source = run.feed(name + ".in", data)
        sink = open(run.path(name + ".out"), "wb")
        files.extend((source, sink))
        if not pipes or name != victim:
            return source, sink
        cat_in = run.plain(["cat"], stdin=source, stdout=subprocess.PIPE)
        read, write = os.pipe()
        wait.append(run.plain(["cat"], stdin=read, stdout=sink))
        os.close(read)
        files.append(os.fdopen(write, "wb"))
        return cat_in.stdout, files[-1]

    if victim != "listen":
        listen_extra = ("-I", "15", "-T", "15") + tuple(listen_extra)
    else:
        connect_extra = ("-I", "15") + tuple(connect_extra)
    source, sink = ends("listen", TO_US)
    server = run.start(["listen", *listen_extra, listen], victim == "listen",
                       stdin=source, stdout=sink)
    server.ready.wait(READY if run.fault and run.fault[0] == "write" else run.left())
    source, sink = ends("connect", TO_PEER)
    if server.address:
        where = connect.replace("PORT", server.address.rsplit(":", 1)[-1])
        client = run.start(["connect", "-T", "15", *connect_extra, where],
                           victim == "connect", stdin=source, stdout=sink)
    for f in files:
        f.close()
    if not server.address and victim == "listen":
        server.end(signal.SIGTERM)
    code = run.victim.wait(run.left()) if run.victim else 0
    if server.address:
        other = client if victim == "listen" else server
        if code is not None:
            # A victim that is gone leaves a peer that sees it at once.
            if victim == "connect" and code != 0:
                other.end(signal.SIGTERM)
            run.expect(f"the peer ends with {other.wait(run.left())}: {other.lines}",
                       other.wait(run.left()) == 0)
    if code is None:
        run.victim.end()
    for p in wait:
        p.wait()
    run.expect_file(run.path("listen.out"), TO_PEER)
    run.expect_file(run.path("connect.out"), TO_US)
    return code


def connect_pipes(run):
    return transfer(run, "127.0.0.1:0", "127.0.0.1:PORT", "connect", True)


def connect_files(run):
    return transfer(run, "127.0.0.1:0", "127.0.0.1:PORT", "connect", False,
                    connect_extra=["--report", "--option", "nodelay"])


def connect_name(run):
    run.shared = True  # the thread of the look-up closes its end of the pipe
    return transfer(run, "127.0.0.1:0", "localhost:PORT", "connect", False,
                    connect_extra=["--source", "127.0.0.1"])


def listen_pipes(run):
    return transfer(run, "127.0.0.1:0", "127.0.0.1:PORT", "listen", True,
                    ["--port-file", run.path("port")])


def listen_files(run):
    return transfer(run, "127.0.0.1:0", "127.0.0.1:PORT", "listen", False, ["--report"])


def listen_unix(run):
    # A stale socket is in the way: the longest way to a bound path.
    path = run.path("s")
    subprocess.run([sys.executable, "-c", "import socket, sys\n"
                    "socket.socket(socket.AF_UNIX).bind(sys.argv[1])", path], check=True)
    code = transfer(run, path, path, "listen", True)
    if code == 0:
        run.expect("the path is left", not os.path.exists(path) or run.fault is not None)
    return code


def connect_seqpacket(run):
    path = "unix-seqpacket:" + run.path("s")
    return transfer(run, path, path, "connect", False)


def served(run, argv, use, follow=False, ends=False, **streams):
    """A server that is the victim, used by use(address), then told to end, if it does not."""
    run.forgiving = True
    server = run.start(argv, True, follow, **streams)
    server.ready.wait(READY if run.fault and run.fault[0] == "write" else run.left())
    if server.address:
        use(server.address)
    elif run.fault and run.fault[0] == "write":
        # It could not say that it listens; whoever started it gives up then.
        run.expect("no ready line", False)
    if ends and server.address:
        server.wait(READY if run.fault else run.left())
    if server.p.poll() is None:
        server.end(signal.SIGTERM)
    code = server.wait(run.left())
    return 0 if code == 143 and server.address else code


def listen_keep(run):
    """Several peers, each into a file of its own."""
    directory = run.path("out")
    os.mkdir(directory)

    def use(address):
        clients = [run.start(["connect", "-T", "5", "-I", "5", address],
                             stdin=run.feed(f"in{i}", TO_PEER)) for i in range(3)]
        for c in clients:
            code = c.wait(run.left())
            run.expect(f"a peer ends with {code}: {c.lines}", code == 0)

    code = served(run, ["listen", "--keep", "--output", directory, "127.0.0.1:0"], use)
    for name in os.listdir(directory):
        run.expect_file(os.path.join(directory, name), TO_PEER)
    run.expect(f"{len(os.listdir(directory))} of 3 files", len(os.listdir(directory)) == 3)
    return code


def pings(run, extra=()):
    def use(address):
        client = run.start(["echo", "--client", "--count", "5", "-I", "5", "-T", "5", *extra,
                            address])
        code = client.wait(run.left())
        run.expect(f"the client ends with {code}: {client.lines}", code == 0)
    return use


def echo_server(run):
    return served(run, ["echo"], pings(run, ["--connections", "3", "--size", "100k"]))


def echo_threads(run):
    # A call fails in every thread that makes it, the n-th time that it does.
    return served(run, ["echo", "--threads", "3"],
                  pings(run, ["--connections", "9", "--size", "20k"]), follow=True)


def echo_udp(run):
    # Lost datagrams are told by the client as lost; a datagram that could not be received
    # or sent for want of memory is a loss like any other.
    return served(run, ["echo", "udp:127.0.0.1:0"], pings(run, ["-I", "300ms"]))


def echo_client(run, address="127.0.0.1:0", extra=()):
    server = run.start(["echo", address])
    server.ready.wait(run.left())
    client = run.start(["echo", "--client", "--count", "5", "-I", "5", *extra, server.address],
                       True, stdout=open(run.path("told"), "wb"))
    code = client.wait(run.left())
    with open(run.path("told"), encoding="utf-8") as f:
        told = f.read()
    run.expect(f"told: {told}", "every byte came back right" in told and " lost" not in told)
    return code


def echo_client_tcp(run):
    return echo_client(run, extra=["--connections", "3", "--size", "100k"])


def connect_udp(run):
    out = open(run.path("out"), "wb")
    server = run.start(["echo", "udp:127.0.0.1:0"])
    server.ready.wait(run.left())
    client = run.start(["connect", "-I", "300ms", "--chunk", "1000", server.address], True,
                       stdin=run.feed("in", TO_PEER[:5000]), stdout=out)
    code = client.wait(run.left())
    run.expect_file(run.path("out"), TO_PEER[:5000])
    return code


def listen_udp(run):
    run.forgiving = True  # a datagram that cannot be sent is lost, and told
    out = open(run.path("out"), "wb")
    server = run.start(["listen", "-T", "3", "--max", "1", "--reply", "yes", "udp:127.0.0.1:0"],
                       True, stdout=out)
    server.ready.wait(run.left())
    if server.address:
        client = run.start(["connect", "--send", "hello", "--expect", "yes", "-I", "4",
                            server.address])
        code = client.wait(run.left())
        run.expect(f"the client ends with {code}: {client.lines}", code == 0)
    code = server.wait(run.left())
    run.expect_file(run.path("out"), b"hello")
    return code


def listen_exec(run):
    def use(address):
        client = run.start(["connect", "-T", "5", "-I", "5", address],
                           stdin=run.feed("in", TO_PEER),
                           stdout=open(run.path("back"), "wb"))
        code = client.wait(run.left())
        run.expect(f"the client ends with {code}: {client.lines}", code == 0)
        run.expect_file(run.path("back"), TO_PEER)
    return served(run, ["listen", "--keep", "--exec", "cat", "127.0.0.1:0"], use)


def answers_ask(run, argv, ask):
    """A server of short answers: each of three clients gets its own."""
    def use(address):
        for _ in range(3):
            client = run.start(["connect", "-T", "5", "-I", "5", *ask, address])
            code = client.wait(run.left())
            run.expect(f"a client ends with {code}: {client.lines}", code == 0)
    return served(run, argv, use)


def listen_http(run):
    return answers_ask(run, ["listen", "--keep", "--http", "hello", "127.0.0.1:0"],
                       ["--send", "GET / HTTP/1.0\\r\\n\\r\\n", "--expect", "hello"])


def listen_http_file(run):
    """A file for each request, whose body goes to a standard output that peers share."""
    with open(run.path("page"), "wb") as f:
        f.write(TO_US)
    request = b"POST / HTTP/1.0\r\nContent-Length: %d\r\n\r\n" % len(TO_PEER) + TO_PEER

    def use(address):
        client = run.start(["connect", "-T", "5", "-I", "5", address],
                           stdin=run.feed("in", request), stdout=open(run.path("back"), "wb"))
        code = client.wait(run.left())
        run.expect(f"the client ends with {code}: {client.lines}", code == 0)
        with open(run.path("back"), "rb") as back:
            run.expect("another answer", back.read().endswith(b"\r\n\r\n" + TO_US))
        run.expect_file(run.path("out"), request)

    return served(run, ["listen", "--keep", "--http", "@" + run.path("page"), "127.0.0.1:0"], use,
                  stdout=open(run.path("out"), "wb"))


def listen_reply(run):
    return answers_ask(run, ["listen", "--keep", "--reply", "yes", "127.0.0.1:0"],
                       ["--send", "x", "--expect", "yes"])


def listen_to(run):
    """A relay in front of an echo server."""
    target = run.start(["echo", "127.0.0.1:0"])
    target.ready.wait(run.left())
    code = answers_ask(run, ["listen", "--keep", "--to", target.address, "127.0.0.1:0"],
                       ["--send", "x", "--expect", "x"])
    target.end(signal.SIGTERM)
    return code


def listen_sh(run):
    return answers_ask(run, ["listen", "--keep", "--sh", "echo yes", "127.0.0.1:0"],
                       ["--recv-only", "--expect", "yes"])


def listen_max(run):
    """Ends by itself after two peers, and reports."""
    def use(address):
        for _ in range(2):
            client = run.start(["connect", "-T", "5", "-I", "5", "--send", "x", address])
            code = client.wait(run.left())
            run.expect(f"a client ends with {code}: {client.lines}", code == 0)
    return served(run, ["listen", "--max", "2", "--json", "--info", "--trace", "127.0.0.1:0"],
                  use, ends=True)


def listen_datagrams(run):
    """A unix path for datagrams, in place of a stale one."""
    path = "unix-dgram:" + run.path("d")
    return answers_ask(run, ["listen", "--keep", "--reply", "yes", path],
                       ["--send", "x", "--expect", "yes"])


def echo_unix(run):
    return served(run, ["echo", "unix:" + run.path("e")], pings(run, ["--connections", "3"]))


def echo_limits(run):
    """Every part of the server that keeps a time."""
    return served(run, ["echo", "--delay", "1ms", "--chunk", "40", "--chunk-delay", "1ms",
                        "--write-rate", "1m", "-I", "5", "--report", "127.0.0.1:0"],
                  pings(run, ["--connections", "3"]))


def in_background(run, argv):
    """Its starter ends with 0: then it lives and serves."""
    run.shared = True
    program = run.start([*argv, "--background", "--port-file", run.path("port"), "127.0.0.1:0"],
                        True, True)
    # strace stays with the server, and has its stderr.
    code = program.wait(run.left(), all_said=False)
    address = "127.0.0.1:1"
    if os.path.exists(run.path("port")):
        with open(run.path("port"), encoding="ascii") as f:
            address = f.read().strip()
    if code == 0:
        # The fault may cost the first peer its connection; nobody hears that any more.
        clients = [run.start(["connect", "-T", "3", "-I", "3", "--send", "x", "--expect", "x",
                              address]) for _ in range(2)]
        ends = [c.wait(run.left()) for c in clients]
        run.expect(f"no service: {[c.lines for c in clients]}", 0 in ends)
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                if run.dir.encode() in f.read():
                    os.kill(int(pid), signal.SIGTERM)
        except OSError:
            pass
    program.reader.join(5)
    return code


def echo_background(run):
    return in_background(run, ["echo"])


def listen_background(run):
    return in_background(run, ["listen", "--keep", "--reply", "x"])


def echo_client_udp(run):
    return echo_client(run, "udp:127.0.0.1:0", ["--size", "1000"])


def echo_client_unix(run):
    return echo_client(run, "unix:" + run.path("c"), ["--size", "1000"])


def with_echo(run, argv, out=None):
    """A client of an echo server."""
    server = run.start(["echo", "127.0.0.1:0"])
    server.ready.wait(run.left())
    client = run.start([*argv, server.address], True,
                       stdout=open(run.path("told"), "wb"))
    code = client.wait(run.left())
    if out is not None:
        run.expect_file(run.path("told"), out)
    return code


def connect_expect(run):
    return with_echo(run, ["connect", "--send", "abc", "--expect", "bc", "-T", "5", "-I", "5"])


def connect_many(run):
    return with_echo(run, ["connect", "--connections", "5", "--rate", "1000", "--send", "x",
                           "--expect", "x", "-T", "5", "-I", "5"])


def connect_told(run):
    """All that a client can say of itself."""
    return with_echo(run, ["connect", "--json", "--trace", "--info", "--report", "--send", "x",
                           "--half-close", "-T", "5", "-I", "5"], b"x")


def lab(run):
    """Both ends of a connection in a state; ready once it is reached."""
    return served(run, ["listen", "--lab", "CLOSE_WAIT", "--json"], lambda address: None)


SCENARIOS = {f.__name__.replace("_", "-"): f for f in (
    connect_pipes, connect_files, connect_name, connect_seqpacket, connect_udp, listen_pipes,
    listen_files, listen_unix, listen_keep, listen_udp, listen_exec, echo_server, echo_threads,
    echo_udp, echo_client_tcp,
    listen_http, listen_http_file, listen_reply, listen_to, listen_sh, listen_max, listen_datagrams, echo_unix,
    echo_limits,
    echo_client_udp, echo_client_unix, connect_expect, connect_many, connect_told, lab,
    echo_background, listen_background)}
