/*-------------------------------------------------------------------------
 *
 * http.c
 *	  One request to a witness.
 *
 *-------------------------------------------------------------------------
 */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bin/ship/http.h"

typedef struct Url
{
	char		host[256];
	char		port[8];
	char		path[1024];
} Url;

static void __attribute__((format(printf, 2, 3)))
no_answer(Answer *out, const char *format,...)
{
	va_list		args;

	va_start(args, format);
	vsnprintf(out->text, sizeof(out->text), format, args);
	va_end(args);
	out->status = 0;
	out->body.at = out->text;
	out->body.len = strlen(out->text);
}

/* http://host[:port][/path]: nothing that could end a line of the request */
static bool
parse_url(const char *url, Url *out)
{
	const char *host = url + strlen("http://");
	size_t		host_len;
	size_t		port_len;
	const char *rest;

	for (const char *c = url; *c != '\0'; c++)
		if (*c <= ' ' || *c >= 0x7F)
			return false;
	if (strncmp(url, "http://", strlen("http://")) != 0)
		return false;
	if (*host == '[')
	{
		const char *end = strchr(++host, ']');

		host_len = end == NULL ? 0 : end - host;
		rest = host + host_len + 1;
	}
	else
	{
		host_len = strcspn(host, ":/");
		rest = host + host_len;
	}
	if (host_len == 0 || host_len >= sizeof(out->host))
		return false;
	memcpy(out->host, host, host_len);
	out->host[host_len] = '\0';
	strcpy(out->port, "80");
	if (*rest == ':')
	{
		port_len = strspn(++rest, "0123456789");
		if (port_len == 0 || port_len >= sizeof(out->port))
			return false;
		memcpy(out->port, rest, port_len);
		out->port[port_len] = '\0';
		rest += port_len;
	}
	if ((*rest != '\0' && *rest != '/') || strlen(rest) >= sizeof(out->path))
		return false;
	strcpy(out->path, *rest == '\0' ? "/" : rest);
	return true;
}

static long long
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

/* Until it can be read from or written to; false: the time is over */
static bool
await(int file, short what, long long until)
{
	struct pollfd p = {file, what, 0};
	long long	left = until - now_ms();

	return left > 0 && poll(&p, 1, left) == 1;
}

static int
connect_to(const Url *url, long long until, const char **why)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	struct addrinfo *found;
	int			file = -1;
	int			wrong = getaddrinfo(url->host, url->port, &hints, &found);

	*why = gai_strerror(wrong);
	if (wrong != 0)
		return -1;
	for (struct addrinfo *a = found; a != NULL && file < 0; a = a->ai_next)
	{
		int			error = 0;
		socklen_t	len = sizeof(error);

		file = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, a->ai_protocol);
		if (file < 0)
			continue;
		if (connect(file, a->ai_addr, a->ai_addrlen) != 0)
		{
			error = errno;
			if (error == EINPROGRESS)
				error = !await(file, POLLOUT, until) ? ETIMEDOUT
					: getsockopt(file, SOL_SOCKET, SO_ERROR, &error, &len) == 0 ? error : errno;
		}
		if (error != 0)
		{
			*why = strerror(error);
			(void) close(file);
			file = -1;
		}
	}
	freeaddrinfo(found);
	return file;
}

static bool
send_all(int file, const char *data, size_t len, long long until)
{
	while (len > 0)
	{
		ssize_t		n = await(file, POLLOUT, until) ? write(file, data, len) : -1;

		if (n < 0 && (errno == EINTR || errno == EAGAIN) && now_ms() < until)
			continue;
		if (n <= 0)
			return false;
		data += n;
		len -= n;
	}
	return true;
}

/* All that comes until the end; the length, or -1: too late, or too much */
static long
read_all(int file, char *out, size_t room, long long until)
{
	size_t		len = 0;

	for (;;)
	{
		ssize_t		n = len < room && await(file, POLLIN, until) ? read(file, out + len, room - len) : -1;

		if (n == 0)
			return (long) len;
		if (n > 0)
			len += n;
		else if (len == room || now_ms() >= until || (errno != EINTR && errno != EAGAIN))
			return -1;
	}
}

/* The value of a header; false: there is none */
static bool
header(TlogText head, const char *name, TlogText *value)
{
	TlogText	line;
	size_t		len = strlen(name);

	while (tlog_text_line(&head, &line))
		if (line.len > len && line.at[len] == ':' && strncasecmp(line.at, name, len) == 0)
		{
			value->at = line.at + len + 1;
			value->len = line.len - len - 1;
			while (value->len > 0 && value->at[0] == ' ')
				value->at++, value->len--;
			while (value->len > 0 && (value->at[value->len - 1] == '\r' || value->at[value->len - 1] == ' '))
				value->len--;
			return true;
		}
	return false;
}

