#!/usr/bin/env bats
# Help, manual pages, completions and the tables of the program say the same.

# shellcheck disable=SC2154 # run sets stderr

load ../lib/helpers

setup() {
	tables=$BATS_TEST_TMPDIR
	"$SOCKCTL" porcelain options >"$tables/options"
	"$SOCKCTL" porcelain commands >"$tables/commands"
	"$SOCKCTL" porcelain fields >"$tables/fields"
	"$SOCKCTL" porcelain findings >"$tables/findings"
}

commands() {
	cut -f1 "$tables/commands"
}

# Those that have a manual page; that all have one is a test of its own.
documented() {
	local command
	for command in $(commands); do
		[[ -e $TOP/man/sockctl-$command.1 ]] && echo "$command"
	done
}

# Long names, and letters, of a command's options.
long_options() { # COMMAND
	awk -F '\t' -v c="$1" '$1 == c && $4 != "" { print $4 }' "$tables/options" | sort -u
}

letters() { # COMMAND
	awk -F '\t' -v c="$1" '$1 == c && $3 != "" { print $3 }' "$tables/options" | sort -u
}

# What is accepted for the sake of another tool's users is not offered.
offered_options() { # COMMAND
	awk -F '\t' -v c="$1" '$1 == c && $4 != "" && $6 != "ignored" { print $4 }' "$tables/options" | sort -u
}

# A manual page as plain text, one long line a paragraph.
page() { # NAME
	mandoc -T utf8 -O width=300 "$TOP/man/$1.1" | sed -e 's/.\x08//g'
}

# The options that a manual page defines, one an item: "--name" or "-x".
page_options() { # NAME
	grep -E '^\.It Fl' "$TOP/man/$1.1" |
		grep -oE 'Fl -?[A-Za-z0-9][A-Za-z0-9-]*' | sed -e 's/^Fl /-/' | sort -u
}

differences() { # FILE FILE
	diff "$1" "$2" | grep '^[<>]' || true
}

@test "the tables are tables: every line has all its fields" {
	run awk -F '\t' 'NF != 9' "$tables/options"
	assert_output ''
	run awk -F '\t' 'NF < 2 || $1 == ""' "$tables/commands"
	assert_output ''
	run awk -F '\t' 'NF < 4 || $1 == ""' "$tables/fields"
	assert_output ''
	assert_int "$(wc -l <"$tables/options") > 20"
	assert_int "$(wc -l <"$tables/fields") > 100"
	grep -q '^inspect' "$tables/commands"
}

@test "no two rows of a table have the same name" {
	run bash -c "cut -f1 '$tables/fields' | sort | uniq -d"
	assert_output ''
	run bash -c "awk -F '\t' '\$4 != \"\" { print \$1, \$4 }' '$tables/options' | sort | uniq -d"
	assert_output ''
	run bash -c "awk -F '\t' '\$3 != \"\" { print \$1, \$3 }' '$tables/options' | sort | uniq -d"
	assert_output ''
}

@test "one letter means one thing in all commands" {
	run bash -c "awk -F '\t' '\$3 ~ /^-[46tuxqvhVT]\$/ && \$4 != \"\" { print \$3, \$4 }' '$tables/options' |
		sort -u | cut -d' ' -f1 | uniq -d"
	assert_output ''
}

@test "sockctl --help lists every command with its summary, and no other" {
	local name summary
	sockctl --help
	assert_clean
	while IFS=$'\t' read -r name summary _; do
		assert_line --regexp "^  $name +$summary\$"
	done <"$tables/commands"
	grep -E '^  [a-z]+ {2,}' <<<"$output" | awk '{ print $1 }' | sort >"$tables/shown"
	commands | sort >"$tables/known"
	assert_equal "$(differences "$tables/known" "$tables/shown")" ''
}

@test "--help of each command lists every option, and only options that exist" {
	local command
	for command in $(commands); do
		sockctl "$command" --help
		assert_clean
		grep -oE -- '(^|[ ,])--[a-z][a-z0-9-]*' <<<"$(grep -E '^ {2,6}-' <<<"$output" |
			sed -E 's/^(.{28}).*/\1/; s/^( +(-., )?--[a-z0-9-]+).*/\1/')" | tr -d ' ,' | sort -u >"$tables/shown"
		long_options "$command" >"$tables/known"
		assert_equal "$(differences "$tables/known" "$tables/shown")" ''
	done
}

