# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154,SC2016 # set here for the tests, set by helpers.bash; words for an inner shell
# Places where not everything may be seen, made by root. What the program says there is held
# against what it says where all is seen.

# BIN is a copy of the program that every user may run, also below a root of its own.
confined_setup() {
	skip_unless_mounts "what is hidden is hidden by root"
	PLACES=$BATS_TEST_TMPDIR/root
	BIN=$PLACES/bin/sockctl
	chmod 755 "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR" "$BATS_TEST_TMPDIR" 2>/dev/null || true
	mkdir -p "$PLACES/bin"
	cp "$SOCKCTL" "$BIN"
	chmod -R go+rX "$PLACES"
}

# What the program is linked with, below the new root.
with_libraries() {
	local file
	[[ ! -d $PLACES/lib64 ]] || return 0
	while read -r file; do
		mkdir -p "$PLACES/$(dirname "$file")"
		cp -L "$file" "$PLACES/$file"
	done < <(ldd "$SOCKCTL" | grep -oE '/[^ ]+')
}

# The words that bring a command to a place: WAY, and the program's name there in THERE.
way_to() { # PLACE
	local nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups)
	local refusing=("${STRACE[@]}" -f -qq -o /dev/null -e trace=socket)
	WAY=() THERE=$BIN
	case $1 in
	open) ;;
	user) WAY=("${nobody[@]}") ;;
	hidepid) WAY=(unshare --mount sh -c 'mount -t proc -o hidepid=2 proc /proc && exec "$@"' sh "${nobody[@]}") ;;
	ptraceable) WAY=(unshare --mount sh -c 'mount -t proc -o hidepid=4 proc /proc && exec "$@"' sh "${nobody[@]}") ;;
	pid) WAY=(unshare --pid --fork --kill-child --mount-proc) ;;
	noproc) WAY=(unshare --mount sh -c 'mount -t tmpfs none /proc && exec "$@"' sh) ;;
	chroot)
		with_libraries
		WAY=(chroot "$PLACES")
		THERE=/bin/sockctl
		;;
	# A sandbox that refuses the netlink socket, and a kernel that has no sock_diag.
	refused) WAY=("${refusing[@]}" -e inject=socket:error=EPERM) ;;
	no-diag) WAY=("${refusing[@]}" -e inject=socket:error=EPROTONOSUPPORT) ;;
	refused-user) WAY=("${nobody[@]}" "${refusing[@]}" -e inject=socket:error=EPERM) ;;
	*) fail "there is no place '$1'" ;;
	esac
}

# The program in a place: sets status, output, stderr. "open" is where all is seen.
in_place() { # PLACE ARG...
	way_to "$1"
	run --separate-stderr in_ns "${WAY[@]}" "$THERE" "${@:2}"
	no_crash
}

# The reason that a place gives for an owner that it does not see.
declare -gA REASON WORDS
REASON[user]=no-permission
REASON[hidepid]=hidepid
REASON[ptraceable]=hidepid
REASON[pid]=pid-namespace
REASON[noproc]=no-proc
REASON[chroot]=no-proc
WORDS[user]='may not be read'
WORDS[hidepid]='hidepid=2 on /proc'
WORDS[ptraceable]='hidepid=4 on /proc'
WORDS[pid]="pid namespace is not the host's"
WORDS[noproc]='no /proc here'
WORDS[chroot]='no /proc here'
# Where the kernel's tables are not there to read.
FALLBACKS=(refused no-diag refused-user)