/* The parts of a chunked body put together where they are */
static bool
unchunk(TlogText *body)
{
	char	   *out = (char *) body->at;
	TlogText	rest = *body;
	TlogText	line;
	size_t		len = 0;

	while (tlog_text_line(&rest, &line))
	{
		char	   *end;
		unsigned long n = strtoul(line.at, &end, 16);

		if (end == line.at || (*end != '\r' && *end != ';'))
			return false;
		if (n == 0)
		{
			body->len = len;
			return true;
		}
		if (n > rest.len || rest.len - n < 2)
			return false;
		memmove(out + len, rest.at, n);
		len += n;
		rest.at += n + 2;
		rest.len -= n + 2;
	}
	return false;
}

void
http_parse(Answer *answer, size_t len)
{
	TlogText	head = {answer->text, len};
	TlogText	value;
	uint64_t	number;
	const char *end;

	answer->text[len] = '\0';
	end = strstr(answer->text, "\r\n\r\n");
	answer->status = 0;
	if (end == NULL || strncmp(answer->text, "HTTP/1.", 7) != 0 || strlen(answer->text) < 12 ||
		answer->text[8] != ' ')
	{
		no_answer(answer, "no answer of HTTP");
		return;
	}
	head.len = end + 2 - answer->text;
	answer->body.at = end + 4;
	answer->body.len = len - (end + 4 - answer->text);
	value.at = answer->text + 9;
	value.len = 3;
	if (!tlog_text_number(value, &number) || number < 100)
	{
		no_answer(answer, "no answer of HTTP");
		return;
	}
	if (header(head, "Transfer-Encoding", &value))
	{
		if (!tlog_text_is(value, "chunked") || !unchunk(&answer->body))
		{
			no_answer(answer, "an answer that is torn");
			return;
		}
	}
	else if (header(head, "Content-Length", &value))
	{
		uint64_t	length;

		if (!tlog_text_number(value, &length) || length > answer->body.len)
		{
			no_answer(answer, "an answer that is torn");
			return;
		}
		answer->body.len = length;
	}
	answer->status = (int) number;
}

static void
post_plain(const char *text, TlogText body, long long until, Answer *out)
{
	char		head[2048];
	const char *why = "the time is over";
	Url			url;
	long		n;
	int			file;

	if (!parse_url(text, &url))
	{
		no_answer(out, "no URL of http://");
		return;
	}
	file = connect_to(&url, until, &why);
	if (file < 0)
	{
		no_answer(out, "%s", why);
		return;
	}
	snprintf(head, sizeof(head), "POST %s HTTP/1.1\r\nHost: %s:%s\r\nUser-Agent: paysafe-ship\r\n"
			 "Content-Type: text/plain\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n", url.path, url.host, url.port,
			 body.len);
	if (!send_all(file, head, strlen(head), until) || !send_all(file, body.at, body.len, until) ||
		(n = read_all(file, out->text, ANSWER_MAX, until)) < 0)
		no_answer(out, "no whole answer in time");
	else
		http_parse(out, n);
	(void) close(file);
}

static void __attribute__((noreturn))
run(const char *url, const char *command, int input, int output)
{
	(void) dup2(input, 0);
	(void) dup2(output, 1);
	if (command != NULL)
		execlp(command, command, url, (char *) NULL);
	else
		execlp("curl", "curl", "--silent", "--show-error", "--include", "--http1.1", "--header", "Expect:",
			   "--header", "Content-Type: text/plain", "--data-binary", "@-", url, (char *) NULL);
	_exit(127);
}

/* The body goes in by a file: a pipe that is full would wait for one that is */
static void
post_by_program(const char *url, TlogText body, const char *command, long long until, Answer *out)
{
	FILE	   *input = tmpfile();
	int			ends[2];
	pid_t		child;
	long		n;
	int			status;

	if (input == NULL || fwrite(body.at, 1, body.len, input) != body.len || fflush(input) != 0 ||
		fseek(input, 0, SEEK_SET) != 0 || pipe(ends) != 0)
	{
		no_answer(out, "%s", strerror(errno));
		return;
	}
	(void) fcntl(ends[0], F_SETFD, FD_CLOEXEC);
	child = fork();
	if (child == 0)
		run(url, command, fileno(input), ends[1]);
	(void) close(ends[1]);
	n = child < 0 ? -1 : read_all(ends[0], out->text, ANSWER_MAX, until);
	(void) close(ends[0]);
	(void) fclose(input);
	if (child > 0 && n < 0)
		(void) kill(child, SIGKILL);
	if (child < 0 || waitpid(child, &status, 0) != child || n < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
		no_answer(out, "%s did not get an answer", command != NULL ? command : "curl");
	else
		http_parse(out, n);
}

void
http_post(const char *url, TlogText body, const char *command, int seconds, Answer *out)
{
	long long	until = now_ms() + seconds * 1000LL;

	(void) signal(SIGPIPE, SIG_IGN);
	if (strncmp(url, "http://", strlen("http://")) == 0)
		post_plain(url, body, until, out);
	else if (strncmp(url, "https://", strlen("https://")) == 0)
		post_by_program(url, body, command, until, out);
	else
		no_answer(out, "no URL of http:// or https://");
}
