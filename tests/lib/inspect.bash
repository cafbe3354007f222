# shellcheck shell=bash
# shellcheck disable=SC2154 # run and the facts of mksock set what is read here
# What the suites of `sockctl inspect` share: rows as JSON, held against mksock's facts.

# Findings are tested apart; elsewhere they are left out.
NO_FINDINGS=(--no-findings)

inspect_table() {
	inspect "${NO_FINDINGS[@]}" "$@"
}

# Runs inspect as JSON Lines; anything but a complete answer without a word on stderr fails.
inspect_json() {
	inspect --json "$@"
	assert_clean
	assert_json '.[-1].type == "end" and .[-1].complete'
}

# The socket rows of the last output, or those with a cookie.
rows() { # [COOKIE]
	jq -c --arg cookie "${1-}" \
		'select(.type == "socket" and ($cookie == "" or .cookie == $cookie))' <<<"$output"
}

count_rows() {
	jq -s 'map(select(.type == "socket")) | length' <<<"$output"
}

# A value of the row whose cookie mksock told: null where the key is not there.
value_of() { # LABEL.ROLE KEY
	jq -c --arg cookie "${F[$1.cookie]}" --arg key "$2" \
		'select(.type == "socket" and .cookie == $cookie) | .[$key]' <<<"$output"
}

# The row whose cookie mksock told has the key, and the expression is true of its value.
assert_value() { # LABEL.ROLE KEY EXPRESSION [JQ_OPTION]...
	assert_json_in "$(value_of "$1" "$2")" "length == 1 and (.[0] | $3)" "${@:4}"
}

# One row, and these values (JSON literals, or bare words for strings).
assert_row() { # LABEL.ROLE KEY=VALUE...
	local name=$1 row wrong
	shift
	[[ -n ${F[$name.cookie]-} ]] || fail "mksock told of no $name" || return
	row=$(rows "${F[$name.cookie]}")
	if [[ $(wc -l <<<"$row") != 1 || -z $row ]]; then
		echo "$name: want one row, got: $row" >&2
		echo "output: $output" >&2
		return 1
	fi
	wrong=$(jq -r '. as $row | $ARGS.positional[] | (index("=") as $at | [.[:$at], .[$at + 1:]]) as [$key, $want] |
		select($row | (has($key) and ((.[$key] | tojson) == $want or .[$key] == $want)) | not)' \
		--args -- "$@" <<<"$row") || return
	[[ -z $wrong ]] || fail "$name: not ${wrong//$'\n'/, not } in $row"
}

# Address and port of a fact like [::1]:80, as JSON has them.
fact_address() { # FACT
	local a=${1%:*}
	a=${a#[}
	echo "${a%]}"
}

# The row says what mksock said: state, addresses, inode.
assert_facts() { # LABEL.ROLE
	local want=(state="${F[$1.state]}" inode="${F[$1.inode]}"
		local_addr="$(fact_address "${F[$1.local]}")" local_port="${F[$1.local]##*:}")
	if [[ ${F[$1.peer]} != - ]]; then
		want+=(peer_addr="$(fact_address "${F[$1.peer]}")" peer_port="${F[$1.peer]##*:}")
	fi
	assert_row "$1" "${want[@]}"
}

# The names of the sockets of the last output that mksock told of, sorted; others as "?".
labels() {
	local name cookie
	declare -A name_of=()
	for name in "${!F[@]}"; do
		[[ $name == *.cookie ]] && name_of[${F[$name]}]=${name%.cookie}
	done
	while read -r cookie; do
		echo "${name_of[$cookie]-?}"
	done < <(jq -r 'select(.type == "socket").cookie' <<<"$output") | LC_ALL=C sort
}

# The expression matches exactly these sockets; no socket at all is exit code 1.
assert_matches() { # OPTIONS-AND-EXPRESSION... -- LABEL.ROLE...
	local args=() want=()
	while (($#)) && [[ $1 != -- ]]; do
		args+=("$1")
		shift
	done
	shift
	want=("$@")
	inspect --json "${args[@]}"
	if ((status != (${#want[@]} == 0))) || [[ -n $(complaints) ]]; then
		echo "inspect ${args[*]}: status $status: $stderr" >&2
		return 1
	fi
	if [[ "$(labels)" != "$( ((${#want[@]} == 0)) || printf '%s\n' "${want[@]}" | LC_ALL=C sort)" ]]; then
		echo "inspect ${args[*]}: want ${want[*]}, got $(labels | tr '\n' ' ')" >&2
		return 1
	fi
}
