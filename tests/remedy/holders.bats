#!/usr/bin/env bats
# Who holds an address is ended, or goes on, by what is advised: by a signal, by its service, by
# what runs its container.

load ../lib/helpers
load ../lib/findings
load ../lib/servers
load ../lib/remedy

ID=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef

# The cause of the last --bindable, and what was printed to do.
assert_advised() { # ID COMMAND...
	assert_equal "$(jq -r '.causes[0].id? // empty' <<<"$output")" "$1"
	assert_equal "$(commands)" "$(printf '%s\n' "${@:2}")"
}

# Asks, obeys, and can bind.
free_as_advised() { # ADDR CAUSE COMMAND...
	inspect --json --bindable "$1"
	assert_status 1
	assert_advised "${@:2}"
	obey
	until_true can_bind "$1"
}

@test "whatever holds an address is ended as advised" {
	local dir=$BATS_TEST_TMPDIR
	remedy_ns
	mk listen:port=80
	free_as_advised '[::]:80' listener "kill ${F[listen.listener.pid]}"
	mk bound:port=81,addr=127.0.0.1
	free_as_advised 127.0.0.1:81 bound-inactive "kill ${F[bound.bound.pid]}"
	mk unix_listen:path="$dir/live"
	inspect --json --bindable "$dir/live"
	assert_advised live-unix "kill ${F[unix_listen.listener.pid]}"
	obey
	# Its file stays, and is removed as advised.
	until_true has_cause "$dir/live" stale-unix
	obey
	until_true can_bind "$dir/live"
	mk unix_listen:abstract=taken
	free_as_advised @taken abstract-taken "kill ${F[unix_listen.listener.pid]}"
}

has_cause() { # ADDR CAUSE
	inspect --json --bindable "$1"
	[[ $(jq -r '.causes[0].id? // empty' <<<"$output") == "$2" ]]
}

@test "a database server with its background processes is ended as advised" {
	servers_dir
	remedy_ns
	postgres_init
	postgres_on 5432
	until_true in_ns "$(postgres_bin)/pg_isready" -q -h 127.0.0.1 -p 5432 -U test
	inspect --json --bindable 127.0.0.1:5432
	assert_equal "$(jq -r '[.causes[].id] | unique | join(" ")' <<<"$output")" listener
	assert_equal "$(commands)" "kill $(in_ns head -n 1 "$DIR/data/postmaster.pid")"
	obey
	until_true can_bind 127.0.0.1:5432
}

@test "connections of a listener that is gone end with their program" {
	remedy_ns
	spawn "${NS[@]}" python3 -c '
import os, socket
l = socket.socket()
l.bind(("127.0.0.1", 8080))
l.listen()
c = socket.create_connection(("127.0.0.1", 8080))
s = l.accept()[0]
l.close()
print("ready", os.getpid(), flush=True)
input()
'
	await_line '^ready$|^ready '
	inspect --json --bindable 127.0.0.1:8080
	assert_equal "$(jq -r '.causes[0].id? // empty' <<<"$output")" children
	assert_regex "$(commands)" '^kill [0-9]+$'
	obey
	until_true has_no_cause 127.0.0.1:8080 children
}

has_no_cause() { # ADDR CAUSE
	inspect --json --bindable "$1"
	[[ $(jq -r '.causes[]?.id' <<<"$output") != *"$2"* ]]
}

@test "what TIME_WAIT holds is free with the option that is asked for" {
	remedy_ns
	ln -sf "$SOCKCTL" "$STANDIN_DIR/bin/sockctl"
	local port=8080
	in_ns python3 -c '
import socket
l = socket.socket()
l.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
l.bind(("127.0.0.1", 8080))
l.listen()
c = socket.create_connection(("127.0.0.1", 8080))
l.accept()[0].close()
c.recv(1)
'
	inspect --json --bindable "127.0.0.1:$port"
	assert_advised remnant "sockctl inspect --bindable 127.0.0.1:$port --reuseaddr --try"
	obey
}

# A service that systemd starts again whenever it dies, and that holds the port.
service_in() { # CGROUP
	cgroup "$1"
	mk listen:port=8080
	enter_cgroup "${F[listen.listener.pid]}"
}

@test "a service is stopped by its unit, a container by what runs it" {
	local path want
	while IFS='|' read -r path want; do
		remedy_ns
		service_in "$path"
		free_as_advised 127.0.0.1:8080 listener "$want"
		assert_equal "$(<"$STANDIN_DIR/calls")" "$want"
		leave_namespaces
		rm -r "$STANDIN_DIR"
	done <<-END
		sockctl-test.slice/sockctl-a.service|systemctl stop sockctl-a.service
		docker-$ID.scope|docker stop 0123456789ab
		libpod-$ID.scope/container|podman stop 0123456789ab
		libpod-conmon-$ID.scope|podman stop 0123456789ab
		nerdctl-$ID.scope|nerdctl stop 0123456789ab
		cri-containerd-$ID.scope|crictl stop 0123456789ab
		crio-$ID.scope|crictl stop 0123456789ab
	END
}

@test "what a user runs is stopped by his systemd, his podman and his docker" {
	skip_unless_root "another user must ask"
	local user path his roots who mksock=$MKSOCK
	user=$(getent passwd 65534 | cut -d: -f1)
	[[ $user ]] || skip "there is no user 65534"
	# shellcheck disable=SC2034 # what he is told, and root: by their names
	while IFS='|' read -r path his roots; do
		for who in his roots; do
			remedy_ns
			cp "$SOCKCTL" "$mksock" "$STANDIN_DIR/bin"
			chmod -R a+rwX "$STANDIN_DIR"
			cgroup "user.slice/user-65534.slice/user@65534.service/$path"
			local MKSOCK=$STANDIN_DIR/bin/mksock root=("${NS[@]}")
			local user_too=("${NS[@]}" setpriv --reuid=65534 --regid=65534 --clear-groups)
			NS=("${user_too[@]}")
			mk listen:port=8080
			NS=("${root[@]}")
			enter_cgroup "${F[listen.listener.pid]}"
			[[ $who == roots ]] || NS=("${user_too[@]}")
			run --separate-stderr in_ns "$STANDIN_DIR/bin/sockctl" inspect --json --bindable 127.0.0.1:8080
			assert_equal "$(commands)" "${!who//USER/$user}"
			obey
			until_true can_bind 127.0.0.1:8080
			leave_namespaces
			rm -r "$STANDIN_DIR"
		done
	done <<-END
		app.slice/sockctl-x.service|systemctl --user stop sockctl-x.service|systemctl --user --machine=USER@.host stop sockctl-x.service
		user.slice/libpod-$ID.scope|podman stop 0123456789ab|runuser -u USER -- podman stop 0123456789ab
		user.slice/docker-$ID.scope|docker -H unix:///run/user/65534/docker.sock stop 0123456789ab|docker -H unix:///run/user/65534/docker.sock stop 0123456789ab
	END
}
