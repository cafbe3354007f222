#!/usr/bin/env bats
# Text of strangers in every form of output: no byte of it reaches a terminal as a command, no
# line is forged, JSON stays JSON, --ascii is ASCII.
# shellcheck disable=SC2154 # run sets stderr

load ../lib/helpers
load ../lib/inspect
load ../lib/endpoint

# What ends a line, moves the cursor, hides or turns round what follows, and is no UTF-8.
EVIL=$'\nFORGED \e[31m\e]0;x\a\r\b\x7f\xc2\x9b\xc2\xad\xe2\x80\xae\xe2\x80\x8b\xe2\x81\xa6\xef\xbb\xbf\xf3\xa0\x80\xa1\xff\t"\\end'

# Runs sockctl; stdout and stderr must both be harmless. FORM is table, raw, json, events
# (JSON on stderr).
deceives_nobody() { # FORM ARGS...
	local form=$1 out=$BATS_TEST_TMPDIR/o err=$BATS_TEST_TMPDIR/e strict=() strict_err=()
	shift
	[[ $form != json ]] || strict=(--json)
	[[ $form != raw ]] || strict=(--tabs)
	[[ $form != events ]] || strict_err=(--json)
	[[ " $* " != *" --ascii "* ]] || strict+=(--ascii)
	status=0
	timeout 60 "${NS[@]}" "$SOCKCTL" "$@" </dev/null >"$out" 2>"$err" || status=$?
	# 127: the command after -- is missing.
	((status != 99 && (status < 124 || status == 127))) || fail "status $status of $*: $(<"$err")"
	"$TOP/tests/lib/harmless" "${strict[@]}" "$out" "${strict_err[@]}" "$err" || fail "of: $*"
}

hostile_world() {
	local line
	netns
	mkdir "$BATS_TEST_TMPDIR/w"
	spawn "${NS[@]}" "$TOP/tests/lib/hostile" "$BATS_TEST_TMPDIR/w"
	IFS= read -r -t "$READY_WITHIN" -u "$OUT" line
	read -r FULL GREETS <<<"${line#ready }"
	is_root || return 0
	in_ns ip link add $'d\e[31m\xe2\x80\xae"\\' type veth peer name other
	in_ns ip -6 addr add fe80::5/64 dev $'d\e[31m\xe2\x80\xae"\\' nodad
	in_ns ip link set $'d\e[31m\xe2\x80\xae"\\' up
	in_ns ip link set other up
}

@test "the scanner finds what it is for" {
	local bad
	for bad in $'a\x1bb\n' $'a\rb\n' $'\xff\n' $'\xc2\x9b\n' $'\xe2\x80\xae\n' $'\xe2\x80\x8b\n' \
		$'FORGED\n' $'\xf3\xa0\x80\xa1\n' 'no end'; do
		run "$TOP/tests/lib/harmless" < <(printf %s "$bad")
		assert_failure
	done
	run "$TOP/tests/lib/harmless" --json <<<'{"a":1,"a":2}'
	assert_failure
	run "$TOP/tests/lib/harmless" --json <<<'{"a":"\ud800"}'
	assert_failure
	run "$TOP/tests/lib/harmless" --ascii <<<$'\xc3\xbc'
	assert_failure
	run "$TOP/tests/lib/harmless" --json <<<$'{"a":"\\u202e \xc3\xbc"}'
	assert_success
}

