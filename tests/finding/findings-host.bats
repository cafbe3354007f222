#!/usr/bin/env bats
# Findings about what the host as a whole runs out of. No test may take the machine there: the
# counters are those of a forged /proc, which only the test sees.

# shellcheck disable=SC2016 # words for an inner shell
load ../lib/helpers
load ../lib/findings

setup() {
	skip_unless_mounts 'forges /proc'
	! grep -q __asan_init "$SOCKCTL" || skip "a sanitized program reads its options and threads from /proc"
	netns
	mk listen:port=80
	FORGED=$BATS_TEST_TMPDIR/proc
	mkdir -p "$FORGED/thread-self/net" "$FORGED/sys/net/ipv4" "$FORGED/sys/net/netfilter" \
		"$FORGED/sys/fs" "$FORGED/net/stat"
	cp /proc/thread-self/net/{netstat,snmp,snmp6,sockstat} "$FORGED/thread-self/net"
	protocols 500 no
	forge sys/net/ipv4/tcp_mem '300	400	600'
	NS+=(unshare --mount sh -c 'mount --bind "$0" /proc && exec "$@"' "$FORGED")
}

# At once: a reader sees the old text or the new one.
forge() { # FILE TEXT
	printf '%s\n' "$2" >"$FORGED/$1.new"
	mv "$FORGED/$1.new" "$FORGED/$1"
}

protocols() { # PAGES YES-NO
	forge thread-self/net/protocols "protocol  size sockets  memory press maxhdr  slab module
TCPv6     2432      0     $1   $2     192   yes  kernel
TCP       2304      1     $1   $2     192   yes  kernel"
}

# This host finding, by "severity id", and no other; none without a word.
assert_host() { # [FINDING]
	findings "${@:2}"
	assert_found ${1:+"$1"}
}

@test "memory of TCP above a level, without pressure, is nothing to tell" {
	assert_host ''
}

@test "the kernel is under TCP memory pressure" {
	protocols 550 yes
	assert_host 'warning tcp-memory'
	assert_figures tcp-memory 'tcp_memory_pages == 550' 'tcp_memory_pressure_pages == 400' \
		'tcp_memory_limit_pages == 600' 'pressures_between_readings == 0'
	assert_text tcp-memory 'this host' '550 pages of memory' 'net.ipv4.tcp_mem is 300 400 600' \
		'under TCP memory pressure' 'next: .*sockctl inspect -p -o \+rmem_alloc'
	# Who asks for some sockets does not ask about the host.
	findings --port 80
	assert_found
}

@test "pressure in a network namespace that does not show the limit" {
	rm "$FORGED/sys/net/ipv4/tcp_mem"
	protocols 550 yes
	assert_host 'warning tcp-memory'
	assert_figures tcp-memory 'tcp_memory_pages == 550' 'tcp_memory_limit_pages == null'
	assert_valid
}

@test "TCP may have no more memory" {
	protocols 600 yes
	assert_host 'critical tcp-memory'
	assert_text tcp-memory 'may have no more: segments are dropped'
}

conntrack() { # COUNT MAX DROP...
	local drop
	mkdir -p "$FORGED/thread-self/net/stat"
	forge sys/net/netfilter/nf_conntrack_count "$1"
	forge sys/net/netfilter/nf_conntrack_max "$2"
	forge thread-self/net/stat/nf_conntrack "entries  clashres insert_failed drop early_drop
$(for drop in "${@:3}"; do printf '%08x  00000000 00000000 %08x 00000000\n' "$1" "$drop"; done)"
}

@test "a table of connection tracking with room, that was full once" {
	conntrack 949 1000 500 900
	assert_host ''
}

@test "a table of connection tracking that is full" {
	conntrack 1000 1000 500 900
	assert_host 'warning conntrack-full'
	assert_valid
	assert_figures conntrack-full 'tracked == 1000' 'tracked_limit == 1000' 'drops_between_readings == 0'
	assert_text conntrack-full 'this network namespace' '1000 connections are tracked, of at most 1000' \
		'no packet was dropped' 'next: conntrack -L'
}

# One of two processors drops more and more, until the test ends.
dropping() {
	local n
	for ((n = 500; ; n++)); do
		conntrack 980 1000 "$n" 900
	done
}

drops_seen() {
	findings && [[ $FOUND == *conntrack-full* ]]
}

@test "packets that find no room in the table of connection tracking" {
	conntrack 980 1000 500 900
	spawn dropping
	until_true drops_seen
	assert_found 'critical conntrack-full'
	assert_figures conntrack-full 'tracked == 980' 'drops_between_readings >= 1'
}

@test "many open files, and room for more" {
	forge sys/fs/file-nr '98999	0	100000'
	assert_host ''
	forge sys/fs/file-nr '98999	0	9223372036854775807'
	assert_host ''
}

@test "the host has no more open files" {
	forge sys/fs/file-nr '99500	0	100000'
	assert_host 'warning file-table-full'
	forge sys/fs/file-nr '100000	0	100000'
	assert_host 'critical file-table-full'
	assert_valid
	assert_figures file-table-full 'files == 100000' 'files_limit == 100000'
	assert_text file-table-full 'this host' '100000 files are open in all processes, of at most 100000' \
		'only processes with CAP_SYS_ADMIN'
}

@test "the table that says it is there is not the kernel's: nothing is known, nothing is told" {
	protocols 550 maybe
	forge sys/net/ipv4/tcp_mem '300 400'
	assert_host ''
}
