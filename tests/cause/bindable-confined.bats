#!/usr/bin/env bats
# Each verdict of inspect --bindable, asked for in places where not everything may be seen: it is
# the one of where all is seen, or "cannot tell". bind() is the referee.

# shellcheck disable=SC2154 # run sets what is read here
load ../lib/helpers
load ../lib/findings
load ../lib/confined

PLACES_ALL=(open user hidepid ptraceable pid noproc chroot "${FALLBACKS[@]}")

setup() {
	! grep -q __asan_init "$SOCKCTL" || skip "a sanitized program reads its options and threads from /proc"
	confined_setup
	netns
	mkdir -m 777 "$PLACES/run"
}

# A path below the root that the place has.
path_in() { # PLACE NAME
	[[ $1 == chroot ]] && echo "/run/$2" || echo "$PLACES/run/$2"
}

# Asks in a place: sets status, and IDS and PIDS_NAMED of its causes. Neither the kernel nor a
# tunnel is blamed.
ask_in() { # PLACE WORD...
	in_place "$1" inspect --json --bindable "${@:2}"
	assert_regex "$* $status" ' [013]$'
	assert_json '.[-1].complete == (.[0].bindable != null)'
	refute_regex "$output" 'kernel-socket|\(kernel\)|tunnel|nfsd|wireguard|rpcinfo'
	IDS=$(jq -r 'select(.type == "bindable") | [.causes[]?.id] | join(" ")' <<<"$output")
	PIDS_NAMED=$(jq -r 'select(.type == "bindable") | [.causes[]?.processes[]?.pid] | unique | join(" ")' <<<"$output")
}

# What a place that does not see all may call a cause.
may_be_called() { # ID
	case $1 in
	reuseport-mismatch) echo 'reuseport-mismatch|listener' ;;
	live-unix | stale-unix) echo "$1|unknown" ;;
	*) echo "$1" ;;
	esac
}

# In every place, of "CODE|ID|WORDS" as it is where all is seen: the same code, or 3; the same
# cause, or less about it; nobody but who is to blame.
assert_everywhere() { # lines on stdin
	local code id words place pids
	while IFS='|' read -r code id words; do
		for place in "${PLACES_ALL[@]}"; do
			# shellcheck disable=SC2086 # several words
			ask_in "$place" $words
			if [[ $place == open ]]; then
				assert_equal "$words: $status $IDS" "$words: $code $id"
				pids=$PIDS_NAMED
				continue
			fi
			[[ $status == 3 ]] || {
				assert_equal "$place $words: $status" "$place $words: $code"
				assert_regex "$place $words: $IDS" ": ($(may_be_called "$id"))\$"
			}
			[[ -z $PIDS_NAMED ]] || assert_equal "$place $words: $PIDS_NAMED" "$place $words: $pids"
		done
	done
}

bind_succeeds() { # PORT
	in_ns python3 -c 'import socket, sys; socket.socket().bind(("127.0.0.1", int(sys.argv[1])))' "$1" 2>/dev/null
}

@test "who holds a port: listeners, bound sockets, remnants, connections, datagrams" {
	mk listen:port=2001 bound:port=2002 udp:port=2003 listen:port=2004,reuseport,label=group
	mk established:port=2006,label=left established:listener,port=2007,label=out
	assert_everywhere <<-END
		0||127.0.0.1:2000
		1|listener|127.0.0.1:2001
		1|listener|0.0.0.0:2001
		1|bound-inactive|0.0.0.0:2002
		1|listener|udp:127.0.0.1:2003
		0||udp:127.0.0.1:2001
		1|reuseport-mismatch|127.0.0.1:2004
		1|children|127.0.0.1:2006
		1|outgoing|127.0.0.1:$(port_of out.client0)
		1|not-local|10.9.8.7:2000
		0||127.0.0.1:0
		0||unix:@free
	END
}

@test "a TIME_WAIT holds the port, whoever asks" {
	local place port=2100
	mk listen:port=2099
	for place in "${PLACES_ALL[@]}"; do
		mk_more "time_wait:server,port=$((++port)),label=$place"
		ask_in "$place" "127.0.0.1:$port"
		assert_regex "$place $status $IDS" ' (1 remnant|3 unknown)$'
		[[ " ${FALLBACKS[*]} " == *" $place "* ]] || assert_equal "$place $status" "$place 1"
	done
}

@test "options decide: where those of the other side may not be read, nobody says yes" {
	mk listen:port=2004,reuseport bound:port=2008,reuseaddr listen:port=2009,label=plain
	local place words want
	for place in "${PLACES_ALL[@]}"; do
		for words in '127.0.0.1:2004 --reuseport' '127.0.0.1:2008 --reuseaddr' '127.0.0.1:2009 --reuseport'; do
			# shellcheck disable=SC2086 # several words
			ask_in "$place" $words
			want=3
			case $place in
			open) [[ $words == *2009* ]] && want=1 || want=0 ;;
			# Another user's: SO_REUSEPORT is shared with one's own only.
			user | hidepid | ptraceable) [[ $words != *reuseport ]] || want=1 ;;
			esac
			assert_equal "$place $words $status" "$place $words $want"
		done
	done
}