@test "help COMMAND and COMMAND --help say the same" {
	local command help
	for command in $(commands); do
		sockctl "$command" --help
		help=$output
		sockctl help "$command"
		assert_clean
		assert_equal "$output" "$help"
	done
}

@test "-h fits a screen of 80 columns and 40 lines" {
	local command n
	for command in $(commands); do
		sockctl "$command" -h
		assert_clean
		n=$(wc -l <<<"$output") # lines[] leaves empty ones out
		((n <= 40)) || fail "$command -h has $n lines"
		run awk 'length($0) > 80' <<<"$output"
		assert_output ''
	done
}

@test "every command has a manual page, and every page a command" {
	{
		echo sockctl
		commands | sed 's/^/sockctl-/'
	} | sort >"$tables/known"
	(cd "$TOP/man" && ls) | sed 's/\.1$//' | sort >"$tables/shown"
	assert_equal "$(differences "$tables/known" "$tables/shown")" ''
}

@test "sockctl(1) lists every command, and refers to its page" {
	local command
	for command in $(commands); do
		grep -qx "\.It Cm $command" "$TOP/man/sockctl.1" || fail "no '$command'"
		grep -q "^\.Xr sockctl-$command 1" "$TOP/man/sockctl.1" || fail "no sockctl-$command(1)"
	done
}

@test "the manual page of each command defines every option, and no other" {
	local command
	for command in $(documented); do
		{
			long_options "$command"
			letters "$command"
		} | sort -u >"$tables/known"
		page_options "sockctl-$command" >"$tables/shown"
		assert_equal "$(differences "$tables/known" "$tables/shown")" ''
	done
}

@test "the manual page names every choice of every option" {
	local command name choices word text
	while IFS=$'\t' read -r command name choices; do
		[[ -e $TOP/man/sockctl-$command.1 ]] || continue
		text=$(page "sockctl-$command")
		for word in ${choices//,/ }; do
			grep -qwF -- "$word" <<<"$text" || fail "sockctl-$command: $name: no '$word'"
		done
	done < <(awk -F '\t' '$7 != "" { print $1 "\t" $4 "\t" $7 }' "$tables/options")
}

@test "the manual page of inspect describes every column, and no other" {
	cut -f1 "$tables/fields" | sort >"$tables/known"
	awk '/^\.Sh/ { on = /COLUMNS/ } on && /^\.It (Cm|Ic|Li|Va|Sy) / { print $3 }' \
		"$TOP/man/sockctl-inspect.1" | sort -u >"$tables/shown"
	assert_equal "$(differences "$tables/known" "$tables/shown")" ''
}

@test "inspect -o help lists every column with what it means" {
	sockctl inspect -o help
	assert_clean
	run comm -23 <(cut -f1 "$tables/fields" | sort) <(awk '/^ / { print $1 }' <<<"$output" | sort)
	assert_output ''
}

@test "the manual pages say the exit codes, the environment and examples" {
	local command section code
	for command in $(documented); do
		for section in 'EXIT STATUS' EXAMPLES; do
			run grep -c "^\\.Sh $section" "$TOP/man/sockctl-$command.1"
			assert_output 1
		done
	done
	for code in 0 1 2 3; do
		run grep -cE "^\\.It (Li )?$code\$" "$TOP/man/sockctl-inspect.1"
		assert_output 1
	done
}

@test "mandoc finds nothing to say about the manual pages" {
	run mandoc -T lint -W warning "$TOP"/man/*.1
	assert_success
	assert_output ''
}

@test "the manual page of probe and the schema know every outcome, and no other" {
	local name
	"$SOCKCTL" porcelain outcomes >"$tables/outcomes"
	run awk -F '\t' 'NF != 3 || $2 !~ /^[0-5]$/ || $3 == ""' "$tables/outcomes"
	assert_output ''
	cut -f1 "$tables/outcomes" | sort >"$tables/known"
	assert_int "$(wc -l <"$tables/known") > 15"
	awk '/^\.Sh/ { on = /OUTCOMES/ } on && sub(/^\.It /, "") { gsub(/ , /, "\n"); print }' \
		"$TOP/man/sockctl-probe.1" | sort >"$tables/shown"
	assert_equal "$(differences "$tables/known" "$tables/shown")" ''
	for name in $("$SOCKCTL" porcelain schema | jq -r '[.. | objects | .outcome?.enum? | arrays] | keys[]'); do
		"$SOCKCTL" porcelain schema |
			jq -r "[.. | objects | .outcome?.enum? | arrays][$name][]" | sort >"$tables/shown"
		assert_equal "$(differences "$tables/known" "$tables/shown")" ''
	done
}

# A manual page as one line.
flat() { # NAME
	page "$1" | tr -s ' \n' ' '
}

# The ids that a section of a page defines.
page_ids() { # NAME SECTION
	awk -v section="$2" '/^\.Sh/ { on = $0 == ".Sh " section } on && sub(/^\.It (Cm )?/, "") {
		sub(/ Pq .*/, ""); gsub(/ , /, "\n"); print }' "$TOP/man/$1.1" | sort
}

