#!/usr/bin/env bats
# inspect --bindable: each cause is produced for real, named with its culprit, and told apart.

load ../lib/helpers

bindable() { # EXIT [OPTION]... ADDR
	local code=$1
	shift
	inspect --json --bindable "${@: -1}" "${@:1:$#-1}"
	((status == code)) || fail "exit $status, not $code: $output $stderr"
	output=$(jq -c 'select(.type == "bindable")' <<<"$output")
}

# The ids of the causes, in order.
ids() {
	jq -r '[.causes[].id] | join(" ")' <<<"$output"
}

verdict() {
	jq -r '.bindable' <<<"$output"
}

culprit() {
	jq -r '.causes[0].processes[0] | "\(.pid) \(.fd)"' <<<"$output"
}

# The text, without what is said about other namespaces of this machine.
said() { # OPTION...
	inspect "$@"
	output=$(grep -v '^  note: ' <<<"$output")
	mapfile -t lines <<<"$output"
}

@test "a free port can be bound" {
	netns
	bindable 0 127.0.0.1:8080
	assert_equal "$(verdict) $(ids)" "true "
	said --bindable 127.0.0.1:8080
	assert_output "yes: 127.0.0.1:8080 can be bound"
}

@test "listener: another one has the address" {
	netns
	mk listen:port=8080
	bindable 1 127.0.0.1:8080
	assert_equal "$(ids)" listener
	assert_equal "$(culprit)" "${F[listen.listener.pid]} ${F[listen.listener.fd]}"
	said --bindable 127.0.0.1:8080
	assert_line --index 0 "no: 127.0.0.1:8080 cannot be bound"
	assert_line --index 1 --regexp '^  listener  mksock\[[0-9]+\] fd [0-9]+ listens on 127\.0\.0\.1:8080, up for '
	assert_line --index 2 --regexp "^next: kill $MK_PID\$"
}

@test "listener: what it took is no cause beside it, and one among many" {
	netns
	mk established:listener,port=8080,n=40
	bindable 1 0.0.0.0:8080
	assert_equal "$(ids)" listener
}

@test "remnant: TIME_WAIT of a server that is gone, and what SO_REUSEADDR does about it" {
	netns
	mk time_wait:server,port=8080
	bindable 1 127.0.0.1:8080
	assert_equal "$(ids)" remnant
	bindable 3 --reuseaddr 127.0.0.1:8080
	assert_equal "$(verdict) $(ids)" "null remnant"
	bindable 1 --reuseaddr --try 127.0.0.1:8080
	assert_equal "$(ids)" remnant
}

@test "children: connections that outlive their listener" {
	netns
	mk established:port=8080
	bindable 1 127.0.0.1:8080
	assert_equal "$(ids)" children
	assert_equal "$(culprit)" "${F[established.server0.pid]} ${F[established.server0.fd]}"
}

@test "reuseport-mismatch: one side lacks SO_REUSEPORT, or the users differ" {
	netns
	mk listen:port=8080,reuseport listen:label=plain,port=8081
	bindable 1 127.0.0.1:8080
	assert_equal "$(ids)" reuseport-mismatch
	bindable 1 --reuseport 127.0.0.1:8081
	assert_equal "$(ids)" reuseport-mismatch
	bindable 0 --reuseport 127.0.0.1:8080
	skip_unless_root "sockets of several users are needed"
	bindable 1 --reuseport --as-user nobody 127.0.0.1:8080
	assert_equal "$(ids)" reuseport-mismatch
	assert_equal "$(jq -r '.causes[0].advice | test("of root")' <<<"$output")" true
}

# Two sockets share a port by SO_REUSEPORT; the second, or both, then clear it.
two_that_share() { # PORT LISTEN WHO-CLEARS
	spawn "${NS[@]}" python3 -c '
import socket, sys
both = [socket.socket(), socket.socket()]
for s in both:
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    s.bind(("127.0.0.1", int(sys.argv[1])))
for s in both:
    if sys.argv[2] == "listen":
        s.listen()
for s in both[1 if sys.argv[3] == "second" else 0:]:
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 0)
print("ready", flush=True)
sys.stdin.read()' "$@"
	await_line '^ready$'
}

