#!/usr/bin/env bats
# What is kept from running goes on, or ends, as advised.

load ../lib/helpers
load ../lib/findings
load ../lib/servers
load ../lib/remedy

# A server that takes what comes, and reads it.
reading_server_on() { # PORT [BACKLOG [shared]]
	spawn "${NS[@]}" python3 -c '
import os, selectors, socket, sys
sel = selectors.DefaultSelector()
l = socket.socket()
l.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
l.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, len(sys.argv) > 3)
l.bind(("127.0.0.1", int(sys.argv[1])))
l.listen(int(sys.argv[2]))
sel.register(l, selectors.EVENT_READ)
print(os.getpid(), "ready", sep="\n", flush=True)
while True:
    for key, _ in sel.select():
        if key.fileobj is l:
            sel.register(l.accept()[0], selectors.EVENT_READ)
        elif not key.fileobj.recv(65536):
            sel.unregister(key.fileobj)
            key.fileobj.close()
' "$1" "${2-3}" "${@:3}"
	await_line '^ready$'
	SERVER=${LINES_SEEN[0]}
}

clients() { # N PORT [OPTION]...
	spawn "${NS[@]}" "$SOCKCTL" connect --connections "$1" --hold 300s -T 300s "${@:3}" "127.0.0.1:$2"
}

has_finding() { # ID
	findings
	[[ $FOUND == *"$1"* ]]
}

has_no_finding() { # ID
	findings
	[[ $FOUND != *"$1"* ]]
}

@test "a server that is stopped goes on as advised, and accepts what waited" {
	remedy_ns
	reading_server_on 8080
	in_ns kill -STOP "$SERVER"
	clients 2 8080
	until_true has_finding accept-stalled
	assert_equal "$(commands accept-stalled)" "kill -CONT $SERVER"
	obey
	until_true has_no_finding accept-stalled
	in_ns kill -STOP "$SERVER"
	clients 9 8080
	until_true has_finding accept-queue-full
	assert_equal "$(commands accept-queue-full)" "kill -CONT $SERVER"
	obey
	until_true has_no_finding accept-queue-full
}

# What probe says of it, and what it prints to do.
asked() { # ARG...
	run -"${want-0}" --separate-stderr timeout "$READY_WITHIN" "${NS[@]}" "$SOCKCTL" probe --json "$@"
	CAUSE=$(jq -rs 'map(select(.type == "summary"))[-1].cause // ""' <<<"$output")
	COMMANDS=$(jq -rs 'map(select(.type == "summary"))[-1].commands // [] | .[]' <<<"$output")
}