@test "the manual pages have every finding, cause and outcome, and no other, as the table has it" {
	local place name section id meaning text
	"$SOCKCTL" porcelain meanings >"$tables/meanings"
	while read -r place name section; do
		awk -F '\t' -v p="$place" '$2 == p { print $1 }' "$tables/meanings" | sort >"$tables/known"
		assert_int "$(wc -l <"$tables/known") > 15"
		page_ids "$name" "$section" >"$tables/shown"
		assert_equal "$place: $(differences "$tables/known" "$tables/shown")" "$place: "
		text=$(flat "$name")
		while IFS=$'\t' read -r id meaning; do
			[[ $place == finding ]] || grep -qF -- " $id $meaning" <<<"$text" ||
				fail "$name: $id: not '$meaning'"
		done < <(awk -F '\t' -v p="$place" '$2 == p { print $1 "\t" $3 }' "$tables/meanings")
	done <<-'END'
		finding sockctl-inspect FINDINGS
		bind sockctl-inspect BINDABLE
		connect sockctl-connect WHEN IT FAILS
		probe sockctl-probe OUTCOMES
	END
}

@test "what is explained has the form of the house: whole sentences, no id twice in a place" {
	"$SOCKCTL" porcelain meanings >"$tables/meanings"
	run awk -F '\t' 'NF != 5 || $2 !~ /^(finding|bind|connect|probe|counter)$/' "$tables/meanings"
	assert_output ''
	run awk -F '\t' '$1 !~ ($2 == "counter" ? "^[A-Z][A-Za-z0-9]+$" : "^[a-z][a-z0-9]*(-[a-z0-9]+)*$") ||
		seen[$1, $2]++' "$tables/meanings"
	assert_output ''
	# A sentence begins with a capital, a digit, a call or a command in quotes, and ends with a
	# full stop; when a finding fires need not be one.
	run awk -F '\t' '{
		for (i = 3; i <= 5; i++) {
			if (i == 4 && $2 == "finding")
				continue
			if ($i !~ /[.]$/ || $i ~ /  |[.][.]$|^ / ||
			    $i !~ /^([A-Z0-9\x27]|bind\(\)|connect\(\))/ || length($i) > 300)
				print $1 ": " $i
		}
	}' "$tables/meanings"
	assert_output ''
	run awk -F '\t' '$3 == $4 || $4 == $5 || $3 == $5' "$tables/meanings"
	assert_output ''
}

# The ids that the schema allows for the causes of a kind of line.
schema_causes() { # LINE
	"$SOCKCTL" porcelain schema | jq -r --arg line "$1" '."$defs"[$line].properties.causes.items.properties.id.enum[]' | sort
}

@test "the schema knows the causes of bind() and of connect(), and no other" {
	"$SOCKCTL" porcelain meanings >"$tables/meanings"
	awk -F '\t' '$2 == "bind" { print $1 }' "$tables/meanings" | sort >"$tables/known"
	schema_causes bindable >"$tables/shown"
	assert_equal "$(differences "$tables/known" "$tables/shown")" ''
	# Of a source address that is taken connect tells why bind() failed.
	awk -F '\t' '$2 == "bind" || $2 == "connect" { print $1 }' "$tables/meanings" | sort -u >"$tables/known"
	schema_causes note >"$tables/shown"
	assert_equal "$(differences "$tables/known" "$tables/shown")" ''
}