@test "a no has the reservation that the kernel may remember SO_REUSEPORT, and --try decides" {
	netns
	local port=8080 state who tried bound
	for state in listen bound; do
		for who in second both; do
			two_that_share $((++port)) $state $who
			bindable 1 --reuseport 127.0.0.1:$port
			assert_json '.[0].notes | map(select(test("remembers SO_REUSEPORT for a port: if python3\\[[0-9]+\\] fd [0-9]+ has cleared it since bind\\(\\), .* --try shows it"))) | length == 1'
			said --reuseport --bindable 127.0.0.1:$port
			assert_line --index 0 "no: 127.0.0.1:$port cannot be bound"
			inspect --reuseport --bindable 127.0.0.1:$port
			assert_line --regexp '^  note: the kernel remembers SO_REUSEPORT'
			# bind() itself is the referee of --try.
			inspect --json --reuseport --bindable 127.0.0.1:$port --try
			tried=$status
			refute_output --partial 'remembers'
			bound=0
			in_ns python3 -c '
import socket, sys
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
s.bind(("127.0.0.1", int(sys.argv[1])))' $port 2>/dev/null || bound=1
			assert_equal "$state $who $tried" "$state $who $bound"
			# Who does not set it is not let in by it.
			bindable 1 --reuseaddr 127.0.0.1:$port
			refute_output --partial 'remembers'
		done
	done
}

@test "bound-inactive: bound, and neither listening nor connected" {
	netns
	mk bound:port=8080
	bindable 1 0.0.0.0:8080
	assert_equal "$(ids)" bound-inactive
	assert_equal "$(culprit)" "${F[bound.bound.pid]} ${F[bound.bound.fd]}"
}

@test "outgoing: a connection drew the port" {
	netns
	mk established:listener,port=8080
	bindable 1 "127.0.0.1:$(port_of established.client0)"
	assert_equal "$(ids)" outgoing
	assert_equal "$(culprit)" "${F[established.client0.pid]} ${F[established.client0.fd]}"
	assert_equal "$(jq -r '.causes[0].advice | test("ip_local_reserved_ports")' <<<"$output")" true
}

@test "outgoing: the list of reserved ports that is advised keeps those that are reserved" {
	netns
	mk established:listener,port=8080
	local port
	port=$(port_of established.client0)
	in_ns sysctl -qw net.ipv4.ip_local_reserved_ports=8080,9000-9010
	bindable 1 "127.0.0.1:$port"
	assert_output --partial "sysctl -w net.ipv4.ip_local_reserved_ports=8080,9000-9010,$port\\n"
	in_ns sysctl -qw "net.ipv4.ip_local_reserved_ports=8080,9000-9010,$port"
	bindable 1 "127.0.0.1:$port"
	assert_output --partial 'It is in net.ipv4.ip_local_reserved_ports now'
}

@test "listener: a mapped address is the IPv4 address, and shown as that" {
	netns
	mk listen:family=mapped,port=8080
	said --bindable 127.0.0.1:8080
	assert_line --index 1 --regexp 'listens on 127\.0\.0\.1:8080, up for'
	said --bindable '[::ffff:127.0.0.1]:8080'
	assert_line --index 1 --regexp 'listens on 127\.0\.0\.1:8080, up for'
	said --bindable :8080
	assert_line --index 1 --partial 'listens on 127.0.0.1:8080 (one of the addresses that make up ::)'
}

@test "--try as a user that one may not become says so, and does not ask for --try again" {
	skip_unless_root "another user must ask"
	netns
	mk bound:port=8080,reuseaddr
	sockctl_as_user inspect --bindable 127.0.0.1:8080 --reuseaddr --as-user root --try
	assert_equal "$status" 3
	assert_equal "$stderr" 'sockctl inspect: --try could not act as root: Operation not permitted'
	assert_line --index 0 'cannot tell: whether 127.0.0.1:8080 can be bound'
	assert_line --regexp '^next: sudo sockctl .* --as-user root --try$'
}

@test "kernel-socket: a tunnel has the port" {
	skip_unless_root "another process namespace is needed"
	netns
	in_ns ip link add vx0 type vxlan id 7 dstport 4789 local 127.0.0.1 2>/dev/null ||
		skip "this kernel makes no vxlan"
	in_ns ip link set vx0 up
	bindable 1 udp:0.0.0.0:4789
	assert_equal "$(ids)" kernel-socket
	assert_json '.[0].causes[0].summary | startswith("the kernel, for the tunnel vx0 (vxlan), receives on ")'
	assert_json '.[0].commands == ["ip link delete vx0"]'
	inspect --no-findings -uap
	assert_line --regexp ' (0\.0\.0\.0|127\.0\.0\.1|\*):4789 .*\(kernel\b'
	# Of two that share a port no single one is in the way.
	in_ns ip link add vx1 type vxlan id 8 dstport 4789 local 127.0.0.1
	in_ns ip link set vx1 up
	bindable 1 udp:0.0.0.0:4789
	assert_json '.[0].causes[0] | (.summary | contains("(vxlan) and 1 more")) and .commands == ["ip -d link"]'
	# What only looks like it is not the tunnel's.
	in_ns ip link delete vx1
	in_ns ip link set vx0 down
	bindable 0 udp:0.0.0.0:4789
}

