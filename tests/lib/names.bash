# shellcheck shell=bash
# shellcheck disable=SC2154 # set by helpers.bash
# shellcheck disable=SC2034 # what is set here is read by the suites
# Name servers of tests/lib/name-server in a namespace, and commands that ask them.

A=127.0.0.53
B=127.0.0.54
GONE=127.0.0.55

# A namespace with a server on port 80, and name servers: MODE=ADDRESS...
names() { # MODE=ADDRESS...
	local one
	skip_unless_mounts 'it mounts a resolv.conf'
	export ASKED=$BATS_TEST_TMPDIR/asked
	netns
	mk listen:addr=127.0.0.1,port=80,backlog=64
	for one; do
		spawn "${NS[@]}" "$TOP/tests/lib/name-server" "${one%%=*}" "${one#*=}" 127.0.0.1 ${SLOW-}
		await_line '^ready$'
	done
}

# Runs a command where these name servers are asked, each for a second unless told.
by() { # SERVERS ARG...
	local -x RESOLV_OPTIONS=${OPTIONS-timeout:1 attempts:1}
	run --separate-stderr "$TOP/tests/lib/with-resolver" "$1" "$BATS_TEST_TMPDIR" "${NS[@]}" "$SOCKCTL" "${@:2}" </dev/null
}

# probe, where these name servers are asked: code, outcome and reason of the JSON, which is
# valid.
served() { # SERVERS CODE OUTCOME REASON_REGEX ARG...
	by "$1" probe --json "${@:5}"
	JSON=$output
	assert_status "$2"
	assert_valid
	assert_equal "$(attempt .outcome)" "$3"
	assert_regex "$(attempt .reason)" "$4"
}

asked() { # ADDRESS: how often, 0 if never
	cat "$ASKED.$1" 2>/dev/null | wc -l
}
