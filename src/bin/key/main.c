/*-------------------------------------------------------------------------
 *
 * main.c
 *	  paysafe-key: makes keys that sign checkpoints, and says by what they are verified.
 *
 *	  paysafe-key generate [--type ed25519|cosigner] NAME FILE
 *	  paysafe-key verifier [FILE]
 *	  paysafe-key sign FILE
 *
 * generate adds a key to a file that nobody but its owner can read, which it makes if
 * there is none, and prints the verifier key.  verifier prints the verifier key of each
 * key in a file, or on standard input.  sign reads a checkpoint, with or without
 * signatures, and prints the signature lines that the keys in the file give: of a log's
 * key if it has the name of the log, of a witness' always.
 *
 *-------------------------------------------------------------------------
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tlog/cosignature.h"

static int
usage(FILE *out, int status)
{
	fputs("paysafe-key makes keys that sign checkpoints of sealed logs.\n"
		  "\n"
		  "  paysafe-key generate [--type TYPE] NAME FILE   add a key of that name to the file,\n"
		  "                                                 print its verifier key\n"
		  "  paysafe-key verifier [FILE]                    print the verifier keys of a file,\n"
		  "                                                 or of standard input\n"
		  "  paysafe-key sign FILE                          sign the checkpoint on standard input\n"
		  "\n"
		  "NAME is the origin of the log, as paysafe.seal_log has it.  TYPE is ed25519, which\n"
		  "is what a log signs with, or cosigner, for a witness.\n",
		  out);
	return status;
}

static int
fail(const char *what, const char *path)
{
	fprintf(stderr, "paysafe-key: could not %s \"%s\": %s\n", what, path, strerror(errno));
	return 1;
}

/* Add the line at the end of the file, and have it on disk. */
static int
append(const char *path, const char *text)
{
	int			file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	size_t		len = strlen(text);
	struct stat status;

	if (file < 0)
		return fail("open", path);
	if (fstat(file, &status) != 0)
		return fail("look at", path);
	if (!S_ISREG(status.st_mode) || (status.st_mode & (S_IRWXG | S_IRWXO)) != 0)
	{
		fprintf(stderr, "paysafe-key: \"%s\" can be read by others: chmod 600 it first\n", path);
		return 1;
	}
	/* in one piece, or it is half a key */
	if (write(file, text, len) != (ssize_t) len || fsync(file) != 0 || close(file) != 0)
		return fail("write", path);
	return 0;
}

static int
generate(const char *type, const char *name, const char *path)
{
	TlogSigner	signer;
	char		text[TLOG_KEY_TEXT_MAX + 1];
	char		verifier[TLOG_KEY_TEXT_MAX];
	long		len;
	int			status;

	if (!tlog_key_name_good((TlogText) {name, strlen(name)}))
	{
		fputs("paysafe-key: a name is not empty, has no blanks and no plus sign, and at most 255 bytes\n", stderr);
		return 2;
	}
	if (!tlog_signer_generate(name, strcmp(type, "cosigner") == 0 ? TLOG_KEY_COSIGNER : TLOG_KEY_ED25519,
							  &signer))
	{
		fputs("paysafe-key: no key could be made\n", stderr);
		return 1;
	}
	len = tlog_signer_text(&signer, text, sizeof(text) - 1);
	if (len < 0 || tlog_key_text(&signer.key, verifier, sizeof(verifier)) < 0)
		return 1;
	text[len] = '\n';
	text[len + 1] = '\0';
	status = append(path, text);
	tlog_signer_forget(&signer);
	memset(text, 0, sizeof(text));
	if (status == 0)
		puts(verifier);
	return status;
}

/* What is done with each key of a file; 0 if it went well. */
typedef int (*KeyVisitor) (const TlogSigner *signer, void *arg);