@test "every id is explained, whatever the command, each meaning under where it occurs" {
	local commands id n=0
	mapfile -t commands < <(commands)
	"$SOCKCTL" porcelain meanings >"$tables/meanings"
	for id in $(cut -f1 "$tables/meanings" | sort -u); do
		sockctl "${commands[n++ % ${#commands[@]}]}" --explain "$id"
		assert_clean
		assert_equal "$(grep -c "^$id (" <<<"$output")" "$(grep -c "^$id"$'\t' "$tables/meanings")"
		assert_equal "$(grep '^  next: ' <<<"$output" | sed 's/^  next:  //')" \
			"$(grep "^$id"$'\t' "$tables/meanings" | cut -f5)"
		assert_equal "$(sed -n 's/^  [a-z]*:  *//p' <<<"$output" | sed -n '1~2p')" \
			"$(grep "^$id"$'\t' "$tables/meanings" | cut -f4)"
	done
	assert_int 'n > 60'
	sockctl inspect --explain help
	assert_clean
	assert_equal "$(sed -n 's/^  \([A-Za-z].*\)/\1/p' <<<"$output" | cut -d' ' -f1)" "$(cut -f1 "$tables/meanings")"
}

@test "every state of the laboratory is in --lab help and in the page of its command, word for word" {
	local command text help name sides means how kept strict strict_kept
	"$SOCKCTL" porcelain lab >"$tables/lab"
	run awk -F '\t' 'NF != 7 || $1 == "" || $2 !~ /^(listen|connect|listen,connect)$/' "$tables/lab"
	assert_output ''
	for command in listen connect; do
		awk -F '\t' -v c=$command '"," $2 "," ~ "," c "," { print $1 }' "$tables/lab" | sort >"$tables/known"
		sockctl $command --lab help
		assert_clean
		help=$(tr -s ' \n' ' ' <<<"$output")
		grep -oE '^  [A-Z]\S+' <<<"$output" | tr -d ' ' | sort >"$tables/shown"
		assert_equal "$command: $(differences "$tables/known" "$tables/shown")" "$command: "
		awk '/^\.S[hs]/ { on = /LABORATORY|--lab/ } on && /^\.It Cm / { print $3 }' \
			"$TOP/man/sockctl-$command.1" | sort >"$tables/shown"
		assert_equal "$command: $(differences "$tables/known" "$tables/shown")" "$command: "
		text=$(page sockctl-$command | tr -s ' \n' ' ')
		while IFS='|' read -r name sides means how kept strict strict_kept; do
			grep -qiF -- "$name $means. Recipe: $how; kept $kept." <<<"$text" || fail "$command: $name"
			grep -qF -- "$name $means $how; kept $kept" <<<"$help" || fail "$command --lab help: $name"
			[[ -z $strict ]] || grep -qF -- "--strict: $strict; kept $strict_kept." <<<"$text" ||
				fail "$command: $name --strict"
		done < <(awk -F '\t' -v c=$command '"," $2 "," ~ "," c ","' "$tables/lab" | tr '\t' '|')
	done
}

# What a shell offers at the end of a line; completions.bats says more.
offers() { # bash|zsh|fish LINE
	local HOME=$BATS_TEST_TMPDIR/home PATH=$BATS_TEST_TMPDIR/bin:$PATH
	mkdir -p "$HOME" "$BATS_TEST_TMPDIR/bin"
	ln -sf "$SOCKCTL" "$BATS_TEST_TMPDIR/bin/sockctl"
	case $1 in
	bash) "$TOP/tests/lib/bash-offers" "$TOP/completions/sockctl.bash" "$2" ;;
	zsh) timeout 60 "$TOP/tests/lib/zsh-offers" "$TOP/completions" "$2" ;;
	fish) fish --no-config -c "source '$TOP/completions/sockctl.fish'; complete -C \"\$argv\"" "$2" | cut -f1 ;;
	esac | sort -u
}

@test "bash, zsh and fish offer the commands, and every long option of each" {
	local shell command
	for shell in bash zsh fish; do
		offers $shell 'sockctl ' | grep -v '^-' >"$tables/shown"
		{
			commands
			echo help
		} | sort >"$tables/known"
		assert_equal "$shell: $(differences "$tables/known" "$tables/shown")" "$shell: "
		for command in $(commands); do
			offers $shell "sockctl $command --" >"$tables/shown"
			offered_options "$command" >"$tables/known"
			assert_equal "$shell $command: $(differences "$tables/known" "$tables/shown")" "$shell $command: "
		done
	done
}

