# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # run and await_line set what is read here
# What the suites of `sockctl probe` share: a client's and a server's namespace with a veth
# pair between them, firewalls, and peers that misbehave.

V4=10.99.0.2  # the server's
V6=fd99::2
NOBODY=10.99.0.77 # an address of the link that no host has

# A second namespace beside NS, in the same user namespace: sets PID.
second_netns() {
	spawn "${NS[@]}" unshare --net "$TOP/tests/lib/netns-up" \
		sh -c 'echo ready && exec cat'
	await_line '^ready$'
}

enter() { # PID: prints nothing, sets ENTER
	ENTER=(nsenter --net="/proc/$1/ns/net")
	is_root || ENTER=(nsenter --preserve-credentials --user --target "$1" --net)
}

# The client's namespace is NS, the server's is SERVER.
link() {
	netns
	second_netns
	SERVER_PID=$PID
	enter "$SERVER_PID"
	SERVER=("${ENTER[@]}")
	in_ns ip link add up0 type veth peer name down0 netns "$SERVER_PID"
	in_ns ip addr add 10.99.0.1/24 dev up0
	in_ns ip -6 addr add fd99::1/64 dev up0 nodad
	in_ns ip link set up0 up
	on_server ip addr add $V4/24 dev down0
	on_server ip -6 addr add $V6/64 dev down0 nodad
	on_server ip link set down0 up
	# Neighbour discovery takes its first answers once the links are ready.
	in_ns "$SOCKCTL" probe -q -T 5s "[$V6]:1" $V4:1 || true
}

TARGET4=10.98.0.2 # behind the server of link(), with routed()
TARGET6=fd98::2

# The server's namespace becomes a router, a third one behind it the target.
routed() {
	link
	second_netns
	enter "$PID"
	TARGET=("${ENTER[@]}")
	on_server ip link add mid type veth peer name end netns "$PID"
	on_server ip addr add 10.98.0.1/24 dev mid
	on_server ip -6 addr add fd98::1/64 dev mid nodad
	on_server ip link set mid up
	on_target ip addr add $TARGET4/24 dev end
	on_target ip -6 addr add $TARGET6/64 dev end nodad
	on_target ip link set end up
	on_target ip route add default via 10.98.0.1
	on_target ip -6 route add default via fd98::1
	on_server sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 \
		net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0
	in_ns ip route add 10.98.0.0/24 via $V4
	in_ns ip -6 route add fd98::/64 via $V6
	probe --wait "${READY_WITHIN}s" --down "[$TARGET6]:1" $TARGET4:1
}

on_target() {
	"${TARGET[@]}" "$@"
}

on_server() {
	"${SERVER[@]}" "$@"
}

# mksock in the server's namespace.
server_mk() {
	local NS=("${SERVER[@]}")
	mk "$@"
}

# One rule on a hook, in a table of its own: the server's INPUT unless told.
nft_rule() { # HOOK RULE...
	local hook=$1
	shift
	in_ns nft -f - <<-END
		table inet t_$hook {
			chain c { type filter hook $hook priority 0; $*; }
		}
	END
}

server_rule() { # HOOK RULE...
	local NS=("${SERVER[@]}")
	nft_rule "$@"
}

# A peer of tests/lib/peer in the server's namespace, or in ours without link().
peer() { # MODE ADDRESS PORT [ARG]
	local where=("${NS[@]}")
	((${#SERVER[@]})) && where=("${SERVER[@]}")
	spawn "${where[@]}" "$TOP/tests/lib/peer" "$@"
	await_line '^ready$'
}

# Runs a command in the client's namespace with this name server.
with_resolver() { # ADDRESS CMD...
	"$TOP/tests/lib/with-resolver" "$1" "$BATS_TEST_TMPDIR" "${NS[@]}" "${@:2}"
}

skip_unless_strace() {
	strace -o /dev/null -e inject=getppid:error=EINTR true 2>/dev/null ||
		skip "strace cannot trace here"
}

probe() {
	sockctl probe "$@"
}

# Probes one target twice, for people and as JSON, and checks outcome, reason and exit code;
# the JSON must be valid and say the same.
assert_outcome() { # CODE OUTCOME REASON_REGEX ARG...
	local code=$1 outcome=$2 reason=$3
	shift 3
	probe --json "$@"
	if ((status != code)) ||
		! jq -es --arg outcome "$outcome" --arg reason "$reason" '
			map(select(.type == "attempt"))[-1]
			| .outcome == $outcome and (.reason | test($reason))' <<<"$output" >/dev/null; then
		echo "want $code $outcome /$reason/, got $status: $output $stderr" >&2
		return 1
	fi
	assert_valid
	JSON=$output
	probe "$@"
	if ((status != code)) || ! [[ $output =~ \ $outcome\ +(.*)?${reason#^} ]]; then
		echo "for people: want $code $outcome /$reason/, got $status: $output $stderr" >&2
		return 1
	fi
}

# A value of the last attempt in JSON.
attempt() { # JQ_PATH
	jq -rs 'map(select(.type == "attempt"))[-1] | '"$1" <<<"$JSON"
}

# Of a scan: how many ports came to what, and which are open.
outcomes() {
	jq -cs 'map(select(.type == "summary"))[-1].outcomes' <<<"$output"
}

open_ports() {
	jq -rs 'map(select(.type == "attempt" and .outcome == "open").port) | sort | map(tostring) | join(" ")' <<<"$output"
}
