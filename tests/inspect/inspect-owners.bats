#!/usr/bin/env bats
# Whose socket it is: all holders, or why nobody can be named.

load ../lib/helpers
load ../lib/inspect

@test "pid, command and fd of the holder" {
	netns
	mk listen established udp unix_bound:abstract=a,type=dgram
	inspect_json -tuxp
	for name in listen.listener established.client0 established.server0 udp.server unix_bound.bound; do
		assert_row "$name" processes='[{"pid":'"${F[$name.pid]}"',"command":"mksock","fd":'"${F[$name.fd]}"'}]'
	done
}

@test "without -p nobody is named" {
	netns
	mk listen
	inspect_json
	assert_json_in "$(rows)" 'length == 1 and (.[0] | has("processes") | not)'
}

@test "all holders of one socket are shown" {
	netns
	mk listen holders:n=3
	inspect_json -p
	run jq -r 'select(.type == "socket").processes[].pid' <<<"$output"
	for pid in "${F[listen.listener.pid]}" "${F[holders.holder0.pid]}" "${F[holders.holder1.pid]}" "${F[holders.holder2.pid]}"; do
		assert_line "$pid"
	done
	assert_equal "${#lines[@]}" 4
}

@test "descriptors that follow each other, that leave gaps, and that are far above the others" {
	netns
	mk listen
	local port=${F[listen.listener.local]##*:} layout
	# Without the right to load BPF programs, so that the links are read.
	is_root && NS+=(setpriv --bounding-set="-bpf,-perfmon,-sys_admin")
	for layout in '3 4 5 6 7 8 9 11 12 13 14 15 16 17' '3 250' '4 6 8 11 13 15 17 19 21 23 25 27' '100 101 102' \
		'3 4 5 6 7 8 9 11 12 14 15 16 17 18 19 21 22 23 60 61 62 63 64 250 900'; do
		# shellcheck disable=SC2016 # the words are the inner shell's
		spawn "${NS[@]}" bash -c 'exec 10<>/dev/tcp/127.0.0.1/$0; for fd; do eval "exec $fd>&10"; done
			exec 10>&-; echo ready; read -r' "$port" $layout
		await_line '^ready$'
		inspect_json -p --pid "$PID"
		assert_equal "$(jq -r 'select(.type == "socket").processes[].fd' <<<"$output" | xargs)" "$layout"
		assert_equal "$(find "/proc/$PID/fd" -lname 'socket:*' -printf '%f\n' | sort -n | xargs)" "$layout"
	done
}

@test "the table names the holder as command[pid] fd N" {
	netns
	mk listen:port=80
	inspect_table -p
	assert_clean
	assert_line --regexp "^LISTEN +127\.0\.0\.1:80 .* mksock\[${F[listen.listener.pid]}\]:fd:${F[listen.listener.fd]}\$"
}

@test "a process name with a newline and escapes is one line, escaped" {
	netns
	mk 'comm:name=a\nb\x1b[31m\xff' listen:port=80
	inspect_table -p
	assert_clean
	assert_equal "${#lines[@]}" 2
	assert_line --partial 'a\nb\x1b[31m\xff['
	inspect_json -p
	assert_equal "$(jq -r 'select(.type == "socket").processes[0].command' <<<"$output")" $'a\nb\e[31m\ufffd'
	assert_equal "$(jq -r 'select(.type == "socket").processes[0].command_hex' <<<"$output")" 610a621b5b33316dff
}

@test "--pid and --process choose by the holder" {
	netns
	mk listen:label=first
	pid=${F[first.listener.pid]}
	mk comm:name=other listen:label=second
	assert_matches --pid "$pid" -- first.listener
	assert_matches --pid "$pid,${F[second.listener.pid]}" -- first.listener second.listener
	assert_matches --process other -- second.listener
	assert_matches --process 'o*r' -- second.listener
	assert_matches --process none --
	assert_matches "pid = $pid" -- first.listener
	assert_matches 'process = other' -- second.listener
}

@test "sockets that no program can hold say so" {
	netns
	mk listen:port=80,queued=1 time_wait close_wait:orphan,label=orphan
	inspect_json -p
	assert_row time_wait.socket processes='[]'
	assert_row orphan.client processes='[]'
	inspect_table -p --port 80
	assert_line --partial '(not:accepted)'
}

@test "a socket in flight: nobody has a descriptor, and who may receive it is a candidate" {
	skip_unless_root "to others it may be one whose processes may not be read"
	skip_unless_first_pid_namespace
	netns
	mk inflight:abstract=fly sent:port=80 sent:port=81,proto=udp,label=udp sent:port=82,received,label=taken
	inspect_table -xp
	assert_success
	assert_line --regexp ' @fly .*\(no:descriptor::in:flight,:or:in:io_uring\)$'
	inspect --json -xp
	run jq -c "select(.inode == ${F[inflight.more.inode]}) | [.processes, .processes_unknown]" <<<"$output"
	assert_output '[null,"no-descriptor"]'
	# Others may be in flight elsewhere on this machine.
	inspect --json -tuap
	assert_row sent.socket processes=null processes_unknown=no-descriptor
	assert_row udp.socket processes=null processes_unknown=no-descriptor
	assert_json "map(select(.local_port == 82).processes[0].pid) == [$MK_PID]"
	run jq -r 'select(.type == "note").text' <<<"$output"
	assert_output --regexp "^no descriptor shows who holds some sockets: they may be in flight to .*(mksock\[$MK_PID\]|more)"
	# Who holds it is not known, so no answer is.
	inspect -t --process other
	assert_status 3
	# Received by nobody, it is closed with the queue.
	kill "$MK_PID"
	inspect --json -ta --allow-empty
	assert_json 'map(select(.local_port)) == []'
}

@test "a socket that a ring of io_uring has is its program's, though it has no descriptor" {
	skip_unless_io_uring
	netns
	mk registered:port=80 registered:port=81,proto=udp,label=udp registered:port=82,kept,label=kept \
		registered:empty,label=empty listen:port=83
	local command
	for command in '-tuap' "-tuap --process mksock" "-p --pid $MK_PID -tua" '-tuap -o +peer_process'; do
		# shellcheck disable=SC2086 # several words
		inspect --json $command
		assert_json "map(select(.local_port == 80).processes) == [[{pid: $MK_PID, command: \"mksock\", fd: ${F[registered.more.ring]}}]]"
		assert_json "map(select(.local_port == 81).processes) == [[{pid: $MK_PID, command: \"mksock\", fd: ${F[udp.more.ring]}}]]"
		assert_json "map(select(.local_port == 82 or .local_port == 83).processes | length) == [1, 1]"
		assert_json '.[-1].complete and all(.[]; .type != "note")'
	done
	# Listeners alone are dumped before their owners are asked for.
	inspect --json -lp
	assert_json "map(select(.local_port == 80).processes[0].pid) == [$MK_PID]"
	inspect -q --record "$BATS_TEST_TMPDIR/dump"
	inspect --from "$BATS_TEST_TMPDIR/dump" --json -lp --port 80
	assert_json ".[0].processes[0].fd == ${F[registered.more.ring]}"
	inspect --json --bindable 127.0.0.1:80
	assert_json ".[0].causes[0] | .id == \"listener\" and .processes[0].pid == $MK_PID"
}

@test "a kernel that does not print what is registered leaves a candidate" {
	skip_unless_io_uring
	skip_unless_mounts "what a ring has is told otherwise"
	skip_unless_first_pid_namespace
	netns
	mk registered:port=80
	local old=$BATS_TEST_TMPDIR/fdinfo now=/proc/$MK_PID/fdinfo ring=${F[registered.more.ring]}
	mkdir "$old"
	sed 's/: socket:.*/: TCP/' "$now/$ring" >"$old/$ring"
	run --separate-stderr in_ns unshare --mount sh -c 'mount --bind "$1" "$2" && shift 2 && exec "$@"' sh \
		"$old" "$now" "$SOCKCTL" inspect --json -lp
	no_crash
	assert_json '.[0] | .processes == null and .processes_unknown == "no-descriptor"'
	assert_regex "$stderr" "in an io_uring of .*(mksock\[$MK_PID\]|more)"
}

@test "an ordinary user learns the holders of its own sockets and why others are unknown" {
	skip_unless_root "drops to another user"
	netns
	mk listen:label=roots,port=80
	sockctl_as_user inspect "${NO_FINDINGS[@]}" -p
	assert_success
	assert_line --regexp '^LISTEN +127\.0\.0\.1:80 .*\(no:permission'
	sockctl_as_user inspect -p --json
	assert_success
	assert_row roots.listener inode="${F[roots.listener.inode]}" processes=null processes_unknown=no-permission
	run jq -r 'select(.type == "note").id' <<<"$output"
	assert_output owners-unreadable
}

@test "the cgroup needs no privilege" {
	skip_unless_root "drops to another user"
	netns
	mk listen:port=80
	sockctl_as_user inspect --json -o +cgroup
	assert_success
	want=$(in_ns cat "/proc/${F[listen.listener.pid]}/cgroup" | sed -n 's/^0:://p')
	[[ -n $want ]] || skip "no cgroup v2 here"
	assert_equal "$(value_of listen.listener cgroup)" "\"$want\""
}

@test "the user of a socket, by number and by name" {
	netns
	mk listen:port=80
	inspect_json -o +user
	if is_root; then
		assert_row listen.listener uid=0 user=root
	else
		assert_row listen.listener uid=0
	fi
	assert_matches --user 0 -- listen.listener
	assert_matches --user root -- listen.listener
	assert_matches --user nobody --
}

@test "the process at the other end of a loopback connection and of a unix pair" {
	netns
	mk established unix_pair:abstract=pair
	inspect_json -tx -o +peer_process
	for name in established.client0 established.server0 unix_pair.client; do
		assert_equal "$(value_of "$name" peer_processes | jq '.[0].pid')" "${F[$name.pid]}"
	done
}

@test "the process at the other end is found behind a socket that is bound to a device" {
	netns
	mk listen:dev=lo,port=80,queued=1
	mk_more accept:of=listen.listener
	inspect_json -o +peer_process established
	assert_equal "$(value_of listen.client0 peer_processes | jq '.[0].fd')" "${F[accept.accepted0.fd]}"
}

@test "a threshold that hangs on a process that may not be read: exit 3, unless it is clear all the same" {
	skip_unless_root "drops to another user"
	netns
	mk comm:name=leaker listen:port=80 established:listener,port=81
	while IFS='|' read -r code rule; do
		sockctl_as_user inspect "${NO_FINDINGS[@]}" --fail-if "$rule"
		assert_equal "$rule: $status" "$rule: $code"
	done <<-'END'
		3|process = leaker
		3|count(process = leaker) > 2
		0|count(process = leaker) > 100
		1|count(process = leaker) < 100
		3|count(process = leaker) < 2
		3|count(process = leaker) = 0
		1|count(process = leaker) != 100
		0|process = no-such-name
		0|process = leaker and sport = 1
		3|reuseaddr
		1|sport = 80
	END
	sockctl_as_user inspect "${NO_FINDINGS[@]}" --json --fail-if 'process = leaker'
	assert_contains "$stderr" '--fail-if process = leaker: 0 sockets, and 4 that processes may hold which may not be read'
	assert_line --partial '"id":"owner-hidden"'
	# What is met for certain is no less so beside it.
	sockctl_as_user inspect "${NO_FINDINGS[@]}" --fail-if 'process = leaker' --fail-if 'sport = 80'
	assert_equal "$status" 1
}

@test "whether a process that may not be read has a socket cannot be told: exit 3, and which it is" {
	skip_unless_root "drops to another user"
	netns
	mk listen:port=80
	for asked in "--pid $MK_PID" '--process mksock' "pid = $MK_PID and state = listen"; do
		sockctl_as_user inspect --json $asked
		assert_equal "$status" 3
		assert_line '{"v":1,"type":"end","rows":0,"complete":false}'
		# Of a name it is the first that has it, of whatever test.
		assert_line --regexp '"owner-hidden","text":"mksock\[[0-9]+\] may not be read'
		assert_contains "$stderr" '] may not be read: whether a socket of it matches is unknown'
		[[ $asked == --process* ]] || assert_contains "$stderr" "mksock[$MK_PID]"
	done
	# A name that no process has; a state with no such socket needs no owner.
	sockctl_as_user inspect "${NO_FINDINGS[@]}" --process 'no-such*name'
	assert_equal "$status" 1
	sockctl_as_user inspect "${NO_FINDINGS[@]}" --pid "$MK_PID" --state syn-sent
	assert_equal "$status" 1
	sockctl_as_user inspect "${NO_FINDINGS[@]}" --pid 4194999
	assert_equal "$status" 1
}

@test "the right to open a process's directory without that to follow its links is a want of permission" {
	skip_unless_root "gives a user one capability"
	netns
	mk listen:port=80
	setpriv --reuid=65534 --inh-caps=+dac_read_search --ambient-caps=+dac_read_search true 2>/dev/null ||
		skip "no ambient capabilities here"
	run --separate-stderr in_ns setpriv --reuid=65534 --clear-groups --inh-caps=+dac_read_search \
		--ambient-caps=+dac_read_search "$SOCKCTL" inspect "${NO_FINDINGS[@]}" -p
	assert_equal "$status" 0
	assert_line --regexp '^LISTEN +127\.0\.0\.1:80 .*\(no:permission'
	assert_contains "$stderr" 'may not be read: owners among them are unknown'
}

@test "a socket that is made while the listing is made has its owner" {
	netns
	mk listen:port=80
	local result=$BATS_TEST_TMPDIR/result child
	# Owners are read, then the sockets; the listing is stopped behind its first question.
	spawn "${NS[@]}" "${STRACE[@]:0:2}" bash -c 'exec strace -f -e trace=sendto -e inject=sendto:signal=STOP:when=1 "$@" \
		2>&1 >'"$result" sh "$SOCKCTL" inspect "${NO_FINDINGS[@]}" --threads 1 -p
	local strace=$PID out=$OUT
	IFS= read -r -t "$READY_WITHIN" -u "$out" first || skip "strace does not work here"
	[[ $first == *sendto* ]] || skip "strace does not work here: $first"
	OUT=$out
	await_line 'stopped by SIGSTOP'
	mk_more established
	child=$(<"/proc/$strace/task/$strace/children")
	kill -CONT $child
	await_end "$strace"
	run cat "$result"
	assert_line --regexp "^ESTABLISHED +${F[established.client0.local]} .* mksock\[$MK_PID\]:fd:${F[established.client0.fd]}\$"
	refute_output --partial 'not visible here'
}

# A program with a thread that holds a socket which its leader has not: on the ports 80, then 81.
spawn_threads() { # leader-ends|own-table
	spawn "${NS[@]}" python3 -c '
import ctypes, os, socket, sys, threading
libc = ctypes.CDLL(None, use_errno=True)
CLONE_FILES = 0x400
SYS_exit = 60 if os.uname().machine == "x86_64" else 93
def serve():
    if sys.argv[1] == "own-table" and libc.unshare(CLONE_FILES) != 0:
        raise OSError(ctypes.get_errno())
    held = [socket.create_server(("127.0.0.1", port)) for port in (80, 81)]
    print("ready", flush=True)
    sys.stdin.read()
    os._exit(0)
threading.Thread(target=serve).start()
if sys.argv[1] == "leader-ends":
    libc.syscall(SYS_exit, 0)
threading.Event().wait()' "$1"
	await_line '^ready$'
}

@test "the descriptors of a thread whose leader has ended, or has others, are found" {
	netns
	local kind
	for kind in leader-ends own-table; do
		spawn_threads "$kind"
		[[ $kind != leader-ends ]] || until_true grep -q '^State:.*Z' "/proc/$PID/status"
		inspect --no-findings --json -lp
		assert_status 0
		assert_equal "$(jq -c 'select(.local_port == 80) | [.processes[].pid]' <<<"$output")" "[$PID]"
		assert_equal "$(jq -r 'select(.local_port == 81) | .processes[0].command' <<<"$output")" python3
		inspect --no-findings --json -l --pid "$PID"
		assert_status 0
		assert_equal "$(count_rows)" 2
		run in_ns "$SOCKCTL" inspect --json --bindable 127.0.0.1:80
		assert_json '.[0].causes[0] | .id == "listener" and .processes[0].command == "python3"'
		# Its end frees the ports for the next.
		exec {IN}>&-
		await_end "$PID"
	done
}

@test "--group pid: the command stands beside the pid; who may not see it counts units and users" {
	netns
	mk listen:port=80 listen:port=81
	inspect -l --group pid
	assert_success
	assert_output --regexp "^PID +COUNT
$MK_PID:mksock +2\$"
	inspect -l --format raw --group pid
	assert_output "$(printf 'pid\tcount\n%s\t2' "$MK_PID")"
	inspect -l --json --group pid
	assert_json ".[0] | .value == \"$MK_PID\" and .command == \"mksock\" and .unit == null and .user == null and .count == 2"
	is_root || return 0
	sockctl_as_user inspect -l --json --group pid
	assert_json '.[] | select(.type == "summary") | .value == null and .unknown == "(no permission)" and .command == null and .user == "root" and .count == 2'
	sockctl_as_user inspect -l --group pid
	assert_output --regexp '^PID +COUNT
\(no:permission\):(.*:)?user:root +2$'
}