@test "nginx whose workers are stopped: probe says so, and they go on as advised" {
	local workers
	remedy_ns
	servers_dir
	nginx_on 8080
	until_shown -l --port 8080
	until_true has_several nginx
	asked --stable 1s 127.0.0.1:8080
	assert_equal "$CAUSE|$COMMANDS" '|'
	workers=$(in_ns pgrep -P "$(in_ns pgrep -o nginx)")
	workers=${workers//$'\n'/ }
	# shellcheck disable=SC2086 # several
	in_ns kill -STOP $workers
	asked --stable 1s 127.0.0.1:8080
	assert_regex "$CAUSE" "^in the accept queue of nginx.*; nginx\\[${workers// /\\], nginx\\[}\\] are stopped\$"
	assert_equal "$COMMANDS" "kill -CONT $workers"
	run -0 timeout "$READY_WITHIN" "${NS[@]}" "$SOCKCTL" probe --stable 1s 127.0.0.1:8080
	assert_contains "$output" "  next: kill -CONT $workers"
	obey "$COMMANDS"
	asked --stable 1s 127.0.0.1:8080
	assert_equal "$CAUSE|$COMMANDS" '|'
}

@test "a full queue: probe and connect say whose server is stopped, and it goes on as advised" {
	local want said
	remedy_ns
	reading_server_on 8080
	in_ns kill -STOP "$SERVER"
	clients 9 8080
	until_true has_finding accept-queue-full
	want=4 asked -T 500ms 127.0.0.1:8080
	assert_equal "$CAUSE|$COMMANDS" "python3[$SERVER] is stopped|kill -CONT $SERVER"
	run -4 --separate-stderr timeout "$READY_WITHIN" "${NS[@]}" "$SOCKCTL" connect --json -T 500ms 127.0.0.1:8080
	said=$(jq -r 'select(.causes).causes[] | "\(.id) \(.summary)|\(.commands[])"' <<<"$stderr")
	assert_regex "$said" "^accept-queue-full .* is full \\([0-9/]+\\): python3\\[$SERVER\\] is stopped\\|kill -CONT $SERVER\$"
	obey "kill -CONT $SERVER"
	until_true has_no_finding accept-queue-full
	asked --stable 1s 127.0.0.1:8080
	assert_equal "$CAUSE|$COMMANDS" '|'
}

@test "a full queue of a program that runs: it is not told to go on" {
	remedy_ns
	mk listen:port=8080,backlog=1
	clients 9 8080
	until_true has_finding accept-queue-full
	want=4 asked -T 500ms 127.0.0.1:8080
	assert_equal "$CAUSE|$COMMANDS" '|'
	run -4 --separate-stderr timeout "$READY_WITHIN" "${NS[@]}" "$SOCKCTL" connect -T 500ms 127.0.0.1:8080
	assert_contains "$stderr" '): the program does not accept' 'next: sockctl inspect -p --port 8080'
}

# Twelve clients that send, each so many bytes, when a line says how many.
senders_to() { # PORT
	spawn "${NS[@]}" python3 -c '
import socket, sys
peers = [socket.create_connection(("127.0.0.1", int(sys.argv[1]))) for _ in range(12)]
print("connected", flush=True)
for line in sys.stdin:
    for peer in peers:
        peer.setblocking(False)
        try:
            peer.send(b"x" * int(line))
        except BlockingIOError:
            pass
' "$1"
	await_line '^connected$'
	SENDERS=$IN
}

has_accepted() { # PORT
	inspect --no-findings unaccepted
	((status == 1)) || return
	inspect --json --no-findings "state = established and sport = :$1"
	[[ $(grep -c '"type":"socket"' <<<"$output") == 12 ]]
}

@test "a reader that is stopped goes on as advised, and reads what waited" {
	local id bytes
	remedy_ns
	reading_server_on 8080
	senders_to 8080
	until_true has_accepted 8080
	while read -r id bytes; do
		in_ns kill -STOP "$SERVER"
		echo "$bytes" >&"$SENDERS"
		until_true has_finding "$id"
		assert_equal "$(commands "$id")" "kill -CONT $SERVER"
		obey "$(commands "$id")"
		until_true has_no_finding "$id"
	done <<-'END'
		unread-requests 5
		stuck-reader 9000000
	END
}

@test "the member of a group that is stopped goes on as advised" {
	remedy_ns
	reading_server_on 8080 64 shared
	reading_server_on 8080 64 shared
	in_ns kill -STOP "$SERVER"
	clients 20 8080
	until_true has_finding shadowed-listener
	assert_equal "$(commands)" "kill -CONT $SERVER"
	obey
	until_true has_no_finding shadowed-listener
}

@test "a reader of datagrams that is stopped goes on as advised, and whoever waits to send to it" {
	remedy_ns
	spawn "${NS[@]}" python3 -c '
import os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print(os.getpid(), "ready", sep="\n", flush=True)
while True:
    s.recv(4096)
' "$BATS_TEST_TMPDIR/log"
	await_line '^ready$'
	SERVER=${LINES_SEEN[0]}
	in_ns kill -STOP "$SERVER"
	spawn "${NS[@]}" sh -c 'yes | head -3000 | logger -u "$0" -d; echo sent' "$BATS_TEST_TMPDIR/log"
	until_true has_finding 'warning unread-datagrams'
	assert_equal "$(commands)" "kill -CONT $SERVER"
	obey
	await_line '^sent$'
	until_true has_no_finding unread-datagrams
}

# Asks, obeys what is printed as a command, and can bind.
free_as_advised() { # ADDR COMMAND...
	inspect --json --bindable "$1"
	assert_status 1
	assert_equal "$(commands)" "$(printf '%s\n' "${@:2}")"
	obey
	until_true can_bind "$1"
}

@test "a holder that Ctrl-Z has stopped ends as advised, and not by the signal alone" {
	remedy_ns
	reading_server_on 8080
	in_ns kill -STOP "$SERVER"
	in_ns kill "$SERVER"
	if can_bind 127.0.0.1:8080; then fail 'it ended while it was stopped'; fi
	inspect --bindable 127.0.0.1:8080
	assert_regex "${lines[1]}" "python3\[$SERVER\] fd [0-9]+ listens on 127.0.0.1:8080.*, stopped\$"
	next_in_text "kill $SERVER; kill -CONT $SERVER" --bindable 127.0.0.1:8080
	free_as_advised 127.0.0.1:8080 "kill $SERVER; kill -CONT $SERVER"
}

pids_of() { # COMMAND
	in_ns pgrep -d ' ' "$1"
}

@test "nginx, php-fpm and gunicorn: the master is ended, and what of the workers was stopped" {
	local server port master workers
	remedy_ns
	servers_dir
	while read -r server port; do
		"${server//-/_}_on" "$port"
		until_shown -l --port "$port"
		until_true has_several "$server"
		master=$(in_ns pgrep -o "$server")
		workers=$(in_ns pgrep -P "$master")
		workers=${workers//$'\n'/ }
		# shellcheck disable=SC2086 # several
		in_ns kill -STOP $workers
		free_as_advised "127.0.0.1:$port" "kill -CONT $workers; kill $master"
		until_true has_none "$server"
	done <<-END
		nginx 8080
		php-fpm 9000
		gunicorn 8000
	END
}

has_several() { # COMMAND
	(($(in_ns pgrep -c "$1") == 3))
}

has_none() { # COMMAND
	! in_ns pgrep "$1" >/dev/null
}

@test "workers that were left by their master are ended together" {
	remedy_ns
	servers_dir
	nginx_on 8080
	until_shown -l --port 8080
	until_true has_several nginx
	local workers
	workers=$(in_ns pgrep -P "$(in_ns pgrep -o nginx)")
	in_ns pkill -KILL -o nginx
	free_as_advised 127.0.0.1:8080 "kill ${workers//$'\n'/ }"
}

# Stops a process as a debugger does, until a line comes.
debugger_of() { # PID
	spawn "${NS[@]}" python3 -c '
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
pid = int(sys.argv[1])
SEIZE, INTERRUPT, DETACH = 0x4206, 0x4207, 17
libc.ptrace.argtypes = [ctypes.c_long] * 4
libc.prctl(15, b"debugger", 0, 0, 0)
assert libc.ptrace(SEIZE, pid, 0, 0) == 0 and libc.ptrace(INTERRUPT, pid, 0, 0) == 0
os.waitpid(pid, 0x40000000)
print(os.getpid(), "ready", sep="\n", flush=True)
input()
libc.ptrace(DETACH, pid, 0, 0)
input()
' "$1"
	await_line '^ready$'
	DEBUGGER=${LINES_SEEN[0]} DEBUGGER_IN=$IN
}

@test "a holder that a debugger has stopped: that is named, and the signal acts when it detaches" {
	remedy_ns
	reading_server_on 8080
	debugger_of "$SERVER"
	inspect --json --bindable 127.0.0.1:8080
	assert_equal "$(commands)" "kill $SERVER"
	assert_contains "$(jq -r 'select(.type == "bindable").next' <<<"$output")" \
		"then let debugger[$DEBUGGER], which has stopped python3[$SERVER] (state t), continue or detach"
	obey
	if can_bind 127.0.0.1:8080; then fail 'it ended under its debugger'; fi
	echo >&"$DEBUGGER_IN"
	until_true can_bind 127.0.0.1:8080
}

@test "a reader that a debugger has stopped is not sent SIGCONT: the debugger is named" {
	remedy_ns
	reading_server_on 8080
	senders_to 8080
	until_true has_accepted 8080
	debugger_of "$SERVER"
	echo 5 >&"$SENDERS"
	until_true has_finding unread-requests
	assert_equal "$(commands unread-requests)" ''
	assert_contains "$(get unread-requests .advice)" "let debugger[$DEBUGGER], which has stopped python3[$SERVER]" \
		'continue or detach'
	echo >&"$DEBUGGER_IN"
	until_true has_no_finding unread-requests
}

ID=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef

@test "what is frozen with its control group is thawed as advised, and ends" {
	local hierarchy path want
	while IFS='|' read -r hierarchy path want; do
		[[ -e /sys/fs/cgroup/$hierarchy/cgroup.procs ]] || continue
		remedy_ns
		reading_server_on 8080
		cgroup "$path" "$hierarchy"
		enter_cgroup "$SERVER"
		freeze "$CGROUP"
		want=${want//FILE/$CGROUP/$([[ $hierarchy == freezer ]] && echo freezer.state || echo cgroup.freeze)}
		inspect --json --bindable 127.0.0.1:8080
		assert_equal "$(commands | paste -sd '|')" "${want//PID/$SERVER}"
		obey
		until_true can_bind 127.0.0.1:8080
		leave_namespaces
	done <<-END
		unified|sockctl-test.scope|sh -c 'echo 0 >"\$1"' sh FILE|kill PID
		.|sockctl-test.scope|sh -c 'echo 0 >"\$1"' sh FILE|kill PID
		unified|sockctl-test/a b|sh -c 'echo 0 >"\$1"' sh 'FILE'|kill PID
		freezer|sockctl-test/a|sh -c 'echo THAWED >"\$1"' sh FILE|kill PID
		unified|sockctl-a.service|systemctl thaw sockctl-a.service; systemctl stop sockctl-a.service
		unified|docker-$ID.scope|docker unpause 0123456789ab; docker stop 0123456789ab
		freezer|docker/$ID|docker unpause 0123456789ab; docker stop 0123456789ab
		unified|libpod-$ID.scope|podman unpause 0123456789ab; podman stop 0123456789ab
	END
}

@test "a unit whose control group was frozen from outside is not told to be asleep" {
	remedy_ns
	reading_server_on 8080
	cgroup sockctl-test.slice/sockctl-a.service unified . freezer
	enter_cgroup "$SERVER"
	freeze "$CGROUP"
	clients 2 8080
	until_true has_finding accept-stalled
	assert_equal "$(commands accept-stalled)" 'systemctl thaw sockctl-a.service'
	obey
	until_true has_no_finding accept-stalled
}

@test "a holder that is blocked in the kernel: the signal waits, and what for is to be seen" {
	remedy_ns
	# vfork(): the parent is blocked until its child calls exec() or ends.
	spawn "${NS[@]}" sh -c 'printf %s "$0" | cc -x c -o "$1" - && exec "$1"' '
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>
static void on_term(int signal) { _exit(signal == SIGTERM ? 0 : 1); }
int main(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(8080) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	bind(fd, (struct sockaddr *)&a, sizeof(a));
	listen(fd, 5);
	signal(SIGTERM, on_term);
	printf("%d\nready\n", getpid());
	fflush(stdout);
	if (vfork() == 0) {
		char c;
		close(fd);
		read(0, &c, 1);
		_exit(0);
	}
	for (;;)
		pause();
}' "$BATS_TEST_TMPDIR/blocked"
	await_line '^ready$'
	local pid=${LINES_SEEN[0]} in=$IN
	inspect --json --bindable 127.0.0.1:8080
	assert_equal "$(commands)" "kill $pid
cat /proc/$pid/stack"
	assert_contains "$(jq -r 'select(.type == "bindable").next' <<<"$output")" 'blocked in the kernel (state D)'
	obey
	if can_bind 127.0.0.1:8080; then fail 'it ended while it was blocked'; fi
	echo >&"$in"
	until_true can_bind 127.0.0.1:8080
}

@test "a program that does something else is started anew by its service or container, as advised" {
	skip_unless_root "another user must ask"
	local path want mksock=$MKSOCK sockctl=$SOCKCTL root
	while IFS='|' read -r path want; do
		remedy_ns
		root=("${NS[@]}")
		cp "$sockctl" "$mksock" "$STANDIN_DIR/bin"
		chmod -R a+rwX "$STANDIN_DIR"
		local SOCKCTL=$STANDIN_DIR/bin/sockctl MKSOCK=$STANDIN_DIR/bin/mksock
		printf '#!/bin/sh\nsockctl listen -k -q --recv-only 127.0.0.1:8080 >/dev/null 2>&1 &\n' >"$STANDIN_DIR/start"
		chmod 755 "$STANDIN_DIR/start"
		[[ $want != *--user* ]] || NS+=(setpriv --reuid=65534 --regid=65534 --clear-groups)
		mk listen:port=8080
		local user=("${NS[@]}") NS=("${root[@]}")
		cgroup "$path"
		enter_cgroup "${F[listen.listener.pid]}"
		NS=("${user[@]}")
		clients 2 8080
		until_true has_finding accept-stalled
		assert_equal "$(commands accept-stalled | tail -n 1)" "$want"
		obey "$want"
		until_true has_no_finding accept-stalled
		leave_namespaces
		rm -r "$STANDIN_DIR"
	done <<-END
		sockctl-a.service|systemctl restart sockctl-a.service
		docker-$ID.scope|docker restart 0123456789ab
		user.slice/user-65534.slice/user@65534.service/app.slice/sockctl-x.service|systemctl --user restart sockctl-x.service
	END
}
