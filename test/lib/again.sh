# What comes from a registry, which may be slow, or refuse once.  To be sourced.

# What shows that nobody answered, or not in full: by pip, npm, Go, Maven, apt.
again_unreachable='EAI_AGAIN|E[A-Z_]*TIMEDOUT|ESOCKETTIMEDOUT|ECONN[A-Z]+|ENOTFOUND|EHOSTUNREACH|ENETUNREACH|EPROTO|ERR_SOCKET|ERR_STREAM_PREMATURE_CLOSE|FETCH_ERROR|Exit handler never called'
again_unreachable+='|[Nn]ame or service|[Nn]ame resolution|[Tt]emporary failure|Could not resolve host|[Uu]nknown *[Hh]ost|getaddrinfo|no such host|server misbehaving|[Nn]o route to host|[Nn]etwork is unreachable'
again_unreachable+='|[Tt]imed out|[Tt]imeout|deadline exceeded|[Cc]onnection (refused|reset|aborted|broken|closed|error)|[Cc]onnection to .* failed|NewConnectionError|ProtocolError|RemoteDisconnected|socket hang up|proxyconnect|ProxyError|Tunnel connection failed|407 Proxy'
again_unreachable+='|IncompleteRead|[Ii]ncomplete.[Dd]ownload|Premature (close|end|EOF)|unexpected EOF|: EOF|Could not transfer artifact|stream error|GOAWAY|Retrying \(Retry|Max retries exceeded'
again_unreachable+='|[Hh]andshake|SSLError|SSLException|SSL:|SSL_ERROR|CERTIFICATE_VERIFY_FAILED|SELF_SIGNED_CERT|UNABLE_TO_(GET|VERIFY)|CERT_(HAS_EXPIRED|NOT_YET)|PKIX path|x509:'
again_unreachable+='|E(429|50[0234])\b|\b(429|50[0234]) ([A-Z][a-z]+ Error|Too Many|Bad Gateway|Service|Gateway|Internal|Server)|([Ss]tatus|[Ee]rror)( code)?:? (429|50[0234])\b'

# What the registry has not got, or only for other versions of what is here: of what
# others have made.  That one of theirs cannot be built here is meant, too.
again_not_there='requires? a different [Pp]ython|from versions: |ResolutionImpossible|conflicting dependencies|subprocess-exited-with-error|metadata-generation-failed|Failed (to build|building)|(403|404|410) Client Error'
again_not_there+='|EBADENGINE|EBADPLATFORM|E40[134]\b|ETARGET|ENOVERSIONS|ENOTCACHED|ERESOLVE'
again_not_there+='|requires go|invalid go version|unknown directive: (toolchain|godebug|tool)|toolchain not available|unknown revision|no matching versions|module lookup disabled|\b(401 Unauthorized|403 Forbidden|404 Not Found|410 Gone)'
again_not_there+='|invalid target release|release version .* not supported|wrong version [0-9]|UnsupportedClassVersionError|Could not find artifact|Failure to find|was not found in |offline mode|status( code)?: (401|403|404|410)\b'

# What is wrong whatever else is said.
again_wrong='EINTEGRITY|EUSAGE|SECURITY ERROR|checksum mismatch|DO NOT MATCH THE HASHES|COMPILATION ERROR|Non-parseable POM|Malformed POM'

# again COMMAND...: up to four times, with pauses; what it says is in $again_log.  False, and
# why in $again_why: there is no registry, which was tried for; whoever comes later in this
# run tries once.  Or it has not got what is asked for, which no repetition changes.  What
# fails otherwise is repeated once.  What is wrong in itself ends the caller: a kind that cannot
# fetch what it needs by a fault of ours, or of who stands between, has failed.  With
# again_own=1 so does what nobody knows.  Not to be called in a subshell.
again() {
	local pause other=0 unreachable='' none=${OUT%/*}/no_registry wrong=''
	for pause in 5 20 60 0; do
		! "$@" >"$again_log" 2>&1 || return 0
		wrong=
		! grep -q -E "$again_wrong" "$again_log" || wrong=1
		if [ -z "$wrong" ]; then
			# pip finds "none", too, where a registry's answer is an error
			if grep -E "$again_not_there" "$again_log" | grep -v 'from versions: none' >/dev/null; then
				again_why="not in the registry, or not for what is here"
				return 1
			fi
			if grep -q -E "$again_unreachable" "$again_log"; then
				unreachable=1
				[ ! -e "$none" ] || break
				sleep "$pause"
				continue
			fi
		fi
		other=$((other + 1))
		[ "$other" -lt 2 ] || break
		sleep 20
	done
	if [ -z "$wrong" ]; then
		if [ -n "$unreachable" ]; then
			: >"$none"
			again_why="registry not reachable"
			return 1
		elif grep -q -E "$again_not_there" "$again_log"; then
			again_why="not in the registry"
			return 1
		elif [ -z "${again_own:-}" ]; then
			again_why="not fetched: $(tail -n 1 "$again_log" | cut -c 1-200)"
			return 1
		fi
	fi
	echo "cannot be fetched, and not for want of a registry: $*"
	tail -n 40 "$again_log"
	exit 1
}
