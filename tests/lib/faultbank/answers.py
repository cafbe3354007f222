"""Commands that answer: with a fault they give the same answer, or say what they lack."""
import os
import re
import subprocess

from .run import ENVIRONMENT, SOCKCTL

# {name: arguments}; {pid}, {elsewhere}, {record}, {dir} and {fresh}, the
# port of a listener that nobody has asked yet, are filled in. A run's own directory
# is {dir}: what lies there afterwards is part of the answer.
ANSWERS = {
    "help": "--help", "help-version": "--version", "help-command": "help inspect",
    "help-short": "probe -h", "help-unknown": "inspcet",
    "porcelain-options": "porcelain options", "porcelain-schema": "porcelain schema",
    "porcelain-outcomes": "porcelain outcomes", "porcelain-meanings": "porcelain meanings",
    "inspect": "inspect --no-findings",
    "inspect-all": "inspect -tu --no-findings",
    "inspect-json": "inspect --json -tu",
    "inspect-unix": "inspect -x --json",
    "inspect-unix-owners": "inspect -xp --no-findings",
    "inspect-owners": "inspect -p --no-findings",
    "inspect-owners-json": "inspect -tup --json --no-findings",
    "inspect-listen": "inspect -lp --no-findings",
    "inspect-columns": "inspect -o +rcvbuf,cgroup,user,process --format raw --no-findings",
    "inspect-process": "inspect --process mksock --json --no-findings",
    "inspect-process-none": "inspect --process nobody-here",
    "inspect-pid": "inspect --pid {pid} --format raw",
    "inspect-user": "inspect --user root --count",
    "inspect-port": "inspect --port 7001 -p --json",
    "inspect-count": "inspect -tu --count",
    "inspect-count-process": "inspect --process mksock --count",
    "inspect-summary": "inspect --summary",
    "inspect-sort": "inspect --sort local_port:desc --limit 3 -p --json --no-findings",
    "inspect-group": "inspect --group pid -p --no-findings",
    "inspect-fail-if": "inspect --fail-if 'process = nobody-here' -q",
    "inspect-fail-fill": "inspect -l --fail-fill 100 --no-findings",
    "inspect-wait": "inspect --wait 5s --port 7001 --no-findings",
    "inspect-wait-process": "inspect --wait 5s --process mksock -l --json --no-findings",
    "inspect-wait-long": "inspect --wait 400ms --port 7098",
    "inspect-until-gone": "inspect --wait 5s --until-gone --port 7098",
    "inspect-until-gone-not": "inspect --wait 400ms --until-gone --port 7001 -q",
    "inspect-until-gone-process": "inspect --wait 400ms --until-gone --process mksock -q",
    "inspect-bindable": "inspect --bindable 127.0.0.1:7001",
    "inspect-bindable-free": "inspect --bindable 127.0.0.1:7098",
    "inspect-bindable-json": "inspect --bindable 127.0.0.1:7001 --json",
    "inspect-bindable-try": "inspect --bindable 127.0.0.1:7098 --reuseaddr --try",
    "inspect-bindable-udp": "inspect --bindable udp:127.0.0.1:7005",
    "inspect-bindable-unix": "inspect --bindable /run/world/listen",
    "inspect-findings": "inspect -tu --findings=all",
    "inspect-findings-json": "inspect -tu -p --findings --json",
    "inspect-netns-pid": "inspect --netns {elsewhere} -p --json",
    "inspect-netns-name": "inspect --netns there -l --findings",
    "inspect-netns-unix": "inspect --netns there -x --count",
    "inspect-record": "inspect -tu --no-findings -O {dir}/rows --record {dir}/record",
    "inspect-output": "inspect --json -O {dir}/rows",
    "inspect-from": "inspect --from {record} --json",
    "inspect-from-table": "inspect --from {record} --port 7001",
    "inspect-explain": "inspect --explain accept-queue-full",
    "inspect-name": "inspect --dst localhost --count --allow-empty",
    "inspect-columns-help": "inspect -o help",
    "probe": "probe 127.0.0.1:7002",
    "probe-refused": "probe 127.0.0.1:7099",
    "probe-json": "probe --json --attempts 2 --interval 1ms 127.0.0.1:7002",
    "probe-name": "probe -4 localhost:7002",
    "probe-many": "probe 127.0.0.1:7002 127.0.0.1:7003 127.0.0.1:7099",
    "probe-scan": "probe --closed 127.0.0.1:7002-7004,7099",
    "probe-scan-json": "probe --closed --json 127.0.0.1:7002-7004,7099",
    "probe-scan-udp": "probe -T 1s --send x --closed udp:127.0.0.1:7005,7099",
    "probe-scan-syn": "probe --syn --closed 127.0.0.1:7002-7004,7099",
    "probe-syn": "probe --syn 127.0.0.1:7002",
    "probe-udp": "probe --send x udp:127.0.0.1:7005",
    "probe-udp-closed": "probe --send x udp:127.0.0.1:7099",
    "probe-unix": "probe /run/world/served",
    "probe-hops": "probe --hops 127.0.0.1:7002",
    "probe-backlog": "probe --measure-backlog --max 30 --yes 127.0.0.1:{fresh}",
    "probe-wait": "probe --wait 5s 127.0.0.1:7002",
    "probe-wait-down": "probe --wait 5s --down 127.0.0.1:7099",
    "probe-expect": "probe --send x --expect 200 127.0.0.1:7002",
    "probe-http": "probe --http 127.0.0.1:7002",
    "probe-http-json": "probe --http --json 127.0.0.1:7002",
    "probe-banner": "probe --banner 127.0.0.1:7003",
    "probe-silent": "probe -T 300ms --banner 127.0.0.1:7004",
    "probe-stable": "probe --stable 100ms 127.0.0.1:7002",
    "probe-verify": "probe --verify --graceful --negotiated 127.0.0.1:7002",
    "probe-negotiated": "probe --negotiated 127.0.0.1:7002",
    "probe-negotiated-json": "probe --negotiated --json 127.0.0.1:7002",
    "probe-full": "probe -T 300ms 127.0.0.1:7006",
    "probe-source": "probe --source 127.0.0.2 127.0.0.1:7002",
    "probe-netns": "probe --netns there 127.0.0.1:7002",
    "probe-targets": "probe --targets /run/world/targets",
    "probe-command": "probe 127.0.0.1:7002 -- echo done",
}

