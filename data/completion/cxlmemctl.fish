# fish completion for cxlmemctl(1)
# SPDX-License-Identifier: LGPL-2.1-or-later

# cxlmemctl itself knows what may stand where; here it is only asked.
function __cxlmemctl_complete
	set -l typed (commandline -ct)
	set -l words (commandline -opc)
	for line in ($words[1] --complete $words[2..-1] "$typed" 2>/dev/null)
		if test "$line" = :files
			set -l front (string match -r '^--[^=]*=' -- "$typed")
			for path in (__fish_complete_path (string replace -r '^--[^=]*=' '' -- "$typed"))
				echo "$front$path"
			end
		else
			echo $line
		end
	end
end

complete -c cxlmemctl -f -a '(__cxlmemctl_complete)'
