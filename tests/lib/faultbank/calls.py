"""Which system calls fail and how: reads strace's log, plans the faults, finds what is left open."""
import re
import time

# A fault of every kind that a kernel under pressure, a security module or a container's
# filter gives. What the network answers (ECONNREFUSED and its kind) is no fault.
ERRORS = ["EINTR", "ENOMEM", "EMFILE", "EAGAIN", "EIO", "EPERM", "EACCES", "ENOBUFS", "ENOSYS"]

# (calls, errors, reason): what is not made to happen. None stands for all.
NEVER = [
    # Memory: its end is an abort by design, and the C library asks for it where it likes.
    ("brk", None, "the kernel reports no error: it returns the old end"),
    ("mmap munmap mremap mprotect madvise", None,
     "out of memory is an abort by design, and malloc() calls them where it likes"),
    ("futex", None, "the C library aborts: 'The futex facility returned an unexpected error code'"),
    ("getrandom", None, "the C library aborts where its hash tables or arc4random() need it"),
    ("rseq set_robust_list set_tid_address sched_getaffinity prlimit64 arch_prctl gettid tgkill",
     None, "asked by the C library or a sanitizer when a thread begins; not by the program"),
    ("getpid getppid getuid geteuid getgid getegid umask times", None, "cannot fail"),
    ("exit exit_group execve rt_sigreturn restart_syscall kill", None,
     "does not return, or is the end itself"),
    ("close", None, "the descriptor is closed whatever is returned, strace would keep it open"),
    ("rt_sigprocmask", None, "fails only for a bad argument; posix_spawn() relies on it"),
    ("rt_sigaction sigaltstack", None, "fails only for a bad argument"),
    ("clock_gettime clock_nanosleep nanosleep gettimeofday uname sysinfo", "ENOMEM EMFILE EAGAIN "
     "EIO EPERM EACCES ENOBUFS ENOSYS", "fails only for a bad argument or a signal"),
    ("fstat newfstatat", "EINTR EAGAIN EMFILE ENOBUFS ENOSYS",
     "no descriptor, wait or buffer of its own is involved; older than any filter"),
    ("wait4 waitid", "ENOMEM EMFILE EAGAIN EIO EPERM EACCES ENOBUFS ENOSYS",
     "fails only without a child (ECHILD) or by a signal"),
    ("vfork clone clone3", "EINTR EMFILE EIO EACCES ENOBUFS",
     "fails for want of memory or processes, or is not allowed"),
    ("shutdown getsockopt", "ENOMEM EMFILE EAGAIN EIO ENOBUFS ENOSYS",
     "takes no memory and waits for nothing; a security module may forbid it"),
    ("lseek", None, "fails only for a bad argument, or where there is no position"),
    ("poll ppoll epoll_wait epoll_pwait", "EMFILE EAGAIN EIO EPERM EACCES ENOBUFS ENOSYS",
     "fails for memory or a signal"),
    ("read write readv writev sendto sendmsg recvfrom recvmsg recvmmsg sendmmsg lseek fcntl "
     "ioctl dup dup2 dup3 getsockname getpeername getcwd", "ENOSYS",
     "a program for which these are not there could not have been started"),
    ("openat access faccessat faccessat2 readlink readlinkat getdents64 stat lstat", "EAGAIN",
     "a name or a directory is never asked without waiting"),
    ("epoll_wait epoll_pwait", "ENOMEM", "takes no memory: what waits is known to the kernel "
     "already; a test of its own ends the loop so"),
    ("connect", "EINTR", "one that does not wait is not interrupted"),
    ("socket getsockopt setsockopt getsockname getpeername shutdown listen fcntl epoll_create1 "
     "epoll_ctl eventfd2 timerfd_create timerfd_settime signalfd4 memfd_create pidfd_open dup "
     "pipe2 socketpair setns unshare", "EINTR", "never waits"),
]

BIRTHS = ("socket", "accept4", "openat", "epoll_create1", "signalfd4", "pidfd_open", "dup",
          "timerfd_create", "memfd_create", "eventfd2", "inotify_init1")
TRACED = ",".join("?" + c for c in BIRTHS + ("close", "dup2", "dup3", "pipe2", "rt_sigaction",
                                             "socketpair", "exit_group"))
