# bash completion for cxlmemctl(1)                                     -*- shell-script -*-
# SPDX-License-Identifier: LGPL-2.1-or-later

# cxlmemctl itself knows what may stand where; here it is only asked.
_cxlmemctl() {
	local line name typed front
	local -a words

	# Split at blanks only: for bash 0000:0d:00.0 and --zone=movable are several words.
	read -ra words <<< "${COMP_LINE:0:COMP_POINT}"
	typed=
	if [[ ${COMP_LINE:0:COMP_POINT} != *[[:blank:]] ]]; then
		typed=${words[-1]}
		unset 'words[-1]'
	fi
	# What bash takes for a word of its own stays in the line as it is.
	front=
	if [[ $typed == *[:=]* ]]; then
		name=${typed##*[:=]}
		front=${typed%"$name"}
		[[ $front == *: && $COMP_WORDBREAKS != *:* ]] && front=
		[[ $front == *= && $COMP_WORDBREAKS != *=* ]] && front=
	fi
	COMPREPLY=()
	while IFS= read -r line; do
		if [[ $line == :files ]]; then
			compopt -o default
			continue
		fi
		name=${line%%$'\t'*}
		[[ $name == "$front"* ]] && COMPREPLY+=("${name#"$front"}")
	done < <("${words[0]}" --complete "${words[@]:1}" "$typed" 2>/dev/null)
}

complete -F _cxlmemctl cxlmemctl
