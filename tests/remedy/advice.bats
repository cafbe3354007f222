#!/usr/bin/env bats
# What is advised works when it is obeyed: the commands are run as they stand.

load ../lib/helpers
load ../lib/remedy

setup() {
	for SHELL_NAME in bash zsh fish; do
		command -v $SHELL_NAME >/dev/null || skip "$SHELL_NAME is not installed"
	done
}

mk_as_nobody() { # SCENARIO...
	local NS=("${NS[@]}" setpriv --reuid=65534 --regid=65534 --clear-groups) MKSOCK=$BATS_TEST_TMPDIR/mksock
	mk "$@"
}

@test "who stops what is in the way, as advised, can bind" {
	local ask
	netns
	for ask in '127.0.0.1:8080' '[::]:8080' '*:8080' 'udp:127.0.0.1:8080'; do
		mk listen:port=8080 udp:port=8080,family=4
		inspect --json --bindable "$ask"
		assert_status 1
		assert_equal "$(commands)" "kill $MK_PID"
		obey
		until_true can_bind "$ask"
	done
}

@test "two that are in the way are both stopped" {
	netns
	in_ns ip address add 127.0.0.2/8 dev lo
	mk listen:port=8080
	local first=$MK_PID
	mk listen:port=8080,addr=127.0.0.2
	inspect --json --bindable 0.0.0.0:8080
	assert_status 1
	assert_equal "$(commands | sort)" "$(printf 'kill %s\n' "$first" "$MK_PID" | sort)"
	obey
	until_true can_bind 0.0.0.0:8080
}

@test "a stale file is removed, a directory is made, whatever they are called" {
	local dir=$BATS_TEST_TMPDIR name
	netns
	# shellcheck disable=SC2016 # not to be expanded, here or later
	for name in 'a b' "it's" '[x]*' '~' '$(touch injected)' '=cat' '!!' '-n'; do
		mk unix_bound:label=gone,path="$dir/stale"
		mk_more close:of=gone.bound
		mv "$dir/stale" "$dir/$name"
		inspect --json --bindable "$dir/$name"
		assert_status 1
		obey
		[[ ! -e $dir/$name && ! -e injected ]] || fail "$(commands)"
		inspect --json --bindable "$dir/$name/deeper/still/s"
		assert_json '.[0].causes[0].id == "no-directory"'
		obey
		[[ -d $dir/$name/deeper/still ]] || fail "$(commands)"
		can_bind "$dir/$name/deeper/still/s" || fail "$output"
		rm -r "${dir:?}/$name"
	done
}

@test "a loopback interface that is down is set up" {
	netns
	in_ns ip link set lo down
	inspect --json --bindable '[::1]:8080'
	assert_equal "$(commands)" 'ip link set lo up'
	obey
	can_bind '[::1]:8080' || fail "$output"
}

# A port may need a right and be taken: who does only one of both fails again.
@test "a low port that is taken: both the right and its holder are named, setting all free last" {
	skip_unless_root "another user must ask"
	netns
	in_ns sysctl -qw net.ipv4.ip_unprivileged_port_start=1024
	mk listen:port=80
	inspect --json --bindable 127.0.0.1:80 --as-user nobody
	assert_status 1
	assert_equal "$(commands)" "setcap cap_net_bind_service=+ep PROGRAM
kill $MK_PID"
	assert_json '.[0].next | test("or choose another port, from 1024 on$")'
	# Of the remedies for the right, the widest is told last, and not under next.
	assert_json '.[0] | (.next | test("sysctl") | not) and
		(.causes[0].commands == ["sysctl -w net.ipv4.ip_unprivileged_port_start=80"])'
	inspect --bindable 127.0.0.1:80 --as-user nobody
	assert_line --regexp '^next: setcap cap_net_bind_service=\+ep PROGRAM$'
	assert_line "      kill $MK_PID"
	assert_line "      or choose another port, from 1024 on"
}

@test "the program that was given the right binds the low port" {
	skip_unless_root "file capabilities are set"
	command -v setcap >/dev/null || skip "setcap is not installed"
	local program
	program=$(mktemp /var/tmp/sockctl-advice.XXXXXX)
	netns
	in_ns sysctl -qw net.ipv4.ip_unprivileged_port_start=1024
	cp "$SOCKCTL" "$program"
	chmod 755 "$program"
	inspect --json --bindable 127.0.0.1:80 --as-user nobody
	output=${output//PROGRAM/"$program"} obey || {
		rm "$program"
		skip "this file system takes no capabilities"
	}
	run --separate-stderr in_ns setpriv --reuid=65534 --regid=65534 --clear-groups "$program" \
		inspect --bindable 127.0.0.1:80
	rm "$program"
	assert_status 0
}

