# What comes from a registry, which may be slow, or refuse once.  To be sourced.

# again COMMAND...: up to four times, with pauses; what it says is in $again_log.  Where
# nothing helped there is no registry: whoever comes later in this run tries once.  What
# no repetition changes, a version that is too old, is not repeated.
again() {
	local pause none=${OUT%/*}/no_registry
	for pause in 5 20 60 0; do
		! "$@" >"$again_log" 2>&1 || return 0
		if grep -q -E 'requires? a different [Pp]ython|from versions: [0-9]|EBADENGINE|E404|requires go|COMPILATION ERROR|invalid target release|release version .* not supported' "$again_log" ||
			[ -e "$none" ]; then
			return 1
		fi
		sleep "$pause"
	done
	: >"$none"
	return 1
}