@test "no-descriptor: a socket in flight, on whatever port, is not called the kernel's" {
	skip_unless_root "another process namespace is needed"
	skip_unless_first_pid_namespace
	netns
	mk sent:port=8080 sent:port=4789,proto=udp,label=vx sent:port=2049,label=nfs
	local ask
	for ask in 127.0.0.1:8080 udp:127.0.0.1:4789 127.0.0.1:2049; do
		bindable 1 "$ask"
		assert_equal "$(ids)" no-descriptor
		assert_json '.[0].causes[0].advice | startswith("It may be in flight to ") and contains("the port is free once that program ends")'
		refute_regex "$output" 'tunnel|nfsd|vxlan'
	done
	# Nobody but the candidate has it: with its end the port is free.
	kill "$MK_PID"
	until_true in_ns python3 -c 'import socket; socket.socket().bind(("127.0.0.1", 8080))'
	bindable 0 127.0.0.1:8080
}

@test "ephemeral-exhausted: port 0, and all of the range is held; unknown: but for one" {
	netns
	in_ns sysctl -qw net.ipv4.ip_local_port_range="40000 40003"
	mk bound:label=a bound:label=b
	bindable 0 127.0.0.1:0
	mk_more bound:label=c
	mk_more bound:label=d
	bindable 1 127.0.0.1:0
	assert_equal "$(ids)" ephemeral-exhausted
	bindable 0 127.0.0.2:0
	in_ns sysctl -qw net.ipv4.ip_local_port_range="40000 40004"
	bindable 3 127.0.0.1:0
	assert_equal "$(verdict) $(ids)" "null unknown"
}

@test "privileged-port: a low one, for users without the right" {
	netns
	in_ns sysctl -qw net.ipv4.ip_unprivileged_port_start=1024
	skip_unless_root "another user is asked about"
	bindable 0 127.0.0.1:80
	bindable 1 --as-user nobody 127.0.0.1:80
	assert_equal "$(ids)" privileged-port
	bindable 1 --as-user nobody --try 127.0.0.1:80
	assert_equal "$(ids)" privileged-port
	in_ns sysctl -qw net.ipv4.ip_unprivileged_port_start=80
	bindable 0 --as-user nobody 127.0.0.1:80
}

@test "not-local and no-scope: addresses that are not there, not yet, or of no interface" {
	netns
	bindable 1 10.1.2.3:8080
	assert_equal "$(ids)" not-local
	in_ns sysctl -qw net.ipv4.ip_nonlocal_bind=1
	bindable 0 10.1.2.3:8080
	bindable 0 127.3.2.1:8080
	bindable 1 '[fe80::1]:8080'
	assert_equal "$(ids)" no-scope
	bindable 1 '[2001:db8::1]:8080'
	assert_equal "$(ids)" not-local
	in_ns ip link add d0 type veth peer name d1
	in_ns sysctl -qw net.ipv6.conf.d0.dad_transmits=30
	in_ns ip link set d1 up
	in_ns ip link set d0 up
	in_ns ip address add 2001:db8::1/64 dev d0
	in_ns ip -6 address show dev d0 tentative | grep -q 2001:db8::1
	bindable 1 '[2001:db8::1]:8080'
	assert_equal "$(jq -r '.causes[0].summary | test("tentative")' <<<"$output")" true
	in_ns ip address add 2001:db8::2/64 dev d0 nodad
	bindable 0 '[2001:db8::2]:8080'
}

