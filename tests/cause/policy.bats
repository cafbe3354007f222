#!/usr/bin/env bats
# A call that a policy refuses: Landlock, seccomp, a BPF program of the control group. No
# permission and no route denies it, and it is no old kernel.

load ../lib/helpers

setup() {
	CONFINE=$TOP/tests/lib/confine
	netns
}

# Under a policy, in the namespace.
confined() { # HOW ARG...
	local how=$1
	shift
	[[ $1 == "$CONFINE" ]] || set -- "$SOCKCTL" "$@"
	run --separate-stderr in_ns "$CONFINE" "$how" "$@"
	((status != 77)) || skip "this kernel has no $how"
	no_crash
}

bindable() { # HOW ADDR
	confined "$1" inspect --json --bindable "${@:2}"
	output=$(jq -r 'select(.type == "bindable") | .bindable, (.causes[] | .id, .summary)' <<<"$output")
	mapfile -t lines <<<"$output"
}

@test "--bindable: its own test is refused: a policy, not an old kernel" {
	local how
	for how in landlock:bind seccomp:bind:EACCES seccomp:bind:EPERM; do
		bindable "$how" 127.0.0.1:8080
		assert_status 3
		assert_line --index 0 null
		assert_line --index 1 policy
		assert_line --index 2 --regexp '^not even a port that the kernel chooses can be bound here: a policy of this host refuses it \((Permission denied|Operation not permitted)\): '
		bindable "$how" 127.0.0.1:8080 --try
		assert_status 1
		assert_line --index 1 policy
		assert_line --index 2 --regexp '^a policy of this host refuses it \('
	done
	assert_contains "$output" 'a BPF program or its seccomp filter'
	# What else is in the way is said all the same.
	mk listen:port=8081
	bindable landlock:bind 127.0.0.1:8081
	assert_status 1
	# Landlock hides who has it, even from root; not from the program that asks the kernel.
	[[ $("$SOCKCTL" --version) != *bpf* ]] || assert_line --index 1 listener
	confined landlock:bind "$CONFINE" seccomp:bpf:EPERM "$SOCKCTL" inspect --json --bindable 127.0.0.1:8081
	assert_regex "$(jq -r '.causes[]? | .summary' <<<"$output")" '^the kernel, or a (process that is not visible here,|thread that was not searched .*) listens on 127\.0\.0\.1:8081$'
	# Without a policy.
	inspect --bindable 127.0.0.1:8080
	assert_line --index 0 "yes: 127.0.0.1:8080 can be bound"
}

@test "--bindable: the range of ports is full: another port serves the test" {
	in_ns sysctl -qw net.ipv4.ip_local_port_range="40000 40003"
	mk listen:port=40000,addr=0.0.0.0 listen:label=b,port=40001,addr=0.0.0.0 \
		listen:label=c,port=40002,addr=0.0.0.0 listen:label=d,port=40003,addr=0.0.0.0
	inspect --bindable 127.0.0.1:8080
	assert_line --index 0 "yes: 127.0.0.1:8080 can be bound"
	assert_status 0
	inspect --json --state bound-inactive
	assert_status 1
	assert_json '[.[] | select(.type == "note" and .id == "bound-not-listed")] == []'
}

@test "--bindable: a test that fails otherwise is told as what it is" {
	command -v strace >/dev/null || skip "strace is not installed"
	local calls=$BATS_TEST_TMPDIR/calls n
	in_ns "${STRACE[@]}" -qq -o "$calls" -e trace=bind "$SOCKCTL" inspect --bindable 127.0.0.1:8080
	n=$(grep -n 'AF_INET,' "$calls" | head -1 | cut -d: -f1)
	run --separate-stderr in_ns "${STRACE[@]}" -o /dev/null -e trace=bind -e "inject=bind:error=EADDRINUSE:when=$n+" \
		"$SOCKCTL" inspect --bindable 127.0.0.1:8080
	assert_status 3
	assert_contains "$output" 'whether this kernel lists them could not be tried (Address already in use)'
	in_ns "${STRACE[@]}" -qq -o "$calls" -e trace=bind "$SOCKCTL" inspect --state bound-inactive || true
	n=$(grep -n 'AF_INET,' "$calls" | head -1 | cut -d: -f1)
	run --separate-stderr in_ns "${STRACE[@]}" -o /dev/null -e trace=bind -e "inject=bind:error=EADDRINUSE:when=$n+" \
		"$SOCKCTL" inspect --state bound-inactive
	assert_status 3
	assert_contains "$stderr" 'whether there are sockets that are only bound is not known'
}

