/*-------------------------------------------------------------------------
 *
 * connection.c
 *	  Whether a person can sit at the other end of the session.
 *
 * dblink, postgres_fdw and workers that connect with libpq come back to the server as
 * another login.  Over a Unix socket the kernel says which process connected, and
 * the server knows its own.  Over the network only the address shows: whatever comes from
 * an address of this machine may be the server.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <ifaddrs.h>
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

/* An address of the network; len 0: something else. */
typedef struct Address
{
	int			len;
	uint8		bytes[16];
} Address;

/* One of version 4 that is written as version 6 is the one of version 4. */
static Address
read_address(const struct sockaddr *from)
{
	Address		result = {0};

	if (from != NULL && from->sa_family == AF_INET)
	{
		result.len = 4;
		memcpy(result.bytes, &((const struct sockaddr_in *) from)->sin_addr, 4);
	}
	else if (from != NULL && from->sa_family == AF_INET6)
	{
		const struct in6_addr *address = &((const struct sockaddr_in6 *) from)->sin6_addr;
		int			skip = IN6_IS_ADDR_V4MAPPED(address) ? 12 : 0;

		result.len = 16 - skip;
		memcpy(result.bytes, address->s6_addr + skip, result.len);
	}
	return result;
}

static bool
same_address(Address a, Address b)
{
	return a.len == b.len && memcmp(a.bytes, b.bytes, a.len) == 0;
}

/* Reachable from this machine only. */
static bool
is_loopback(Address address)
{
	static const uint8 one[16] = {[15] = 1};

	return address.len == 4 ? address.bytes[0] == 127 : memcmp(address.bytes, one, sizeof(one)) == 0;
}

/*
 * Does the client have an address of this machine?  Not only the one that it has connected to: who
 * connects to 127.0.0.2 comes from 127.0.0.1, and may come from any address that the machine has.
 * If nobody can say which these are, it does.
 */
static bool
is_from_here(void)
{
	Address		client = read_address((struct sockaddr *) &MyProcPort->raddr.addr);
	bool		found;
	struct ifaddrs *all;

	if (client.len == 0)
		return false;
	if (is_loopback(client) || same_address(client, read_address((struct sockaddr *) &MyProcPort->laddr.addr)))
		return true;
	if (getifaddrs(&all) != 0)
		return true;
	found = false;
	for (struct ifaddrs *one = all; one != NULL && !found; one = one->ifa_next)
		found = same_address(client, read_address(one->ifa_addr));
	freeifaddrs(all);
	return found;
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
	static bool known = false;
	static bool from_here = false;
	const char *words = paysafe_connection_of_server();

	if (words != NULL)
		return words;
	if (!known)
	{
		from_here = is_from_here();
		known = true;
	}
	return from_here ? "The connection comes over the network from the server's own machine, so nobody can say that a person has made it." : NULL;
}