@test "sudo stands before what the one who asks may not do, and only there" {
	skip_unless_root "another user must ask"
	netns
	in_ns sysctl -qw net.ipv4.ip_unprivileged_port_start=1024
	mk listen:port=8080
	sockctl_as_user inspect --json --bindable 127.0.0.1:8080
	assert_equal "$(commands)" "sudo sockctl inspect --bindable 127.0.0.1:8080"
	sockctl_as_user inspect --json --bindable 127.0.0.1:80
	assert_equal "$(commands)" "sudo setcap cap_net_bind_service=+ep PROGRAM"
	sockctl_as_user inspect --json --bindable 192.0.2.1:8081
	assert_equal "$(commands)" "ip address"
	# What is one's own one may stop.
	cp "$MKSOCK" "$BATS_TEST_TMPDIR/mksock"
	chmod 755 "$BATS_TEST_TMPDIR" "$BATS_TEST_TMPDIR/mksock"
	mk_as_nobody listen:port=8082
	sockctl_as_user inspect --json --bindable 127.0.0.1:8082
	assert_regex "$(commands)" '^kill [0-9]+$'
}

@test "a service is stopped by its unit, a container by who runs it" {
	skip_unless_root "a cgroup is made"
	local group unit want
	for group in /sys/fs/cgroup{,/unified,/freezer,/none}; do
		[[ ! -e $group/cgroup.procs && ! -e $group/tasks ]] || break
	done
	netns
	while IFS='|' read -r unit want; do
		mkdir -p "$group/$unit" 2>/dev/null || skip "no cgroup can be made here"
		mk listen:port=8080
		echo "$MK_PID" >"$group/$unit/cgroup.procs" || skip "no process can be moved here"
		inspect --json --bindable 127.0.0.1:8080
		assert_equal "$(commands)" "${want/MK_PID/$MK_PID}"
		kill "$MK_PID"
		until_true can_bind 127.0.0.1:8080
		until_true rmdir "$group/$unit"
	done <<-'END'
		sockctl-test.service|systemctl stop sockctl-test.service
		sockctl-te\x2dst.service|systemctl stop $'sockctl-te\\x2dst.service'
		docker-0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef.scope|docker stop 0123456789ab
		sockctl-test.scope|kill MK_PID
	END
}

@test "root without the capabilities is sent to no sudo, but told which are missing" {
	skip_unless_root "capabilities are dropped"
	netns
	cp "$MKSOCK" "$BATS_TEST_TMPDIR/mksock"
	chmod 755 "$BATS_TEST_TMPDIR" "$BATS_TEST_TMPDIR/mksock"
	mk_as_nobody listen:port=8080
	local args
	for args in '--bindable 127.0.0.1:8080' '--bindable 127.0.0.1:80 --as-user nobody' '-lp' '--findings -l' '-l --group pid'; do
		# shellcheck disable=SC2086 # words
		run --separate-stderr in_ns setpriv \
			--bounding-set=-sys_ptrace,-dac_read_search,-dac_override,-bpf,-perfmon,-sys_admin,-net_admin \
			"$SOCKCTL" inspect $args
		no_crash
		# shellcheck disable=SC2154 # run sets it
		refute_regex "$output$stderr" 'sudo'
		[[ $args == *nobody || $args == --findings* ]] || assert_contains "$output$stderr" CAP_SYS_PTRACE
	done
}

@test "a tunnel that is removed as advised frees its port" {
	local name
	skip_unless_root "a device is made"
	skip_unless_first_pid_namespace
	netns
	name=$(printf 'vx-\303\274$(x)')
	in_ns ip link add "$name" type vxlan id 7 dstport 4700 2>/dev/null || skip "this kernel makes no vxlan"
	in_ns ip link set "$name" up
	inspect --json --bindable udp:0.0.0.0:4700
	assert_status 1
	assert_json '.[0].causes[0].id == "kernel-socket"'
	obey
	until_true can_bind udp:0.0.0.0:4700
}
