#!/usr/bin/env bats
# A socket that systemd holds, and one of process 1 in a container: neither is freed by a signal.

load ../lib/helpers
load ../lib/remedy

# A systemd that holds the socket of a unit: process 1 of the namespaces. It may have started the
# service, which gets the socket, too, and is started again when it dies.
systemd_with() { # UNIT ADDRESS [SERVICE-COMMAND...]
	remedy_ns "$TOP/tests/lib/systemd" "$@"
	await_line '^up$'
}

next_words() {
	jq -r 'select(.type == "bindable").next' <<<"$output"
}

@test "a socket unit is found in the list that is advised, and stopped: no signal to process 1" {
	local unit
	systemd_with web.socket 127.0.0.1:8080
	inspect --json --bindable 127.0.0.1:8080
	assert_status 1
	assert_equal "$(commands)" 'systemctl list-sockets --all'
	assert_contains "$(next_words)" "and stop the socket unit that it shows ('systemctl stop')"
	obey
	unit=$(in_ns bash -c "$(commands)" | awk '$1 == "127.0.0.1:8080" { print $2 }')
	assert_equal "$unit" web.socket
	obey "systemctl stop $unit"
	until_true can_bind 127.0.0.1:8080
}

@test "a socket unit and the service that has its socket are stopped together" {
	local unit=sockctl-test-$$
	skip_unless_mounts "a unit file is made"
	systemd_with $unit.socket 127.0.0.1:8080 sh -c 'exec sleep 1000'
	# shellcheck disable=SC2016 # for that shell
	in_ns sh -c 'mount -t tmpfs none /run && mkdir -p /run/systemd/system && touch "/run/systemd/system/$1"' sh $unit.socket
	cgroup "system.slice/$unit.service"
	until_true in_ns pgrep sleep
	enter_cgroup "$(in_ns pgrep sleep)"
	# A signal ends the service, and systemd starts it again.
	local before
	before=$(in_ns pgrep sleep)
	in_ns kill "$before"
	until_true has_another "$before"
	enter_cgroup "$(in_ns pgrep sleep)"
	inspect --json --bindable 127.0.0.1:8080
	assert_equal "$(commands)" "systemctl stop $unit.socket $unit.service"
	obey
	until_true can_bind 127.0.0.1:8080
}

has_another() { # PID
	local now
	now=$(in_ns pgrep sleep) && [[ $now != "$1" ]]
}

@test "the systemd of a user holds a socket: the list is that user's" {
	skip_unless_root "a user is made up"
	local user
	user=$(getent passwd 65534 | cut -d: -f1)
	[[ $user ]] || skip "there is no user 65534"
	remedy_ns
	cgroup user.slice/user-65534.slice/user@65534.service/init.scope
	spawn "${NS[@]}" "$TOP/tests/lib/systemd" bus.socket 127.0.0.1:8080
	await_line '^up$'
	enter_cgroup "$(in_ns pgrep -x systemd)"
	inspect --json --bindable 127.0.0.1:8080
	assert_equal "$(commands)" "systemctl --user --machine=$user@.host list-sockets --all"
	obey
	obey 'systemctl --user stop bus.socket'
	until_true can_bind 127.0.0.1:8080
}

@test "a socket unit of a user is stopped by the commands that he is told" {
	skip_unless_root "another user must ask"
	local unit=sockctl-test-$$ user root
	remedy_ns
	root=("${NS[@]}")
	cp "$SOCKCTL" "$STANDIN_DIR/bin"
	cp "$TOP/tests/lib/systemd" "$STANDIN_DIR"
	chmod -R a+rwX "$STANDIN_DIR"
	local SOCKCTL=$STANDIN_DIR/bin/sockctl
	in_ns sh -c 'mount -t tmpfs none /run && mkdir -p /run/systemd/user && touch "/run/systemd/user/$1"' sh $unit.socket
	user=("${NS[@]}" setpriv --reuid=65534 --regid=65534 --clear-groups)
	spawn "${user[@]}" "$STANDIN_DIR/systemd" $unit.socket 127.0.0.1:8080 sh -c 'exec sleep 1000'
	await_line '^up$'
	cgroup user.slice/user-65534.slice/user@65534.service/init.scope
	enter_cgroup "$(in_ns pgrep -x systemd)"
	NS=("${user[@]}")
	# The service may have its socket under another name: then the list tells.
	inspect --json --bindable 127.0.0.1:8080
	assert_regex "$(commands)" '^systemctl --user list-sockets --all'
	obey 'systemctl --user list-sockets --all'
	NS=("${root[@]}")
	cgroup "user.slice/user-65534.slice/user@65534.service/app.slice/$unit.service"
	enter_cgroup "$(in_ns pgrep sleep)"
	NS=("${user[@]}")
	inspect --json --bindable 127.0.0.1:8080
	assert_equal "$(commands)" "systemctl --user stop $unit.socket $unit.service"
	obey
	until_true can_bind 127.0.0.1:8080
	NS=("${root[@]}")
}

@test "process 1 of a container, seen from within: it ignores signals, and the container is to be stopped" {
	remedy_ns python3 -c '
import signal, socket
s = socket.socket()
s.bind(("127.0.0.1", 8080))
s.listen()
signal.pause()
'
	until_true has_cause_listener
	in_ns kill 1
	inspect --json --bindable 127.0.0.1:8080
	assert_status 1
	assert_equal "$(commands)" ''
	assert_contains "$(next_words)" 'stop this container from its host: its process 1 holds it'
	# From outside, as its runtime does.
	local net
	exec {net}<"/proc/$NS_PID/ns/net"
	NS=(nsenter "--net=/proc/$BASHPID/fd/$net")
	kill -KILL "$NS_PID"
	until_true can_bind 127.0.0.1:8080
	exec {net}<&-
}

has_cause_listener() {
	inspect --json --bindable 127.0.0.1:8080
	[[ $output == *'"listener"'* ]]
}

@test "a container of Kubernetes: the pod that is shown is deleted, as advised" {
	local id=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
	remedy_ns
	cgroup "kubepods.slice/kubepods-pod1.slice/cri-containerd-$id.scope"
	mk listen:port=8080
	enter_cgroup "${F[listen.listener.pid]}"
	inspect --json --bindable 127.0.0.1:8080
	assert_equal "$(commands)" 'crictl ps --id 0123456789ab'
	assert_contains "$(next_words)" "and delete the pod that it shows ('kubectl delete pod')"
	obey
	obey "kubectl delete pod $(in_ns bash -c "$(commands)" | awk 'NR == 2 { print $2 }')"
	until_true can_bind 127.0.0.1:8080
}