@test "ipv6-disabled: with the setting that says so, and what to run where that helps" {
	netns
	in_ns ip link add d0 type veth peer name d1
	in_ns ip link set d0 up
	in_ns ip address add fd00::1/64 dev d0 nodad
	in_ns sysctl -qw net.ipv6.conf.lo.disable_ipv6=1
	bindable 1 '[::1]:8080'
	assert_equal "$(ids)" ipv6-disabled
	assert_json '.[0].causes[0].summary == "IPv6 is disabled on lo (net.ipv6.conf.lo.disable_ipv6 is 1)"
		and (.[0].next | endswith("sysctl -w net.ipv6.conf.lo.disable_ipv6=0"))'
	sockctl listen -T 1ms '[::1]:8080'
	assert_regex "$stderr" 'ipv6-disabled +IPv6 is disabled on lo'
	refute_contains "$stderr" 'no interface has'
	bindable 0 '[fd00::1]:8080'
	bindable 0 '[::]:8080'
	# On one interface that is no reason for an address that others could have.
	in_ns sysctl -qw net.ipv6.conf.d1.disable_ipv6=1
	bindable 1 '[fd00::2]:8080'
	assert_equal "$(ids)" not-local
	in_ns sysctl -qw net.ipv6.conf.all.disable_ipv6=1
	bindable 1 '[fd00::1]:8080'
	assert_equal "$(ids)" ipv6-disabled
	assert_json '.[0].causes[0].summary | test("net.ipv6.conf.all.disable_ipv6 is 1")'
	in_ns sysctl -qw net.ipv6.conf.all.disable_ipv6=0 net.ipv6.conf.lo.disable_ipv6=0
	bindable 0 '[::1]:8080'
}

@test "not-local: the other end of a line with two ends is not ours" {
	netns
	in_ns ip link add d0 type veth peer name d1
	in_ns ip link set d0 up
	in_ns ip address add fd00::1 peer fd00::2/128 dev d0 nodad
	in_ns ip address add 10.1.1.1 peer 10.1.1.2/32 dev d0
	bindable 0 '[fd00::1]:8080'
	bindable 0 10.1.1.1:8080
	bindable 1 '[fd00::2]:8080'
	assert_equal "$(ids)" not-local
	bindable 1 10.1.1.2:8080
	assert_equal "$(ids)" not-local
}

@test "stale-unix, live-unix, not-a-socket, no-directory, no-permission: what a path can be" {
	local dir=$BATS_TEST_TMPDIR
	netns
	mk unix_listen:path="$dir/live" unix_bound:label=gone,path="$dir/stale"
	mk_more close:of=gone.bound
	bindable 1 "$dir/live"
	assert_equal "$(ids)" live-unix
	assert_equal "$(culprit)" "${F[unix_listen.listener.pid]} ${F[unix_listen.listener.fd]}"
	bindable 1 "$dir/stale"
	assert_equal "$(ids)" stale-unix
	ln -s nowhere "$dir/link"
	for path in "$dir" "$dir/link" /dev/null "$BATS_TEST_FILENAME"; do
		bindable 1 "$path"
		assert_equal "$(ids)" not-a-socket
	done
	bindable 1 "$dir/none/socket"
	assert_equal "$(ids)" no-directory
	bindable 0 "$dir/free"
	skip_unless_root "another user is asked about"
	chmod 700 "$dir"
	bindable 1 --as-user nobody "$dir/free"
	assert_equal "$(ids)" no-permission
	chmod 777 "$dir"
}

# The number of the first call of a kind, as strace counts them, that matches.
first_call() { # CALL REGEX ARG...
	in_ns "${STRACE[@]}" -qq -o "$BATS_TEST_TMPDIR/calls" -e "trace=$1" "$SOCKCTL" inspect "${@:3}" \
		>/dev/null 2>&1 || true
	grep "^$1(" "$BATS_TEST_TMPDIR/calls" | grep -nm1 -E "$2" | cut -d: -f1
}

@test "a directory or a path that cannot be looked at is not one that is not there" {
	strace -o /dev/null -e inject=getppid:error=EINTR true 2>/dev/null || skip "strace cannot trace here"
	local dir=$BATS_TEST_TMPDIR error n call=newfstatat
	netns
	for path in "$dir" "$dir/free"; do
		[[ $path == "$dir" ]] || call=openat
		n=$(first_call $call "\"$path\", " --bindable "$dir/free")
		assert test -n "$n"
		for error in EACCES EIO ENOMEM; do
			run --separate-stderr in_ns "${STRACE[@]}" -qq -o /dev/null -e trace=$call \
				-e "inject=$call:error=$error:when=$n" "$SOCKCTL" inspect --json --bindable "$dir/free"
			no_crash
			if [[ $error == EACCES ]]; then
				assert_equal "$path $error $status $(ids)" "$path $error 1 policy"
			else
				assert_equal "$path $error $status $(ids)" "$path $error 3 unknown"
				assert_contains "$output" "could not be seen: "
			fi
		done
	done
}

