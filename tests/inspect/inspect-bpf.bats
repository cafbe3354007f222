#!/usr/bin/env bats
# Owners by a program in the kernel are those that the links in /proc tell, row by row.

load ../lib/helpers
load ../lib/inspect

NO_BPF=(setpriv --bounding-set="-bpf,-perfmon,-sys_admin")

setup() {
	local tool
	[[ $("$SOCKCTL" --version) == *bpf* ]] || skip "built without bpf"
	skip_unless_root "CAP_BPF"
	for tool in strace setpriv; do
		command -v $tool >/dev/null || skip "$tool is not installed"
	done
	[[ -e /sys/kernel/btf/vmlinux ]] || skip "this kernel has no BTF"
	"${NO_BPF[@]}" true 2>/dev/null || skip "capabilities cannot be dropped here"
	netns
	# So many descriptors are worth it on any machine.
	mk established:n=600,quiet listen holders:n=2
	owners
	[[ $(<"$BATS_TEST_TMPDIR/trace") != *'BPF_MAP_CREATE'*EPERM* ]] ||
		skip "the kernel does not allow BPF here"
}

# The rows with their owners, in an order of their own, and in `trace` how they were found.
owners() { # CMD... : what runs sockctl
	in_ns "${STRACE[@]}" -f -qq -o "$BATS_TEST_TMPDIR/trace" \
		-e trace=bpf,readlinkat \
		"$@" "$SOCKCTL" inspect -p --json 2>"$BATS_TEST_TMPDIR/stderr" |
		jq -cS 'select(.type == "socket") | del(.recv_queue_bytes, .send_queue_bytes)' |
		sort >"$BATS_TEST_TMPDIR/rows"
	[[ ! -s $BATS_TEST_TMPDIR/stderr ]] || { cat "$BATS_TEST_TMPDIR/stderr" >&2 && return 1; }
	assert test -s "$BATS_TEST_TMPDIR/rows"
}

made_iterator() {
	grep -qE 'BPF_ITER_CREATE.*= [0-9]+$' "$BATS_TEST_TMPDIR/trace" && echo yes || echo no
}

used_bpf() {
	grep -qE 'BPF_ITER_CREATE.*= [0-9]+$' "$BATS_TEST_TMPDIR/trace" &&
		! grep -q 'readlinkat.*socket:' "$BATS_TEST_TMPDIR/trace"
}

used_proc() {
	grep -q 'readlinkat.*socket:' "$BATS_TEST_TMPDIR/trace" &&
		! grep -qE 'BPF_ITER_CREATE.*= [0-9]+$' "$BATS_TEST_TMPDIR/trace"
}

# Both ways tell the same.
assert_same() {
	owners
	used_bpf
	mv "$BATS_TEST_TMPDIR/rows" "$BATS_TEST_TMPDIR/by_bpf"
	owners "${NO_BPF[@]}"
	used_proc
	diff "$BATS_TEST_TMPDIR/by_bpf" "$BATS_TEST_TMPDIR/rows"
}

pids_of() { # LABEL.ROLE
	jq -r "select(.inode == ${F[$1.inode]}).processes[].pid" "$BATS_TEST_TMPDIR/by_bpf" | sort -n
}

@test "sockets of one process and of its children, each holder once" {
	assert_same
	assert_equal "$(pids_of listen.listener)" \
		"$(printf '%s\n' "$MK_PID" "${F[holders.holder0.pid]}" "${F[holders.holder1.pid]}" | sort -n)"
}

@test "threads of a process do not hold its sockets once more" {
	spawn "${NS[@]}" python3 -u -c '
import socket, sys, threading
s = socket.create_server(("127.0.0.1", 7001))
for i in range(4):
    threading.Thread(target=threading.Event().wait, daemon=True).start()
print("ready")
sys.stdin.read()'
	await_line '^ready$'
	threaded=$PID
	assert_same
	run jq -r 'select(.local_port == 7001).processes[].pid' "$BATS_TEST_TMPDIR/by_bpf"
	assert_output "$threaded"
}