@test "every kind of argument that the tables name is known to all three completions" {
	local kind file
	while read -r kind; do
		# An address is typed.
		[[ $kind == address ]] && continue
		for file in sockctl.bash _sockctl sockctl.fish; do
			grep -qE "(^|[[:space:]])$kind:?([[:space:]]|\)|\$)" "$TOP/completions/$file" || fail "$file: no '$kind'"
		done
	done < <(cut -f8 "$tables/options" | sort -u | sed '/^$/d')
}

# The lines of stdin that are no words of the text.
missing_words() { # TEXT
	sort -u >"$tables/words"
	grep -owFf "$tables/words" <<<"$1" | sort -u | comm -23 "$tables/words" -
}

@test "the JSON keys of the columns are in the manual page of inspect" {
	run missing_words "$(page sockctl-inspect)" < <(awk -F '\t' '$4 != "" { print $4 }' "$tables/fields")
	assert_output ''
	run missing_words 'rtt is here, rtt_us is not' < <(printf '%s\n' rtt rtt_ns)
	assert_output rtt_ns
}

@test "the manual page of inspect says of each finding what the table says" {
	local id severity threshold meaning advice text
	text=$(page sockctl-inspect | tr -s ' \n' ' ')
	while IFS=$'\t' read -r id severity threshold meaning advice; do
		grep -qF -- "$id ($severity)" <<<"$text" || fail "$id: not '$severity'"
		grep -qiF -- "Fires: ${threshold%.}" <<<"$text" || fail "$id: not '$threshold'"
		grep -qF -- "$meaning" <<<"$text" || fail "$id: not '$meaning'"
		grep -qF -- "Next: $advice" <<<"$text" || fail "$id: not '$advice'"
	done <"$tables/findings"
}

@test "the manual page of inspect names every state, cause and type of line" {
	local word text
	text=$(page sockctl-inspect)
	while read -r word; do
		grep -qwF -- "$word" <<<"$text" || fail "no '$word'"
	done < <("$SOCKCTL" porcelain schema |
		jq -r '."$defs" | (.socket.properties.state, .bindable.properties.causes.items.properties.id).enum[],
			(["socket", "summary", "note", "end", "finding", "bindable"][] as $d | .[$d].properties.type.const)')
}

@test "the examples of the manual page and of the README are commands that parse" {
	local line words
	netns
	while IFS= read -r line; do
		line=${line//sudo /}
		line=${line#*sockctl }
		line=${line%% | jq*}
		line=${line%% >/dev/null*}
		line=${line/--wait 10s/--wait 10ms}
		[[ $line == inspect* && $line != *--from* && $line != *--netns* && $line != *--record* ]] || continue
		eval "words=($line)"
		sockctl "${words[@]}"
		((status != 2 && status != 128)) || fail "sockctl $line: $stderr"
	done < <(mandoc -T utf8 -O width=200 "$TOP"/man/sockctl.1 "$TOP"/man/sockctl-inspect.1 | sed 's/.\x08//g' |
		grep -E '^ +\$ (sudo )?sockctl inspect' | sed -E 's/^ +\$ //'
		grep -E '^(\$ )?(sudo )?sockctl inspect' "$TOP/README.md" | sed -E 's/ +#.*//; s/^\$ //')
}

@test "what is installed is complete" {
	local prefix=$BATS_TEST_TMPDIR/root/usr
	DESTDIR=$BATS_TEST_TMPDIR/root cmake --install "$BUILD" --prefix /usr >/dev/null
	run cmp "$prefix/share/sockctl/schema.json" <("$prefix/bin/sockctl" porcelain schema)
	assert_success
	assert_equal "$(ls "$prefix/share/man/man1")" "$(ls "$TOP/man")"
	assert [ -s "$prefix/share/bash-completion/completions/sockctl" ]
	assert [ -s "$prefix/share/zsh/site-functions/_sockctl" ]
	assert [ -s "$prefix/share/fish/vendor_completions.d/sockctl.fish" ]
}

@test "the map of src names every folder, and no other" {
	local dirs
	dirs=$(cd "$TOP/src" && find . -mindepth 2 -name '*.[ch]' -printf '%h/\n' | sed 's|^\./||' | sort -u)
	run bash -c 'grep "^| \`" "$1" | cut -d "|" -f 2 | grep -oE "[a-z]+(/[a-z]+)*/" | sort -u' _ \
		"$TOP/src/README.md"
	assert_output "$dirs"
}