CALL = re.compile(r"(\w+)\((.*)\)\s+= (-?\d+|\?)")
# strace -y: the path behind a descriptor.
OF_PATH = re.compile(r"(?<=\d)<(?:[^<>\"]|->)*>")
# What the C library asks on its own behalf, and takes for empty where it cannot be read.
NAME_SERVICE = re.compile(r"[</\"](?:etc/(?:nsswitch.conf|hosts|host.conf|resolv.conf|gai.conf|"
                          r"passwd|group|services|protocols)|run/(?:nscd|systemd))")
UNFINISHED = " <unfinished ...>"
RESUMED = re.compile(r"<\.\.\. \w+ resumed>")
ENDS = ("exit_group(", "+++", "--- SIGTERM {si_signo=SIGTERM, si_code=SI_TKILL", "--- SIGABRT",
        "--- SIGSEGV", "--- SIGBUS", "--- SIGFPE", "--- SIGILL")


def never(call, error):
    """The reason why this call is not made to fail so, or None."""
    for calls, errors, reason in NEVER:
        if call in calls.split() and (errors is None or error in errors.split()):
            return reason
    return None


def of_threads(lines):
    """Without the number of the thread; a call in two pieces is whole where it ended."""
    begun, whole = {}, []
    for line in lines:
        thread, _, text = line.partition(" ")
        if not thread.isdigit():
            whole.append(line)
            continue
        text = text.lstrip()
        if text.endswith(UNFINISHED):
            begun[thread] = text[:-len(UNFINISHED)]
            continue
        m = RESUMED.match(text)
        whole.append(begun.pop(thread, "") + text[m.end():] if m else text)
    # One that never came back: the end of all.
    return whole + [b for b in begun.values() if b.startswith("exit_group(")]


def log_lines(path, seconds):
    """The whole log: strace writes it a little after the program's end."""
    until = time.monotonic() + seconds
    while True:
        with open(path, encoding="utf-8", errors="replace") as f:
            lines = of_threads(f.read().splitlines())
        if any(l.startswith(ENDS) for l in lines[-3:]) or time.monotonic() > until:
            return lines
        time.sleep(0.005)


def begin_of_main(lines):
    for i, line in enumerate(lines):
        if line.startswith("rt_sigaction(SIGPIPE") or line.startswith("rt_sigaction(SIGCHLD"):
            return i
    return 0


def left_open(lines):
    fds = {}
    for line in lines:
        m = CALL.match(OF_PATH.sub("", line).replace("(deleted)", ""))
        if not m:
            continue
        name, args, result = m.group(1), m.group(2), m.group(3)
        good = result not in ("?",) and int(result) >= 0
        if name == "close":
            fds.pop(args.split(",")[0], None)
        elif name in BIRTHS and good:
            fds[result] = line
        elif name in ("pipe2", "socketpair") and good:
            for fd in re.findall(r"\[(\d+), (\d+)\]", args)[0]:
                fds[fd] = line
    return [f"{fd}: {line[:60]}" for fd, line in fds.items() if int(fd) > 2]


def plan(lines, sample=None, most=8):
    """[(call, error, occurrence)] from the calls of an undisturbed run: of every call up to
    `most` occurrences with every error; a sample has the first of every call in turn first,
    and then as many as fit, evenly over the rest. It is the same for the same calls."""
    main = begin_of_main(lines)
    before, after = {}, {}
    for i, line in enumerate(lines):
        m = CALL.match(line)
        if m and any(not never(m.group(1), e) for e in ERRORS):
            counts = before if i < main else after
            counts[m.group(1)] = counts.get(m.group(1), 0) + 1
    first, rest = [], []
    for n, (call, count) in enumerate(sorted(after.items())):
        errors = [e for e in ERRORS if not never(call, e)]
        begin = before.get(call, 0) + 1
        # The first and the last ones, and what lies between.
        whens = list(range(begin, begin + count))
        if count > most:
            half = most // 2
            step = max((count - half) // (most - half), 1)
            whens = sorted(set(whens[:half] + whens[half::step] + whens[-1:]))
        faults = [(call, e, w) for w in whens for e in errors]
        k = n % len(errors)
        first.append(faults.pop(k))
        rest += faults
    if sample is None:
        return first + rest
    more = max(sample - len(first), 0)
    step = max(len(rest) / more, 1) if more else 1
    return first + [rest[int(i * step)] for i in range(min(more, int(len(rest) / step)))]