/* Each line that is a key; comments and empty lines are passed over. */
static int
visit_keys(FILE *in, KeyVisitor visitor, void *arg)
{
	char		line[TLOG_KEY_TEXT_MAX + 2];
	int			number = 0;
	int			status = 0;

	setvbuf(in, NULL, _IONBF, 0);
	while (fgets(line, sizeof(line), in) != NULL)
	{
		TlogSigner	signer;
		size_t		len = strcspn(line, "\r\n");

		number++;
		while (len > 0 && (line[len - 1] == ' ' || line[len - 1] == '\t'))
			len--;
		if (len == 0 || line[0] == '#')
			continue;
		if (!tlog_signer_parse((TlogText) {line, len}, &signer))
		{
			fprintf(stderr, "paysafe-key: line %d is no key\n", number);
			status = 1;
			continue;
		}
		if (visitor(&signer, arg) != 0)
			status = 1;
		tlog_signer_forget(&signer);
	}
	memset(line, 0, sizeof(line));
	return status;
}

static int
visit_file(const char *path, KeyVisitor visitor, void *arg)
{
	FILE	   *in = path == NULL ? stdin : fopen(path, "r");
	int			status;

	if (in == NULL)
		return fail("open", path);
	status = visit_keys(in, visitor, arg);
	if (in != stdin)
		fclose(in);
	return status;
}

static int
print_verifier(const TlogSigner *signer, void *arg)
{
	char		verifier[TLOG_KEY_TEXT_MAX];

	(void) arg;
	if (tlog_key_text(&signer->key, verifier, sizeof(verifier)) < 0)
		return 1;
	puts(verifier);
	return 0;
}

/* A checkpoint that is to be signed. */
typedef struct Signing
{
	TlogText	text;
	TlogCheckpoint checkpoint;
	int			n;				/* signatures */
} Signing;

static int
sign_with(const TlogSigner *signer, void *arg)
{
	Signing    *signing = arg;
	char		line[TLOG_SIGNATURE_LINE_MAX];

	if (signer->key.type == TLOG_KEY_ED25519 && !tlog_text_is(signing->checkpoint.origin, signer->key.name))
		return 0;
	if (tlog_checkpoint_sign(signing->text, signer, (uint64_t) time(NULL), line, sizeof(line)) < 0)
		return 1;
	fputs(line, stdout);
	signing->n++;
	return 0;
}

static int
sign(const char *path)
{
	static char message[TLOG_NOTE_MAX];
	static TlogNote note;
	size_t		len = fread(message, 1, sizeof(message), stdin);
	Signing		signing = {.text = {message, len}};

	/* what has been through psql has a newline more */
	if (len > 1 && len < sizeof(message) && message[len - 1] == '\n' && message[len - 2] == '\n')
		signing.text.len = --len;
	if (tlog_note_parse((TlogText) {message, len}, &note))
		signing.text = note.text;
	if (len == sizeof(message) || !tlog_checkpoint_parse(signing.text, &signing.checkpoint))
	{
		fputs("paysafe-key: there is no checkpoint on standard input\n", stderr);
		return 1;
	}
	if (visit_file(path, sign_with, &signing) != 0)
		return 1;
	if (signing.n == 0)
		fprintf(stderr, "paysafe-key: no key in \"%s\" signs this\n", path);
	return signing.n > 0 && fflush(stdout) == 0 ? 0 : 1;
}

int
main(int argc, char **argv)
{
	const char *type = "ed25519";
	int			n = 2;

	if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
		return usage(stdout, 0);
	if (argc < 2)
		return usage(stderr, 2);
	if (strcmp(argv[1], "verifier") == 0 && argc <= 3)
		return visit_file(argc == 3 ? argv[2] : NULL, print_verifier, NULL);
	if (strcmp(argv[1], "sign") == 0 && argc == 3)
		return sign(argv[2]);
	if (strcmp(argv[1], "generate") != 0)
		return usage(stderr, 2);
	if (argc > 3 && strcmp(argv[2], "--type") == 0)
	{
		type = argv[3];
		n = 4;
	}
	if (argc != n + 2 || (strcmp(type, "ed25519") != 0 && strcmp(type, "cosigner") != 0))
		return usage(stderr, 2);
	return generate(type, argv[n], argv[n + 1]);
}