MASKS = [
    # Times differ from run to run, and so do ports that the kernel chooses.
    (re.compile(r'("(?:at|time|started)":)"[^"]*"'), r'\1"T"'),
    (re.compile(r'("\w+_(?:ms|us|ns|s|seconds)":)-?[\d.]+'), r"\1T"),
    (re.compile(r"(?<![\w.])(?:\d+[dhm])*\d+(?:\.\d+)?(?:d|h|m|s)\b|"
                r"(?<![\w.])\d+ (?:minute|hour|day)s?\b"), "T s"),
    (re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?:/\d+(?:\.\d+)?)*([:  ]?(?:ns|us|µs|ms|s)\b)"), r"T\1"),
    (re.compile(r"(?<![\d.])(?:[45]\d{4}|60\d{3})(?!\d)"), "P"),
    (re.compile(r'("\w+_(?:ms|us|ns)":)\{"count":(\d+),[^}]*\}'), r'\1{"count":\2}'),
    # What was dropped while it waited: how often a SYN was sent again.
    (re.compile(r"(this host dropped )\d+ (SYN|last step|packet|datagram)s?( or last steps?)?"),
     r"\1N \2"),
    # How often those beyond a full queue were asked, and what a SYN cookie remembers.
    (re.compile(r"\d+( had no answer)"), r"N\1"),
    (re.compile(r'("mss_bytes":)\d+'), r"\1N"),
    # The round trip is the kernel's; where it gives none, our own measure stands there.
    (re.compile(r"\b(?:rtt|connected after) T"), "T"),
    # What a server does at the moment of the look.
    (re.compile(r" (?:is running|sleeps(?: in (?:the kernel's )?\w+\(\)"
                r"(?: on descriptor \d+)?)?)(?=[.;])"), " DOES"),
    # How many namespaces the bound of a search allows.
    (re.compile(r"; not all namespaces were searched \(\d+ (?:was|were)\)"), ""),
    # Padding of columns follows the widths of what was masked.
    (re.compile(r"[ \t]{2,}"), "  "),
    (re.compile(r'"0x[0-9a-f]+"'), '"0x"'),
]


def mask(text):
    for what, by in MASKS:
        text = what.sub(by, text)
    return text


def words(line):
    """As a shell would: single quotes hold a word together."""
    return [a or b for a, b in re.findall(r"'([^']*)'|(\S+)", line)]


def arguments(run, name, world):
    return [a.format(pid=world.pid, elsewhere=world.elsewhere, record=world.record, dir=run.dir,
                     fresh=run.fresh() if "{fresh}" in a else 0)
            for a in words(ANSWERS[name])]


def prepare(world):
    subprocess.run([SOCKCTL, "inspect", "-tu", "-q", "--record", world.record], check=True,
                   env=ENVIRONMENT)
    with open("/run/world/targets", "w", encoding="ascii") as f:
        f.write("127.0.0.1:7002\n127.0.0.1:7003\n")


# Those whose undisturbed run ends with another code than 0.
CODES = {"help-unknown": 2, "inspect-process-none": 1, "inspect-fail-fill": 1,
         "inspect-wait-long": 4, "inspect-until-gone-not": 4, "inspect-until-gone-process": 4,
         "inspect-bindable": 1, "inspect-bindable-json": 1, "inspect-bindable-udp": 1,
         "inspect-bindable-unix": 1, "probe-refused": 1, "probe-udp-closed": 1,
         "probe-many": 1, "probe-silent": 4, "probe-full": 4}


def rows_of(record):
    """What a record says: it has times in its bytes."""
    p = subprocess.run([SOCKCTL, "inspect", "--from", record, "-tu", "--json", "--no-findings"],
                       check=False, env=ENVIRONMENT, capture_output=True)
    return (p.stdout + p.stderr).decode("utf-8", "replace")


def answer(run, name, world):
    """Runs the command; returns its code, its answer and the masked lines of stderr."""
    out = run.path("stdout")
    with open(out, "wb") as f:
        program = run.start(arguments(run, name, world), victim=True, stdout=f)
    code = program.wait(run.left())
    text = []
    for path in sorted(os.listdir(run.dir)):
        if path == "strace":
            continue
        if path == "record":
            text.append("record:\n" + rows_of(run.path(path)))
            continue
        with open(run.path(path), encoding="utf-8", errors="replace") as f:
            text.append(f"{path if '.' not in path else 'temporary'}:\n{f.read()}")
    mine = lambda s: mask(s.replace(run.dir, "DIR"))
    return code, mine("\n".join(text)), [mine(l) for l in program.lines]