@test "inspect: names of programs, paths and devices in tables, raw, JSON, groups and findings" {
	local ascii cols=+process,peer_process,path,unit,cgroup,device,user
	hostile_world
	if is_root; then
		spawn "${NS[@]}" sh -c 'exec "$@" 2>&1' sh "$SOCKCTL" listen --keep \
			"[fe80::5%"$'d\e[31m\xe2\x80\xae"\\'"]:80"
		await_line '^listening on '
	fi
	for ascii in '' --ascii; do
		deceives_nobody table inspect -tux -p -o "$cols" --findings=all $ascii
		grep -q 'F\\xe2\\x80\\xae' "$BATS_TEST_TMPDIR/o" || fail "no hostile name is there"
		deceives_nobody raw inspect -tux -p -o "$cols" --format raw $ascii
		deceives_nobody json inspect -tux -p -o "$cols" --json --findings=all $ascii
		assert_json_in "$(<"$BATS_TEST_TMPDIR/o")" 'any(.[]; .type == "finding") and
			any(.[]; (.processes // [])[].command == "\n\u001b[31mF\u202e\u200b")'
		deceives_nobody table inspect -tux --group process $ascii
		deceives_nobody raw inspect -tux --group process --format raw $ascii
		deceives_nobody json inspect -tux --group local --json $ascii
	done
	deceives_nobody table inspect --wait 1ms --until-gone "sport = :$FULL"
	deceives_nobody table inspect -x --wait 1ms --until-gone
	deceives_nobody table inspect --fail-fill 1 --fail-drops --fail-if "process = '$EVIL' or sport = :$FULL"
	deceives_nobody table inspect --bindable "127.0.0.1:$FULL"
	deceives_nobody json inspect --json --bindable "127.0.0.1:$FULL"
	deceives_nobody table inspect --bindable "127.0.0.1:$FULL" --ascii
}

# The listener in it has been ended by then.
teardown_file() {
	[[ ! -s $BATS_FILE_TMPDIR/group ]] || rmdir "$(<"$BATS_FILE_TMPDIR/group")"
}

@test "inspect: the name of a control group and of the unit that it is" {
	local group port ascii cols=cgroup,unit,local
	is_root || skip "only root makes a control group"
	group=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
	[[ -n $group ]] || skip "no cgroup2 is mounted"
	# The kernel takes every byte but a newline.
	group+="/sockctl-$$-${EVIL//$'\n'/}"$'\xe2\x80\xa8\xed\xa0\x80\xc0\xaf.service'
	mkdir "$group" 2>/dev/null || skip "no control group can be made"
	printf %s "$group" >"$BATS_FILE_TMPDIR/group"
	# shellcheck disable=SC2016 # expanded by the inner shell
	spawn bash -c 'echo $$ >"$1/cgroup.procs" && exec "${@:2}" 2>&1' bash "$group" \
		"$SOCKCTL" listen --keep --port-file "$BATS_TEST_TMPDIR/port" 127.0.0.1:0
	await_line '^listening on '
	port=$(<"$BATS_TEST_TMPDIR/port")
	port=${port##*:}
	for ascii in '' --ascii; do
		deceives_nobody table inspect "sport = :$port" -o "$cols" $ascii
		grep -q 'sockctl-.*\\xe2\\x80\\xae' "$BATS_TEST_TMPDIR/o" || fail "no hostile name is there"
		deceives_nobody raw inspect "sport = :$port" -o "$cols" --format raw $ascii
		deceives_nobody json inspect "sport = :$port" -o "$cols" --json $ascii
		assert_json_in "$(<"$BATS_TEST_TMPDIR/o")" '.[0] | (.cgroup | endswith(".service")) and (.unit | endswith(".service"))
			and (.cgroup_hex | length > 100)'
		deceives_nobody table inspect "sport = :$port" --group cgroup $ascii
		deceives_nobody json inspect "sport = :$port" --group unit --json $ascii
	done
	deceives_nobody table inspect --bindable "127.0.0.1:$port"
	deceives_nobody json inspect --json --bindable "127.0.0.1:$port"
}

@test "probe: targets, reasons, banners and causes" {
	local ascii target
	hostile_world
	cd "$BATS_TEST_TMPDIR/w"
	for target in "$EVIL" "unix:/no/$EVIL" "unix:@$EVIL" "127.0.0.1:$FULL" "127.0.0.1:$GREETS" \
		"127.0.0.1:9" "unix:./"*FORGED*end "host$EVIL:80"; do
		deceives_nobody table probe -T 300ms "$target"
		deceives_nobody table probe -v -T 300ms --attempts 2 --interval 0 "$target" 127.0.0.1:9
		deceives_nobody json probe -T 300ms --json "$target"
		deceives_nobody table probe -T 300ms --banner "$target"
		deceives_nobody table probe --wait 20ms "$target" 127.0.0.1:9
		deceives_nobody table probe -T 300ms --measure-backlog --max 4 "$target"
		deceives_nobody json probe -T 300ms --json --measure-backlog --max 4 "$target"
	done
	deceives_nobody json probe -T 300ms --banner --json "127.0.0.1:$GREETS"
	deceives_nobody table probe -T 300ms --http=/ "127.0.0.1:$GREETS"
	deceives_nobody table probe -T 300ms --http="/$EVIL" --expect "$EVIL" "127.0.0.1:$GREETS"
	deceives_nobody table probe -T 300ms --send "$EVIL" --expect "/no$EVIL/" "127.0.0.1:$GREETS"
	deceives_nobody table probe -T 300ms "host$EVIL:1-40"
	deceives_nobody json probe -T 300ms --json "host$EVIL:1-40"
	printf '%s\n' "127.0.0.1:9" "x${EVIL#?}" "unix:/no/x"$'\e[31m' >"$BATS_TEST_TMPDIR/targets"
	deceives_nobody table probe -T 300ms --targets "$BATS_TEST_TMPDIR/targets"
	printf '%s\n' "unix:/no/x"$'\e[31m' "unix:/no/y"$'\xe2\x80\xae' >"$BATS_TEST_TMPDIR/targets"
	deceives_nobody table probe -T 300ms --targets "$BATS_TEST_TMPDIR/targets"
	deceives_nobody table probe 127.0.0.1:"$GREETS" -- "no-such-$EVIL"
}

@test "endpoints: ready line, events, trace, report, port file, children" {
	local path i how forms=('' '--json' '-v --trace --report' '--json --trace') form strict said
	netns
	cd "$BATS_TEST_TMPDIR"
	path="unix:./s"${EVIL//[$'\n\\']/}
	for i in "${!forms[@]}"; do
		said=$BATS_TEST_TMPDIR/said.$i form=table strict=()
		[[ ${forms[i]} != *--json* ]] || form=events strict=(--json)
		read -ra how <<<"${forms[i]}"
		# shellcheck disable=SC2016 # the inner shell expands it
		spawn "${NS[@]}" sh -c 'said=$1; shift; "$@" 2>&1 | tee "$said"' sh "$said" \
			"$SOCKCTL" listen "${how[@]}" --max 1 --sh "exit 3" "$path"
		await_line 'listening'
		cat <&"$OUT" >/dev/null &
		deceives_nobody "$form" connect "${how[@]}" "$path"
		await_end "$PID" any
		"$TOP/tests/lib/harmless" "${strict[@]}" <"$said"
	done
	deceives_nobody table listen --background --port-file p "$path"
	assert_equal "$status" 3
	refute test -e p
	refute test -e "${path#unix:}"
	deceives_nobody table listen --exec "no $EVIL" --max 1 -T 1ms 127.0.0.1:0
	deceives_nobody table listen --exec "no '$EVIL" 127.0.0.1:0
	deceives_nobody table connect "unix:/no/$EVIL"
	deceives_nobody events connect --json "unix:/no/$EVIL"
	deceives_nobody table connect --expect "$EVIL" --send "$EVIL" 127.0.0.1:9
}

@test "a port file has a path with blanks and backslashes as connect takes it" {
	netns
	cd "$BATS_TEST_TMPDIR"
	serve listen --port-file p --reply yes 'unix:./a b\c'
	assert_equal "$(<p)" 'unix:./a b\c'
	sockctl connect --send x "$(<p)"
	assert_output yes
}

@test "help of errors: every argument that is refused is quoted without its bytes" {
	local command option
	for option in "$EVIL" "--$EVIL" "-$EVIL" "--json=$EVIL" "--color=$EVIL"; do
		deceives_nobody table "$option"
		deceives_nobody table help "$option"
		for command in inspect listen connect echo probe porcelain; do
			deceives_nobody table "$command" "$option"
		done
	done
	for option in -o --sort --group --state --port --pid --process --user --src --dst --netns --from \
		--explain --fail-if --fail-fill --limit --bindable --wait --format --findings= -O --record; do
		[[ $option == *= ]] || option+=" "
		if [[ $option == *= ]]; then
			deceives_nobody table inspect "$option$EVIL"
		else
			deceives_nobody table inspect "${option% }" "/no/$EVIL"
			deceives_nobody table inspect "${option% }" "$EVIL"
		fi
	done
	rm -f -- "$EVIL"
	deceives_nobody table inspect "sport = $EVIL"
	deceives_nobody table inspect "\"$EVIL\" = \"$EVIL\""
	deceives_nobody table inspect --bindable 127.0.0.1:1 --as-user "$EVIL"
	for option in -O --source --interface --lab --send --expect --idle --retry --rate --chunk; do
		deceives_nobody table connect "$option" "$EVIL" 127.0.0.1:9
		deceives_nobody table connect "$option" "@/no/$EVIL" 127.0.0.1:9
	done
	for option in --port-file --backlog --output --exec --http --lab --max -w; do
		deceives_nobody table listen -T 1ms "$option" "/no/$EVIL" 127.0.0.1:0
	done
	for option in --targets --netns --source --interface --mark --option --timeout --rate --http=; do
		[[ $option == *= ]] || option+=" "
		deceives_nobody table probe -T 10ms "${option% }${option:+}" "/no/$EVIL" 127.0.0.1:9
	done
	LISTEN_FDS=$EVIL LISTEN_PID=$EVIL deceives_nobody table listen fd:
	TERM=$EVIL COLUMNS=$EVIL LC_ALL=$EVIL LANG=$EVIL deceives_nobody table inspect --limit 1
	deceives_nobody table listen "$EVIL"
	deceives_nobody table echo "$EVIL" "$EVIL"
}

@test "an argument of any length leaves what is wrong with it in the sentence" {
	local long
	long=$(printf 'ü%.0s' {1..3000})
	sockctl probe "--timeout=$long" 127.0.0.1:9
	assert_refused 2 "^sockctl probe: --timeout: 'ü+ \.\.\. ü+' is not a duration"
	sockctl inspect --user "$long"
	assert_refused 2 "ü"
	deceives_nobody table probe "--timeout=$long" 127.0.0.1:9
	deceives_nobody table connect "unix:/$long"
	deceives_nobody table inspect --from "/no/$long"
	assert_regex "$(<"$BATS_TEST_TMPDIR/e")" 'File name too long|No such file'
}

# A command line that is put together elsewhere is quoted for no shell, and says sudo to root.
# `model/advice.c` has them all; what stands in a message as it is, has nothing put into it.
@test "no command line with a value in it is written outside of the table of advice" {
	local words='systemctl|docker|podman|crictl|kill|cat|ls|gdb|sysctl|ip|nsenter|setcap|prlimit|conntrack|nft|rm|mkdir|ping|ss'
	composed() { # [FILE]...
		grep -nE "\"([^\"]*[ ':(])?(sudo |($words) [^\"]*%[a-z.*]|sockctl (probe|connect|inspect|listen|echo) [^\"]*%)" "$@" /dev/null |
			grep -vE '^[^:]*/(advice\.[ch]|main\.c):|TRY_SUDO|so sudo does not work'
	}
	printf '%s\n' 'say("rm %s");' 'say("see: cat /proc/%d/x");' 'say("or kill %d");' 'hint("ip link lists them");' \
		'say("sudo reboot");' 'printf("sockctl probe %s");' >"$BATS_TEST_TMPDIR/sample.c"
	run composed "$BATS_TEST_TMPDIR/sample.c"
	assert_equal "${#lines[@]}" 5
	mapfile -t files < <(find "$BATS_TEST_DIRNAME/../../src" -name '*.[ch]')
	run composed "${files[@]}"
	assert_output ""
}