@test "threads with descriptors of their own, and those whose leader has ended" {
	local kind
	for kind in own-table leader-ends; do
		spawn "${NS[@]}" python3 -c '
import ctypes, os, socket, sys, threading
libc = ctypes.CDLL(None, use_errno=True)
def serve():
    if sys.argv[1] == "own-table" and libc.unshare(0x400) != 0:
        raise OSError(ctypes.get_errno())
    held = socket.create_server(("127.0.0.1", 7002))
    print("ready", flush=True)
    sys.stdin.read()
    os._exit(0)
threading.Thread(target=serve).start()
if sys.argv[1] == "leader-ends":
    threading.Thread(target=threading.Event().wait).start()
    libc.syscall(60 if os.uname().machine == "x86_64" else 93, 0)
threading.Event().wait()' "$kind"
		await_line '^ready$'
		[[ $kind != leader-ends ]] || until_true grep -q '^State:.*Z' "/proc/$PID/status"
		# The program alone: no link of a thread is read.
		owners
		used_bpf || fail "$kind: $(<"$BATS_TEST_TMPDIR/trace")"
		run jq -c 'select(.local_port == 7002).processes | map([.pid, .command])' "$BATS_TEST_TMPDIR/rows"
		assert_output "[[$PID,\"python3\"]]"
		exec {IN}>&-
		await_end "$PID"
	done
}

@test "a name of odd bytes, and one of fifteen" {
	mk 'comm:name=a\nb\x1b[31m\xff' listen:label=odd
	mk comm:name=fifteen-letters listen:label=long
	assert_same
	run jq -r "select(.inode == ${F[odd.listener.inode]}).processes[].command_hex" "$BATS_TEST_TMPDIR/by_bpf"
	assert_output 610a621b5b33316dff
	run jq -r "select(.inode == ${F[long.listener.inode]}).processes[].command" "$BATS_TEST_TMPDIR/by_bpf"
	assert_output fifteen-letters
}

@test "processes of another pid namespace have the numbers that they have here" {
	spawn "${NS[@]}" unshare --pid --fork --kill-child "$MKSOCK" listen:label=inner
	await_line '^ready$'
	read_facts
	assert_same
	assert_equal "${F[inner.listener.pid]}" 1
	run pids_of inner.listener
	assert_regex "$output" '^[0-9]+$'
	assert_int "$output > 1"
	assert_equal "$(tr -d '\0' <"/proc/$output/comm")" mksock
}

# Runs a command beside a listener in a pid namespace of their own.
in_pid_namespace() { # CMD...
	in_ns unshare --pid --fork --mount-proc bash -c '
coproc M { exec "$0" established:n=600,quiet listen:port=7002; }
while read -r line <&"${M[0]}" && [[ $line != ready ]]; do :; done
"$@"
exit' "$MKSOCK" "$@" # not exec: the shell holds what keeps mksock alive
}

@test "inside a pid namespace only its own processes are seen, by its own numbers" {
	skip_unless_mounts "a process namespace has a /proc of its own"
	for by in used_bpf used_proc; do
		drop=()
		[[ $by == used_bpf ]] || drop=("${NO_BPF[@]}")
		in_pid_namespace "${STRACE[@]}" -f -qq -o "$BATS_TEST_TMPDIR/trace" -e trace=bpf,readlinkat \
			"${drop[@]}" "$SOCKCTL" inspect -lp --json >"$BATS_TEST_TMPDIR/rows"
		# Sockets of the outside are looked for where no descriptor shows them, too.
		assert_equal "$by $(made_iterator)" "$by $([[ $by == used_bpf ]] && echo yes || echo no)"
		run jq -c 'select(.local_port == 7002).processes | map([.pid, .command])' "$BATS_TEST_TMPDIR/rows"
		assert_output '[[2,"mksock"]]'
		# Who holds the sockets outside is not to be seen from there.
		run jq -r "select(.inode == ${F[listen.listener.inode]}).processes_unknown" "$BATS_TEST_TMPDIR/rows"
		assert_output pid-namespace
	done
}

@test "in a pid namespace with the /proc of another the numbers are those of /proc" {
	owners unshare --pid --fork
	used_proc
	mv "$BATS_TEST_TMPDIR/rows" "$BATS_TEST_TMPDIR/by_bpf"
	run pids_of listen.listener
	assert_line "$MK_PID"
}

@test "a filter that leaves few, by owner or not" {
	run in_ns "$SOCKCTL" inspect -H --pid "$MK_PID" --listen --no-findings -o inode
	assert_output "${F[listen.listener.inode]}"
	run in_ns "${NO_BPF[@]}" "$SOCKCTL" inspect -H --pid "$MK_PID" --listen --no-findings -o inode
	assert_output "${F[listen.listener.inode]}"
}