@test "connect, probe: one explainer, for TCP, a path and an abstract name" {
	local how target dir
	dir=$(mktemp -d /tmp/sockctl-tests.XXXXXX)
	mk listen:port=80 unix_listen:path="$dir/s",label=file
	for how in landlock:connect seccomp:connect:EACCES seccomp:connect:EPERM; do
		for target in 127.0.0.1:80 "unix:$dir/s" unix:@none; do
			[[ $how != landlock:* || $target != unix:* ]] || continue
			confined "$how" connect --json "$target" </dev/null
			assert_status 3
			assert_valid "$stderr"
			assert_equal "$(jq -r 'select(.causes).causes[].id' <<<"$stderr")" policy
			output=$(jq -r 'select(.causes).causes[0].summary' <<<"$stderr")
			assert_output --regexp '^a policy of this host refuses it \((Permission denied|Operation not permitted)\): a BPF program'
			[[ $how != seccomp:* ]] || assert_output --regexp 'its seccomp filter'
			[[ $how != landlock:* ]] || assert_output --regexp 'Landlock'
			local said=$output
			confined "$how" probe --json "$target"
			assert_status 3
			assert_equal "$(jq -r 'select(.type == "summary") | .outcome, .cause' <<<"$output")" "denied-local
$said"
		done
	done
	rm -r "$dir"
}

@test "connect: Landlock's scope of abstract names says EPERM" {
	mk unix_listen:abstract=scoped
	confined landlock:abstract connect --json unix:@scoped </dev/null
	assert_status 3
	assert_regex "$stderr" '"policy".*\(Operation not permitted\).*Landlock'
}

@test "listen: a path that Landlock does not let it make" {
	confined landlock:make-sock listen --json "unix:$BATS_TEST_TMPDIR/s"
	assert_status 3
	assert_equal "$(jq -r 'select(.causes).causes[].id' <<<"$stderr")" policy
	assert_contains "$stderr" Landlock
}

@test "connect: a prohibit route is no policy of a program" {
	in_ns ip route add prohibit 192.0.2.0/24
	run --separate-stderr in_ns "$SOCKCTL" connect --json 192.0.2.1:80 </dev/null
	assert_status 3
	assert_equal "$(jq -r 'select(.causes).causes[].id' <<<"$stderr")" denied-local
	run --separate-stderr in_ns "$SOCKCTL" probe 192.0.2.1:80
	assert_contains "$output" 'a prohibit route'
}

@test "a BPF program of the control group that forbids connect() and bind()" {
	skip_unless_root "a program is attached"
	command -v bpftool clang >/dev/null || skip "bpftool or clang is not installed"
	local top group=sockctl-tests.$$ pin=/sys/fs/bpf/sockctl-tests.$$
	top=$(awk '/ - cgroup2 / { print $5; exit }' /proc/self/mountinfo)
	[[ $top && -w $top ]] || skip "no cgroup v2 here"
	cat >"$BATS_TEST_TMPDIR/deny.c" <<-'END'
		__attribute__((section("cgroup/connect4"), used)) int deny_connect(void *c) { return 0; }
		__attribute__((section("cgroup/bind4"), used)) int deny_bind(void *c) { return 0; }
		char _license[] __attribute__((section("license"), used)) = "GPL";
	END
	clang -O2 -target bpf -c "$BATS_TEST_TMPDIR/deny.c" -o "$BATS_TEST_TMPDIR/deny.o" || skip "no BPF target"
	mkdir "$top/$group" || skip "no control group can be made"
	# shellcheck disable=SC2016
	run --separate-stderr in_ns unshare --mount bash -c '
		mount -t bpf none /sys/fs/bpf || exit 77
		bpftool prog loadall "$1" /sys/fs/bpf/deny >&2 || exit 77
		bpftool cgroup attach "$2" cgroup_inet4_connect pinned /sys/fs/bpf/deny/deny_connect >&2 || exit 77
		bpftool cgroup attach "$2" cgroup_inet4_bind pinned /sys/fs/bpf/deny/deny_bind >&2 || exit 77
		echo $$ >"$2/cgroup.procs" || exit 77
		"$3" connect 127.0.0.1:80 </dev/null
		"$3" probe 127.0.0.1:80
		"$3" inspect --bindable 127.0.0.1:8080
		exit 0' bash "$BATS_TEST_TMPDIR/deny.o" "$top/$group" "$SOCKCTL"
	local code=$status
	rmdir "$top/$group"
	((code != 77)) || skip "no such program can be attached: ${stderr:0:200}"
	assert_regex "$stderr" 'policy +a policy of this host refuses it \(Operation not permitted\): a BPF program'
	assert_regex "$output" 'denied-local .*'
	assert_contains "$output" 'a policy of this host refuses it (Operation not permitted): a BPF program'
	assert_contains "$output" 'not even a port that the kernel chooses can be bound here'
}
