# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Completion of sluicectl for bash: the program itself says which words may come,
# from the table of its commands.

_sluicectl() {
	local word

	COMPREPLY=()
	while IFS= read -r word; do
		case $word in
		@files) compopt -o default 2>/dev/null ;;
		@interfaces) _sluicectl_add "${COMP_WORDS[COMP_CWORD]}" /sys/class/net/* ;;
		*) _sluicectl_add "${COMP_WORDS[COMP_CWORD]}" "$word" ;;
		esac
	done < <(_sluicectl_ask 2>/dev/null)
}

# The words of this command line up to the cursor go to the program, the folder of the
# maps as an option of its own: tenants are named there.
_sluicectl_ask() {
	local -a words=("${COMP_WORDS[@]:1:COMP_CWORD}") where=()
	local i

	for ((i = 0; i + 1 < ${#words[@]}; i++)); do
		case ${words[i]} in
		--pin-dir | --config) where+=("${words[i]}" "${words[i + 1]}") ;;
		esac
	done
	"${COMP_WORDS[0]}" "${where[@]}" complete -- "${words[@]}"
}

# _sluicectl_add TYPED WORD...: those that begin as typed; a key waits for its value.
_sluicectl_add() {
	local typed=$1 word

	shift
	for word in "$@"; do
		word=${word##*/}
		[[ $word = "$typed"* ]] || continue
		[[ $word != *= ]] || compopt -o nospace 2>/dev/null
		COMPREPLY+=("$word")
	done
}

complete -F _sluicectl sluicectl
