/*-------------------------------------------------------------------------
 *
 * command.c
 *	  Running a command of the administrator's, with a text to read and an answer.
 *
 * Not popen(), which reads or writes, not both, and waits for as long as it takes.  The
 * command has a process group of its own, so that what it starts ends with it.  It gets
 * none of the server's files and sockets.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libpq/pqsignal.h"
#include "miscadmin.h"
#include "portability/instr_time.h"
#include "postmaster/interrupt.h"
#include "storage/fd.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#include "base/command.h"

#define LOOK_AGAIN		100		/* milliseconds: has the server been told to stop? */
#define LAST_FILE		65536

/* A command that runs. */
typedef struct Running
{
	pid_t		pid;
	int			to;				/* its standard input; -1: closed */
	int			from;			/* its standard output */
} Running;

extern char **environ;

/* The environment with the variables added; palloc'd. */
static char **
environment(const CommandVariable *variables, int n)
{
	int			count = 0;
	char	  **result;

	while (environ[count] != NULL)
		count++;
	result = palloc(sizeof(char *) * (count + n + 1));
	for (int i = 0; i < n; i++)
		result[i] = psprintf("%s=%s", variables[i].name, variables[i].value);
	memcpy(result + n, environ, sizeof(char *) * (count + 1));
	return result;
}

/* In the child: nothing but system calls, since the parent's locks are here too. */
static void
become(const char *command, char **env, int in, int out)
{
	char	   *const argv[] = {"sh", "-c", unconstify(char *, command), NULL};
	sigset_t	none;

	(void) setpgid(0, 0);
	if (dup2(in, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0)
		_exit(127);
	for (int file = STDERR_FILENO + 1; file < LAST_FILE; file++)
		(void) close(file);
	for (int number = 1; number < 32; number++)
		(void) signal(number, SIG_DFL);
	sigemptyset(&none);
	(void) sigprocmask(SIG_SETMASK, &none, NULL);
	(void) execve("/bin/sh", argv, env);
	_exit(127);
}

static bool
start(Running *running, const char *command, char **env)
{
	int			in[2];
	int			out[2];

	if (pipe(in) != 0)
		return false;
	if (pipe(out) != 0)
	{
		(void) close(in[0]);
		(void) close(in[1]);
		return false;
	}
	running->to = in[1];
	running->from = out[0];
	fflush(NULL);
	running->pid = fork();
	if (running->pid == 0)
		become(command, env, in[0], out[1]);
	(void) close(in[0]);
	(void) close(out[1]);
	(void) fcntl(running->to, F_SETFL, O_NONBLOCK);
	(void) fcntl(running->from, F_SETFL, O_NONBLOCK);
	if (running->pid > 0)
		(void) setpgid(running->pid, running->pid);
	return running->pid > 0;
}

static void
stop_writing(Running *running)
{
	if (running->to >= 0)
		(void) close(running->to);
	running->to = -1;
}

/* Move what can be moved; false: the command has closed its output. */
static bool
converse(Running *running, const char *input, size_t len, size_t *written, StringInfo answer)
{
	char		buffer[4096];
	ssize_t		n;

	if (running->to >= 0)
	{
		n = *written < len ? write(running->to, input + *written, len - *written) : 0;
		if (n > 0)
			*written += n;
		/* whoever does not want to read all of it need not */
		if (*written == len || (n < 0 && errno != EAGAIN && errno != EINTR))
			stop_writing(running);
	}
	n = read(running->from, buffer, sizeof(buffer));
	if (n > 0 && answer->len <= PAYSAFE_COMMAND_ANSWER_MAX)
		appendBinaryStringInfo(answer, buffer, n);
	return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

/* Until it has closed its output and ended.  NULL, or why it is to be ended. */
static char *
follow(Running *running, const char *input, size_t len, TimestampTz until, StringInfo answer,
	   int *status)
{
	size_t		written = 0;
	bool		open = true;

	for (;;)
	{
		struct pollfd files[2] = {{running->from, POLLIN}, {running->to, POLLOUT}};

		if (ShutdownRequestPending || ProcDiePending)
			return "the server is being stopped";
		if (answer->len > PAYSAFE_COMMAND_ANSWER_MAX)
			return "it printed more than anybody reads";
		if (GetCurrentTimestamp() >= until)
			return "it took too long";
		if (open)
		{
			(void) poll(files, running->to >= 0 ? 2 : 1, LOOK_AGAIN);
			open = converse(running, input, len, &written, answer);
			continue;
		}
		stop_writing(running);
		if (waitpid(running->pid, status, WNOHANG) == running->pid)
		{
			running->pid = 0;
			return NULL;
		}
		pg_usleep(1000);
	}
}

char *
paysafe_command_run(const char *command, const char *input, size_t len,
					const CommandVariable *variables, int nvariables, int timeout, StringInfo answer)
{
	Running		running = {.to = -1};
	int			status = 0;
	char	   *trouble;

	if (!start(&running, command, environment(variables, nvariables)))
		return psprintf("it could not be started: %m");
	pgstat_report_wait_start(PG_WAIT_EXTENSION);
	trouble = follow(&running, input, len, GetCurrentTimestamp() + timeout * INT64CONST(1000),
					 answer, &status);
	pgstat_report_wait_end();
	stop_writing(&running);
	(void) close(running.from);
	if (running.pid > 0)
	{
		(void) kill(-running.pid, SIGKILL);
		(void) kill(running.pid, SIGKILL);
		while (waitpid(running.pid, &status, 0) < 0 && errno == EINTR)
			;
	}
	if (trouble != NULL)
		return pstrdup(trouble);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return wait_result_to_str(status);
	return NULL;
}