@test "a low port: who has the right is known everywhere, where low ports begin is not" {
	ns_sysctl ipv4/ip_unprivileged_port_start 1000
	local place
	for place in user hidepid ptraceable refused-user; do
		ask_in "$place" 127.0.0.1:999
		assert_equal "$place $status $IDS" "$place 1 privileged-port"
	done
	for place in open pid noproc chroot; do
		ask_in "$place" 127.0.0.1:999
		assert_equal "$place $status" "$place 0"
	done
	# An ordinary user in a chroot without /proc.
	with_libraries
	run --separate-stderr in_ns chroot --userspec=65534:65534 --groups= "$PLACES" /bin/sockctl inspect --json \
		--bindable 127.0.0.1:999
	no_crash
	assert_equal "$status" 3
	assert_contains "$output" 'net.ipv4.ip_unprivileged_port_start could not be read'
}

@test "port 0 and addresses of nobody: what a setting decides is not known without /proc" {
	ns_sysctl ipv4/ip_local_port_range '40000 40001'
	mk bound:port=40000 bound:port=40001,label=b
	local place
	for place in "${PLACES_ALL[@]}"; do
		ask_in "$place" 127.0.0.1:0
		case $place in
		noproc | chroot | refused* | no-diag) assert_equal "$place $status $IDS" "$place 3 unknown" ;;
		*) assert_equal "$place $status $IDS" "$place 1 ephemeral-exhausted" ;;
		esac
	done
	netns
	ns_sysctl ipv4/ip_nonlocal_bind 1
	for place in open user hidepid pid; do
		ask_in "$place" 10.9.8.7:2000
		assert_equal "$place $status" "$place 0"
	done
	for place in noproc chroot; do
		ask_in "$place" 10.9.8.7:2000
		assert_equal "$place $status $IDS" "$place 3 unknown"
	done
}

@test "every address is IPv6, too, where /proc does not say so" {
	mk listen:family=6only,port=2010
	local place
	for place in open noproc chroot; do
		ask_in "$place" :2010
		assert_equal "$place $status $IDS" "$place 1 listener"
		ask_in "$place" '[::1]:2011'
		assert_equal "$place $status" "$place 0"
		ask_in "$place" '[2001:db8::1]:2011'
		assert_regex "$place $status $IDS" ' (1 not-local|3 unknown)$'
	done
}

@test "what the tables do not say in a place is no yes: bind() is asked" {
	mk listen:port=2001 bound:port=2002 established:port=2006,label=left
	local place port
	for port in 2000 2001 2002 2006; do
		for place in "${PLACES_ALL[@]}"; do
			ask_in "$place" 127.0.0.1:$port
			((status != 0)) || bind_succeeds $port || fail "$place: $port is called free"
			((status != 1)) || ! bind_succeeds $port || fail "$place: $port is called taken"
		done
	done
}

@test "unix paths and names: live, stale, another file, no directory, taken" {
	mk unix_listen:path="$PLACES/run/live" unix_bound:label=gone,path="$PLACES/run/stale" \
		unix_bound:label=abstract,abstract=name,type=dgram
	mk_more close:of=gone.bound
	touch "$PLACES/run/file"
	local place name code id pids
	while IFS='|' read -r code id name; do
		for place in "${PLACES_ALL[@]}"; do
			ask_in "$place" "$(path_in "$place" "$name")"
			assert_equal "$place $name $status" "$place $name $code"
			[[ $place == open ]] && assert_equal "$name: $IDS" "$name: $id"
			[[ $place != open ]] || pids=$PIDS_NAMED
			assert_regex "$place $name $IDS" " ($(may_be_called "$id"))\$"
			[[ -z $PIDS_NAMED ]] || assert_equal "$place $name $PIDS_NAMED" "$place $name $pids"
		done
	done <<-END
		1|live-unix|live
		1|stale-unix|stale
		1|not-a-socket|file
		1|no-directory|none/socket
	END
	assert_everywhere <<-END
		1|abstract-taken|unix-dgram:@name
		0||unix:@name
	END
}

@test "a file whose socket is in another network namespace is never called stale" {
	mk unix_listen:path="$PLACES/run/live" unix_bound:path="$PLACES/run/dgram",type=dgram
	chmod 777 "$PLACES/run/"*
	netns
	local place name
	for name in live dgram; do
		for place in "${PLACES_ALL[@]}"; do
			ask_in "$place" "$(path_in "$place" $name)"
			assert_regex "$place $name $status $IDS" ' 1 (live-unix|unknown)$'
			refute_regex "$output" 'rm --'
		done
	done
}
