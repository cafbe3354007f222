# shellcheck shell=bash
# shellcheck disable=SC2016,SC2034,SC2119,SC2120,SC2154 # for other shells; the tests read, or set, what is set or read here
# Remedies are obeyed: a test builds the cause, takes the commands as they are printed, runs them in
# namespaces of its own, and finds the cause gone. What other programs would do, of which a test has
# none (systemd, docker and the like), lib/standin does to the control groups of the test.

STANDINS=(systemctl docker podman nerdctl crictl kubectl sudo runuser)

INITS=() # the processes 1: what they have started ends with them, and not with who spawned it

# Network, process and mount namespaces of the test's own, with stand-ins on PATH. Process 1 is
# cat, or what is told. Pids are those of the namespace: mksock and sockctl both say them.
remedy_ns() { # [CMD]...
	local name
	skip_unless_mounts "processes and /proc of the test's own"
	STANDIN_DIR=$BATS_TEST_TMPDIR/standin
	mkdir -p "$STANDIN_DIR/bin"
	# Every user finds them, or he would run the real ones.
	chmod 755 "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR" "$BATS_TEST_TMPDIR" 2>/dev/null || true
	cp "$TOP/tests/lib/standin" "$STANDIN_DIR/bin"
	for name in "${STANDINS[@]}"; do
		ln -sf standin "$STANDIN_DIR/bin/$name"
	done
	(($#)) || set -- cat
	spawn env "STANDIN_DIR=$STANDIN_DIR" "PATH=$STANDIN_DIR/bin:$PATH" unshare --pid --fork --kill-child \
		--mount --mount-proc --net "$TOP/tests/lib/netns-up" sh -c 'echo ready && exec "$@"' sh "$@"
	await_line '^ready$'
	NS_PID=$(pgrep -P "$PID")
	INITS+=("$NS_PID")
	NS=(nsenter --target "$NS_PID" --pid --mount --net
		env "STANDIN_DIR=$STANDIN_DIR" "PATH=$STANDIN_DIR/bin:$PATH")
}

# A control group whose path ends so, below the first hierarchy that takes one: sets CGROUP. It is
# removed when the test ends.
CGROUPS=()
cgroup() { # PATH [HIERARCHY]...
	local path=$1 top part parts
	IFS=/ read -ra parts <<<"$path"
	shift
	(($#)) || set -- unified . freezer
	for top in "${@/#//sys/fs/cgroup/}"; do
		[[ -e $top/cgroup.procs || -e $top/tasks ]] || continue
		CGROUP=$top
		for part in "${parts[@]}"; do
			CGROUP+=/$part
			[[ ! -d $CGROUP ]] || continue
			mkdir "$CGROUP" 2>/dev/null || continue 2
			CGROUPS=("$CGROUP" "${CGROUPS[@]}")
		done
		return 0
	done
	skip "no control group can be made here"
}

enter_cgroup() { # PID...
	local pid
	for pid; do
		in_ns sh -c 'echo "$1" >"$2/cgroup.procs"' sh "$pid" "$CGROUP" || skip "no process can be moved here"
	done
}

is_frozen() { # GROUP
	grep -qs 'frozen 1' "$1/cgroup.events" || grep -qs FROZEN "$1/freezer.state"
}

freeze() { # GROUP
	local file=$1/cgroup.freeze word=1
	[[ -e $file ]] || file=$1/freezer.state word=FROZEN
	[[ -e $file ]] || skip "this control group cannot be frozen"
	echo "$word" >"$file"
	until_true is_frozen "$1"
}

leave_namespaces() {
	local group
	for group in "${CGROUPS[@]}"; do
		[[ ! -e $group/cgroup.freeze ]] || echo 0 >"$group/cgroup.freeze" || true
		[[ ! -e $group/freezer.state ]] || echo THAWED >"$group/freezer.state" || true
	done
	((${#INITS[@]} == 0)) || kill -KILL "${INITS[@]}" 2>/dev/null || true
	INITS=()
	reap
	for group in "${CGROUPS[@]}"; do
		until_true rmdir_gone "$group"
	done
	CGROUPS=()
}

rmdir_gone() {
	rmdir "$1" 2>/dev/null || [[ ! -d $1 ]]
}

teardown() {
	leave_namespaces
	documents_are_valid
}

# What to do, as printed by the last inspect: the commands of --bindable or of the findings, or of
# one finding, one a line.
commands() { # [ID]
	jq -r --arg id "${1-}" 'select(.type == "bindable" or (.type == "finding" and ($id == "" or .id == $id))) |
		.commands[]' <<<"$output"
}

# What a test must not run: it would act outside of its namespaces.
is_harmless() { # COMMAND
	local name
	case $1 in
	*'sysctl -w net.ipv4.ip_unprivileged_port_start='* | *'sysctl -w net.ipv4.ip_local_reserved_ports='*) ;;
	*'sysctl -w net.ipv6.conf.'* | *'sysctl -w net.ipv4.conf.'* | *'sysctl -w net.mptcp.'*) ;;
	*'sysctl -w '*) return 1 ;;
	esac || return
	for name in "${STANDINS[@]}"; do
		[[ " $1 " != *" $name "* || $(in_ns bash -c "command -v $name") == "${STANDIN_DIR-none}/bin/$name" ]] || return
	done
}

# Runs commands as they stand, one after the other, by each kind of shell in turn: those that are
# told, or all that the last inspect printed.
obey() { # [COMMAND]...
	local command i=0 shell shells=()
	for shell in bash zsh fish; do
		! command -v $shell >/dev/null || shells+=("$shell")
	done
	(($#)) || mapfile -t < <(commands)
	(($#)) || set -- "${MAPFILE[@]}"
	(($#)) || fail "nothing to obey: $output"
	for command; do
		is_harmless "$command" || fail "not to be run by a test: $command"
		in_ns timeout "$READY_WITHIN" "${shells[i++ % ${#shells[@]}]}" -c "$command" || fail "does not work: $command"
	done
}

can_bind() { # ADDR [OPTION]...
	inspect -q --bindable "$@"
	((status == 0))
}

# The same commands stand in the text, each as a line of "next:".
next_in_text() { # OPTION...
	local want=$1 line
	shift
	inspect "$@"
	while IFS= read -r line; do
		grep -qxF -e "next: $line" -e "      $line" <<<"$output" || fail "no line of next: '$line': $output"
	done <<<"$want"
}
