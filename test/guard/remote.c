/*
 * For a server under test: who connects to 127.0.0.3 comes from another machine, 192.0.2.7
 * (RFC 5737), which this one does not have.  Preloaded by the loader, see certificates.sh.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>

int
accept(int server, struct sockaddr *address, socklen_t *len)
{
	int			(*real) (int, struct sockaddr *, socklen_t *) = dlsym(RTLD_NEXT, "accept");
	int			client = real(server, address, len);
	struct sockaddr_in own;
	socklen_t	own_len = sizeof(own);

	if (client >= 0 && address != NULL && address->sa_family == AF_INET &&
		getsockname(client, (struct sockaddr *) &own, &own_len) == 0 && own.sin_addr.s_addr == inet_addr("127.0.0.3"))
		((struct sockaddr_in *) address)->sin_addr.s_addr = inet_addr("192.0.2.7");
	return client;
}
