# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # set here for the tests; set by helpers.bash
# Two hosts, each in a namespace of its own, with a path of the test's own between them
# (tests/lib/path).

# Connections end here; the path to it begins at HERE.
hosts_on_a_path() { # [WORD OF path]...
	local sides=()
	skip_unless_root 'makes veth pairs and packet sockets'
	netns
	THERE=("${NS[@]}") sides+=("$NS_PID")
	netns
	HERE=("${NS[@]}") sides+=("$NS_PID")
	netns
	in_ns ip link add name there type veth peer name veth0 netns "${sides[0]}"
	in_ns ip link add name here type veth peer name veth0 netns "${sides[1]}"
	in_ns ip link set there up
	in_ns ip link set here up
	spawn "${NS[@]}" "$TOP/tests/lib/path" "$@" here there
	await_line '^ready$'
	NS=("${THERE[@]}")
	address 10.0.0.1
	takes_all 10.0.0.1:4711
	takes_all 10.0.0.1:4712
	NS=("${HERE[@]}")
	address 10.0.0.2
}

# A server that takes what is sent to it.
takes_all() { # ADDRESS
	spawn "${NS[@]}" sh -c 'exec "$0" listen -k --recv-only "$1" >/dev/null' "$SOCKCTL" "$1"
	until_shown -l "src = $1"
}

# A packet of the path is a segment, as on a cable.
address() { # ADDRESS
	in_ns ip link set veth0 gso_max_segs 1
	in_ns ip addr add "$1/24" dev veth0
	in_ns ip link set veth0 up
}