@test "where unprivileged ports begin is not known: cannot tell, for any port" {
	skip_unless_mounts "a setting that cannot be read"
	local port setting=/proc/sys/net/ipv4/ip_unprivileged_port_start
	netns
	for port in 80 8080; do
		# shellcheck disable=SC2016
		run --separate-stderr in_ns unshare --mount sh -c 'mount --bind /dev/null "$1" && shift && exec "$@"' sh \
			$setting "$SOCKCTL" inspect --json --as-user nobody --bindable 127.0.0.1:$port
		no_crash
		assert_equal "$status $(ids)" '3 unknown'
		assert_contains "$output" "whether port $port needs CAP_NET_BIND_SERVICE is not known"
	done
	# Whoever has the right needs no setting, nor does port 0.
	# shellcheck disable=SC2016
	for port in 80 0; do
		run in_ns unshare --mount sh -c 'mount --bind /dev/null "$1" && shift && exec "$@"' sh \
			$setting "$SOCKCTL" inspect --bindable 127.0.0.1:$port
		assert_equal "$status" 0
	done
}

@test "the command that removes a stale file names that file, whatever it is called" {
	local dir=$BATS_TEST_TMPDIR name next
	netns
	for name in 'a b' "it's" '$(touch injected)' $'new\nline; true'; do
		mk unix_bound:label=gone,path="$dir/stale"
		mk_more close:of=gone.bound
		mv "$dir/stale" "$dir/$name"
		touch "$dir/other"
		inspect --bindable "$dir/$name"
		assert_equal "$status" 1
		next=${lines[-1]#next: }
		[[ $next == rm\ * ]] || fail "$output"
		(cd "$dir" && eval "$next")
		[[ ! -e $dir/$name && -e $dir/other && ! -e $dir/injected ]] || fail "$next: $(ls "$dir")"
	done
}

@test "live-unix: held in another network namespace" {
	skip_unless_root "other namespaces must be entered"
	netns
	mk unix_bound:path="$BATS_TEST_TMPDIR/live"
	netns
	bindable 1 "$BATS_TEST_TMPDIR/live"
	assert_equal "$(ids)" live-unix
	assert_equal "$(culprit)" "${F[unix_bound.bound.pid]} ${F[unix_bound.bound.fd]}"
}

@test "stale or live is told without the right to look into other namespaces" {
	skip_unless_root "another user must ask"
	netns
	chmod 755 "$BATS_TEST_TMPDIR" "$BATS_FILE_TMPDIR/.." 2>/dev/null || true
	local dir
	dir=$(mktemp -d /tmp/sockctl-tests.XXXXXX)
	chmod 777 "$dir"
	mk unix_listen:path="$dir/live" unix_bound:label=gone,path="$dir/stale"
	mk_more close:of=gone.bound
	chmod 777 "$dir/live" "$dir/stale"
	netns
	sockctl_as_user inspect --json --bindable "$dir/stale"
	assert_equal "$(ids)" stale-unix
	sockctl_as_user inspect --json --bindable "$dir/live"
	assert_equal "$(ids)" live-unix
	rm -r "$dir"
}

@test "abstract-taken: the name is in use by a socket of the same type" {
	netns
	mk unix_bound:abstract=name,type=dgram
	bindable 1 unix-dgram:@name
	assert_equal "$(ids)" abstract-taken
	bindable 0 unix:@name
}

@test "another network namespace is no conflict, and is mentioned" {
	skip_unless_root "other namespaces must be entered"
	netns
	mk listen
	# A port of its own: other namespaces of the machine are looked into, too.
	local port
	port=$(port_of listen.listener)
	netns
	bindable 0 "127.0.0.1:$port"
	assert_equal "$(jq -r '.notes[0] | test("mksock.*another network namespace")' <<<"$output")" true
	bindable 1 --netns "$(("${F[listen.listener.pid]}"))" "127.0.0.1:$port"
	assert_equal "$(ids)" listener
}

@test "an owner that may not be looked into is not taken for the kernel" {
	skip_unless_root "another user must ask"
	netns
	mk listen:port=8080
	sockctl_as_user inspect --json --bindable 127.0.0.1:8080
	output=$(jq -c 'select(.type == "bindable")' <<<"$output")
	assert_equal "$status $(ids)" "1 listener"
	assert_equal "$(jq -c '.causes[0].processes' <<<"$output")" '[]'
	assert_equal "$(jq -r '.causes[0].summary | test("may not be looked into")' <<<"$output")" true
}

@test "options and users that make no sense are refused" {
	netns
	inspect --reuseaddr
	assert_refused 2 'belong to --bindable'
	inspect --bindable udp:127.0.0.1:53 --try
	assert_refused 2 'TCP only'
	inspect --bindable 127.0.0.1:8080 --as-user nosuchuser
	assert_refused 2 "there is no user 'nosuchuser'"
	inspect --bindable 127.0.0.1
	assert_refused 2 'a port is missing'
	inspect --bindable 127.0.0.1 8080
	assert_refused 2 "two words.*write '127\.0\.0\.1:8080'"
	inspect --bindable ::1 8080
	assert_refused 2 "write '\[::1\]:8080'"
	inspect --bindable udp:::1 8080
	assert_refused 2 "write 'udp:\[::1\]:8080'"
	inspect --bindable udp:localhost 8080
	assert_refused 2 "write 'udp:localhost:8080'"
	# It has a port: the other word is none of it.
	inspect --bindable :8080 fast
	assert_refused 2 "':8080' alone is one"
	inspect --bindable 127.0.0.1:8080 --fail-drops
	assert_refused 2 'only one of them'
	inspect --quiet --bindable 127.0.0.1:8080
	assert_clean
	assert_output ''
}

@test "several ports are answered one by one; the worst decides the exit code" {
	netns
	mk listen:port=8081
	bindable 1 127.0.0.1:8080-8082
	assert_equal "$(jq -s -c '[.[].bindable]' <<<"$output")" '[true,false,true]'
}

@test "what it says is what the schema says" {
	netns
	mk listen:port=8080 time_wait:server,port=8081
	for address in 127.0.0.1:8080-8082 127.0.0.1:0 /dev/null @name udp:127.0.0.1:53; do
		inspect --json --reuseaddr --bindable "$address"
		assert_valid
	done
}

@test "a trial binds once, never listens, and without --try the port is left alone" {
	command -v strace >/dev/null || skip "strace is not installed"
	netns
	mk listen:port=8080
	local calls=bind,listen,connect,setsockopt,getsockopt
	run in_ns "${STRACE[@]}" -f -e trace=$calls "$SOCKCTL" inspect --bindable 127.0.0.1:8080
	refute_output --partial 'htons(8080)'
	run in_ns "${STRACE[@]}" -f -e trace=$calls "$SOCKCTL" inspect --bindable 127.0.0.1:8080 --try
	assert_equal "$(grep -c 'bind(.*htons(8080)' <<<"$output")" 1
	refute_output --partial 'listen('
	refute_output --regexp 'connect\([^\n]*AF_INET'
	refute_output --partial SO_ERROR
}

# A real bind() is the referee: in a process namespace of its own, so that the look for
# owners is short.
matrix() { # WHAT
	skip_unless_mounts "bindmatrix has a /proc of its own"
	netns
	in_ns sysctl -qw net.ipv4.ip_local_port_range="40000 49999"
	run in_ns unshare --pid --fork --mount-proc "${MKSOCK%/*}/bindmatrix" "$SOCKCTL" "$1"
	assert_success
	assert_line --regexp "^$1: [0-9]+ combinations, 0 wrong, "
}

# What no dump tells are the options of a socket that nobody owns any more.
@test "the verdict is bind()'s, for what people ask about, and is hardly ever missing" {
	skip_unless_root "another process namespace is needed"
	matrix basic
	assert_line --regexp '^basic: 76 combinations, 0 wrong, ([0-9]|1[0-2]) decided by --try only, [1-9]'
}

@test "the verdict is bind()'s, for TCP holders in every state" {
	skip_unless_root "another process namespace is needed"
	matrix states
}

@test "the verdict is bind()'s, for every pair of addresses" {
	skip_unless_root "another process namespace is needed"
	matrix addresses
}

@test "the verdict is bind()'s, for users" {
	skip_unless_root "holders of other users are needed"
	matrix users
}

@test "the verdict is bind()'s, for UDP" {
	skip_unless_root "another process namespace is needed"
	matrix udp
}
