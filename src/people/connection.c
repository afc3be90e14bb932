/*-------------------------------------------------------------------------
 *
 * connection.c
 *	  Whether a person can sit at the other end of the session.
 *
 * dblink, postgres_fdw and workers that connect with libpq come back to the server as
 * another login.  Over a Unix socket the kernel says which process connected, and
 * the server knows its own.  Over the network only the address shows.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <netinet/in.h>
#include <sys/socket.h>

/* its headers need not be there: the struct is the same without, as it says itself */
#undef ENABLE_GSS
#include "libpq/libpq-be.h"
#include "miscadmin.h"
#include "storage/procarray.h"

#include "people/connection.h"

/* Did a process of this server make the connection?  As far as the kernel tells. */
static bool
peer_is_server(void)
{
#ifdef SO_PEERCRED
	struct ucred peer;
	socklen_t	len = sizeof(peer);

	return MyProcPort->raddr.addr.ss_family == AF_UNIX &&
		getsockopt(MyProcPort->sock, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
		peer.pid > 0 && BackendPidGetProc(peer.pid) != NULL;
#else
	return false;
#endif
}

static bool
is_from_here(void)
{
	const struct sockaddr_storage *client = &MyProcPort->raddr.addr;
	const struct sockaddr_storage *server = &MyProcPort->laddr.addr;

	if (client->ss_family != server->ss_family)
		return false;
	if (client->ss_family == AF_INET)
		return ((const struct sockaddr_in *) client)->sin_addr.s_addr ==
			((const struct sockaddr_in *) server)->sin_addr.s_addr;
	return client->ss_family == AF_INET6 &&
		memcmp(&((const struct sockaddr_in6 *) client)->sin6_addr,
			   &((const struct sockaddr_in6 *) server)->sin6_addr, sizeof(struct in6_addr)) == 0;
}

const char *
paysafe_connection_of_server(void)
{
	/* what connected stays what it was, whatever has its number later */
	static bool known = false;
	static bool from_server = false;

	if (MyBackendType != B_BACKEND || MyProcPort == NULL)
		return "The session is a worker of the server, and no person.";
	if (!known)
	{
		from_server = peer_is_server();
		known = true;
	}
	return from_server ? "The server has made this connection to itself, by dblink, a foreign table or the like." : NULL;
}

const char *
paysafe_connection_shows_nobody(void)
{
	const char *words = paysafe_connection_of_server();

	if (words != NULL)
		return words;
	return is_from_here() ? "The connection comes over the network from the server's own machine, so nobody can say that a person has made it." : NULL;
}
