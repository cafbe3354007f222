#!/usr/bin/env bats
# Unix servers whose path does not lead to them: deleted, or taken by another one. Healthy are
# those in other mount namespaces and behind chroot(), and files that were renamed.

load ../lib/helpers
load ../lib/findings
load ../lib/servers

setup() {
	netns
	servers_dir
	owned_dir run
	SOCKET=$DIR/run/x.sock
}

# As one of two masters, which do not know of each other: each with a worker.
master() {
	as_service gunicorn --chdir "$DIR/gunicorn" --worker-tmp-dir "$DIR/gunicorn" --workers 1 --bind "unix:$SOCKET" app:app
	until_true has_worker "$PID"
}

has_worker() { # PID
	pgrep -P "$1" >/dev/null
}

is_another() { # INODE
	[[ -S $SOCKET && $(stat -c %i "$SOCKET") != "$1" ]]
}

@test "gunicorn: the old master's exit deletes the file of the new one, until that is restarted" {
	local old new inode worker
	gunicorn_on "$SOCKET" 1
	old=$PID
	until_true test -S "$SOCKET"
	until_true has_worker "$old"
	inode=$(stat -c %i "$SOCKET")
	findings -x
	assert_found
	master
	new=$PID
	until_true is_another "$inode"
	# Two servers of one path: who came first is reached by nobody.
	findings -x
	assert_found 'warning unreachable-unix-listener'
	assert_equal "$(culprits unreachable-unix-listener)" "$old $(pgrep -P "$old")"
	assert_contains "$(get unreachable-unix-listener .summary)" "clients reach gunicorn[$new]"
	assert_contains "$(get unreachable-unix-listener .advice)" "Stop gunicorn[$old]"
	kill "$old"
	await_end "$old" 0
	refute test -e "$SOCKET"
	findings -x
	assert_found 'warning unreachable-unix-listener'
	assert_equal "$(culprits unreachable-unix-listener)" "$new $(pgrep -P "$new")"
	assert_figures unreachable-unix-listener 'replaced == 0'
	TEXT_OPTIONS=(-x)
	assert_text unreachable-unix-listener "unix:$SOCKET, gunicorn\\[$new\\]" 'The file was deleted or moved' 'Restart gunicorn'
	run --separate-stderr in_ns "$SOCKCTL" probe "unix:$SOCKET"
	assert_contains "$output" "still listens on $SOCKET, but the file was deleted"
	# As advised; its exit fails over the file that is missing, and leaves the worker for a moment.
	worker=$(pgrep -P "$new")
	kill "$new"
	await_end "$new" any
	until_true test ! -e "/proc/$worker"
	master
	until_true test -S "$SOCKET"
	findings -x
	assert_found
	run --separate-stderr in_ns "$SOCKCTL" probe "unix:$SOCKET"
	assert_status 0
}

# In a mount namespace of its own, after a script.
server_in() { # SCRIPT [ARG]...
	# shellcheck disable=SC2016
	spawn "${NS[@]}" unshare --mount sh -e -c "$1"'; shift; exec "$@"' sh "$2" "${@:3}"
}

@test "healthy: other mount namespaces, a root of its own, overlays, other names" {
	skip_unless_mounts "mounts of a server's own"
	local dir=$DIR/run
	mkdir "$dir/private" "$dir/over" "$dir/jail" "$dir/jail/run"
	server_in 'mount -t tmpfs none "$1"' "$dir/private" "$SOCKCTL" listen -k "unix:$dir/private/a.sock"
	# shellcheck disable=SC2016
	server_in 'cd "$1"; mkdir l u m; mount -t tmpfs none l; mount -t tmpfs none u; mkdir u/u u/w
		mount -t overlay -o lowerdir=l,upperdir=u/u,workdir=u/w,xino=off overlay m' "$dir/over" \
		"$SOCKCTL" listen -k "unix:$dir/over/m/b.sock"
	# What chroot() has left behind: the name is one of the former root.
	spawn "${NS[@]}" python3 -c '
import os, socket, sys
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1] + "/c.sock")
s.listen()
os.unlink(sys.argv[1] + "/c.sock")
os.chroot(sys.argv[1] + "/jail")
sys.stdin.read()
' "$dir"
	# Bound to a name of the moment, and to one that is relative.
	spawn "${NS[@]}" python3 -c '
import os, socket, sys
os.chdir(sys.argv[1])
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1] + "/d.sock.tmp")
s.listen()
os.rename("d.sock.tmp", "d.sock")
r = socket.socket(socket.AF_UNIX)
r.bind("e.sock")
r.listen()
os.unlink("e.sock")
sys.stdin.read()
' "$dir"
	until_shown -lx "local_addr ~ '*/a.sock'"
	until_shown -lx "local_addr ~ '*/b.sock'"
	until_shown -lx "local_addr ~ '*/c.sock'"
	until_true test -e "$dir/d.sock"
	until_true test ! -e "$dir/e.sock"
	until_true test ! -e "$dir/c.sock"
	findings -x
	assert_found
}

@test "a server of datagrams whose file was deleted" {
	spawn "${NS[@]}" "$SOCKCTL" listen -k "unix-dgram:$SOCKET"
	until_true test -S "$SOCKET"
	findings -x
	assert_found
	rm "$SOCKET"
	findings -x
	assert_found 'warning unreachable-unix-listener'
	assert_equal "$(culprits unreachable-unix-listener)" "$PID"
	# Nor is it looked for where no unix socket is asked for.
	findings
	assert_found
}
