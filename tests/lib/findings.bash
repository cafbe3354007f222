# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154,SC2119,SC2120 # set here for the tests, set by helpers.bash; options are
# What the tests of findings share: the findings of the namespace as JSON and as words.

# Reads the findings at warning and above: FINDINGS is their JSON, one object a line; FOUND
# has "severity id" of each, sorted. That no row is shown is no failure. Options go to
# inspect; --findings=all adds the notes. Those of the kernel's counters, which all packets of
# the namespace add to, are left out: counter/triggers.bats is about them.
findings() { # [OPTION]...
	inspect --json --findings --allow-empty "$@"
	if ((status != 0)) || [[ -n $stderr ]]; then
		echo "inspect --findings: status $status, stderr: $stderr" >&2
		return 1
	fi
	FINDINGS=$(jq -c 'select(.type == "finding" and .id != "counter-rising")' <<<"$output")
	FOUND=$(jq -r '"\(.severity) \(.id)"' <<<"$FINDINGS" | sort)
	can_be_pasted
}

# Whatever is advised: each command is one of both shells, and a line of the advice.
can_be_pasted() {
	local commands shell
	commands=$(jq -r '.commands[]' <<<"$FINDINGS")
	[[ -n $commands ]] || return 0
	for shell in bash zsh; do
		! command -v $shell >/dev/null || $shell -n <<<"$commands" || {
			echo "$shell does not take: $commands" >&2
			return 1
		}
	done
	jq -es 'all(.[]; (.advice | split("\n")) as $lines | all(.commands[]; IN($lines[])))' \
		<<<"$FINDINGS" >/dev/null || {
		echo "not a line of its own: $FINDINGS" >&2
		return 1
	}
}

# What an ordinary user finds; notes about what he may not read are no fault.
findings_as_user() {
	sockctl_as_user inspect --json --findings --allow-empty
	FINDINGS=$(jq -c 'select(.type == "finding" and .id != "counter-rising")' <<<"$output")
	FOUND=$(jq -r '"\(.severity) \(.id)"' <<<"$FINDINGS" | sort)
	can_be_pasted
}

# These findings and no other: "severity id" each; none without words.
assert_found() { # [FINDING]...
	local want
	want=$(printf '%s\n' "$@" | sort)
	if [[ $FOUND != "$want" ]]; then
		echo "expected:" "$@" >&2
		echo "found:" >&2
		jq . <<<"$FINDINGS" >&2
		return 1
	fi
}

# A member of a finding, by jq: get ID .figures.drops
get() { # ID PATH
	jq -r --arg id "$1" "select(.id == \$id) | $2" <<<"$FINDINGS"
}

# Each figure of a finding has this value; a value like '>= 3' compares.
assert_figures() { # ID [KEY=VALUE | KEY OP VALUE]...
	local id=$1 word
	shift
	for word in "$@"; do
		if ! jq -se --arg id "$id" "map(select(.id == \$id))[0].figures | has(\"${word%%[ =<>!]*}\") and (.$word)" \
			<<<"$FINDINGS" >/dev/null; then
			echo "$id: not so: $word; figures:" >&2
			get "$id" .figures >&2
			return 1
		fi
	done
}

# The pids of a finding, once each.
culprits() { # ID
	jq -r --arg id "$1" 'select(.id == $id) | .processes | map(.pid) | unique | join(" ")' <<<"$FINDINGS"
}

# What people read: the words of the finding's paragraph, which is on stderr off a terminal.
assert_text() { # ID REGEX...
	local id=$1 paragraph regex
	shift
	inspect --findings --allow-empty "${TEXT_OPTIONS[@]}"
	paragraph=$(awk -v id="$id" '
		/^(critical|warning|note) / { on = $2 == id }
		/^$/ { on = 0 }
		on' <<<"$stderr")
	for regex in "$@"; do
		if ! [[ $paragraph =~ $regex ]]; then
			echo "$id: the text does not match '$regex':" >&2
			echo "$paragraph" >&2
			return 1
		fi
	done
}
TEXT_OPTIONS=()

# Waits until the kernel shows a socket that matches.
until_shown() { # OPTION... EXPRESSION
	inspect --no-findings --wait "${READY_WITHIN}s" "$@"
	if ((status != 0)); then
		echo "$* did not come: $stderr" >&2
		return 1
	fi
}

# Packets to this port are dropped from now on, in both directions.
drop_port() { # PORT
	in_ns nft -f - <<-END
		table inet test {
			chain in {
				type filter hook input priority 0
				tcp dport $1 drop
				tcp sport $1 drop
			}
		}
	END
}

ns_sysctl() { # NAME VALUE
	in_ns sh -c "echo '$2' > /proc/sys/net/$1"
}

LOOKS=${LOOKS-20}

load_on() { # CMD...
	while [[ -d $DIR && ! -e $DIR/enough ]]; do
		in_ns "$@" >/dev/null 2>&1 || true
	done
}

# Looks again and again while this load runs, which begins anew when it ends, and once when it is
# over.
silent_under() { # CMD...
	local looks load
	rm -f "$DIR/enough"
	load_on "$@" 3>&- &
	load=$!
	for ((looks = 0; looks < LOOKS; looks++)); do
		findings
		assert_found || break
	done
	touch "$DIR/enough"
	await_end "$load"
	((looks == LOOKS)) || return 1
	findings
	assert_found
}

# Looks until one sees the slow acceptor: in a single look its longest wait may be too short.
slow_in_some_look() { # LOOKS
	local looks=0
	until findings --findings=all && [[ $FOUND == *'note accept-slow'* ]]; do
		((looks++ < $1)) || fail "no look saw it slow: $FINDINGS"
	done
	assert_figures accept-slow 'accepts == 1' 'accepted >= 1'
	assert_contains "$(get accept-slow .summary)" 'slow, not stopped'
}
