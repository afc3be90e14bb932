/*-------------------------------------------------------------------------
 *
 * main.c
 *	  paysafe-verify: is the sealed log what it was when it was signed?
 *
 *-------------------------------------------------------------------------
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bin/verify/database.h"
#include "bin/verify/payloads.h"
#include "bin/verify/proof.h"
#include "bin/verify/report.h"

static const char usage[] =
"paysafe-verify: is the sealed log what it was when it was signed?\n"
"\n"
"  paysafe-verify [OPTION]... FOLDER            a log that was published or exported\n"
"  paysafe-verify [OPTION]... --dbname CONNINFO one in a database that runs\n"
"  paysafe-verify [OPTION]... --payloads FILE   a range of it, with proofs\n"
"  paysafe-verify [OPTION]... --proof FILE...   proof files\n"
"\n"
"What is known from outside:\n"
"  --key VKEY          verifier key of the log; may be given several times\n"
"  --policy FILE       logs, witnesses and how many of them (c2sp.org/tlog-policy)\n"
"  --checkpoint FILE   a checkpoint that was kept elsewhere; several times\n"
"\n"
"How much is read:\n"
"  --origin NAME       which log of the database, if not its newest\n"
"  --since FILE        only what came after this checkpoint, which was verified before\n"
"  --sample N          N leaves at random, with their proofs\n"
"  --payloads FILE     the rows' payloads, too, as lines of JSON\n"
"\n"
"Exit status, as Nagios and its like read it: 0 all of it is what was signed, 1 it\n"
"agrees with itself but nothing that was given vouches for all of it, 2 something\n"
"differs (the first that was found comes first), 3 it could not be found out.\n";

typedef struct Options
{
	const char *dbname;
	const char *origin;
	const char *folder;
	const char *payloads;
	char	  **proofs;
	int			nproofs;
	Held	   *since;
	uint64_t	sample;
} Options;

static double
now(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static void __attribute__((noreturn))
misused(const char *why)
{
	printf("PAYSAFE UNKNOWN: %s\n", why);
	fputs(usage, stderr);
	exit(OUTCOME_UNKNOWN);
}

static void
check_options(const Options *options, bool proof)
{
	if ((options->folder != NULL) + (options->dbname != NULL) + proof + (options->payloads != NULL && options->folder == NULL) != 1)
		misused("one of a folder, --dbname, --payloads or --proof is verified");
	if (options->origin != NULL && options->dbname == NULL)
		misused("--origin takes a database");
	if (options->sample > 0 && options->folder == NULL && options->dbname == NULL)
		misused("--sample takes a folder or a database");
	if (options->since != NULL && options->sample > 0)
		misused("--since and --sample exclude each other");
	if (options->since != NULL && options->folder == NULL && options->dbname == NULL)
		misused("--since takes a folder or a database");
}

static const struct option names[] = {
	{"dbname", required_argument, NULL, 'd'},
	{"origin", required_argument, NULL, 'o'},
	{"key", required_argument, NULL, 'k'},
	{"policy", required_argument, NULL, 'p'},
	{"checkpoint", required_argument, NULL, 'c'},
	{"since", required_argument, NULL, 's'},
	{"sample", required_argument, NULL, 'n'},
	{"payloads", required_argument, NULL, 'j'},
	{"proof", no_argument, NULL, 'f'},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0}
};

static void
read_options(int argc, char **argv, Options *options, Trust *trust)
{
	bool		proof = false;
	int			option;

	memset(options, 0, sizeof(*options));
	while ((option = getopt_long(argc, argv, "", names, NULL)) != -1)
	{
		TlogText	number = {optarg, optarg == NULL ? 0 : strlen(optarg)};

		switch (option)
		{
			case 'd':
				options->dbname = optarg;
				break;
			case 'o':
				options->origin = optarg;
				break;
			case 'k':
				trust_key(trust, optarg);
				break;
			case 'p':
				trust_policy(trust, optarg);
				break;
			case 'c':
				(void) trust_held_file(trust, optarg);
				break;
			case 's':
				if (options->since != NULL)
					misused("--since is given twice");
				options->since = trust_held_file(trust, optarg);
				break;
			case 'n':
				if (!tlog_text_number(number, &options->sample) || options->sample == 0)
					misused("--sample takes a number");
				break;
			case 'j':
				options->payloads = optarg;
				break;
			case 'f':
				proof = true;
				break;
			case 'h':
				fputs(usage, stdout);
				exit(0);
			default:
				misused("an option that there is not");
		}
	}
	if (proof)
	{
		options->proofs = argv + optind;
		options->nproofs = argc - optind;
		if (options->nproofs == 0)
			misused("--proof takes files");
	}
	else if (argc - optind == 1)
		options->folder = argv[optind];
	else if (argc > optind)
		misused("more than one folder");
	check_options(options, proof);
}

/*
 * The end: findings, or what was verified.  newer: the name of a log that nobody has asked
 * for, of a database that was copied or restored for instance, or NULL.
 */
static int
conclude(bool vouched, const char *newer, const char *text)
{
	vouched = vouched && newer == NULL;
	if (findings() > 0)
	{
		printf("PAYSAFE CRITICAL: %s: %" PRIu64 " found\n", text, findings());
		findings_print();
		return OUTCOME_DIFFERS;
	}
	printf("PAYSAFE %s: %s%s\n", vouched ? "OK" : "WARNING", text,
		   vouched ? "" : "; no key, policy or checkpoint from outside vouches for all of it");
	if (newer != NULL)
		printf("the database has a newer log, \"%s\", which was not looked at\n", newer);
	return vouched ? OUTCOME_GOOD : OUTCOME_UNVOUCHED;
}

/* The log's own checkpoint, or the largest from outside */
static const Held *
last_of(const Trust *trust, const Held *own)
{
	return own != NULL ? own : trust->nheld > 0 ? trust->held[trust->nheld - 1] : NULL;
}

static int
conclude_walk(const Walk *walk, const Held *last, double began, const char *more, const char *newer)
{
	char		text[512];
	char		root64[TLOG_BASE64_LEN(TLOG_HASH_LEN) + 1];
	double		took = now(CLOCK_MONOTONIC) - began;
	uint64_t	n = walk->nread;

	tlog_base64_write(last->checkpoint.root.bytes, TLOG_HASH_LEN, root64);
	snprintf(text, sizeof(text), "%" PRIu64 " leaves (%" PRIu64 " rows, %" PRIu64 " transactions)%s in %.2f s, %.0f/s, "
			 "%.2f s of processor; size %" PRIu64 ", root %s, vouched for by %" PRIu64 " checkpoint%s", n,
			 walk->order.nrows, walk->order.ntransactions, more, took, took > 0 ? n / took : 0,
			 now(CLOCK_PROCESS_CPUTIME_ID), walk->size, root64, walk->held_good, walk->held_good == 1 ? "" : "s");
	return conclude(walk->vouched == walk->size, newer, text);
}

static int
conclude_sample(const Options *options, const Held *last, const char *newer)
{
	char		text[128];

	snprintf(text, sizeof(text), "%" PRIu64 " of %" PRIu64 " leaves at random, with their proofs", options->sample,
			 last->checkpoint.size);
	return conclude(last->good, newer, text);
}

static int
verify_folder(const Options *options, Trust *trust)
{
	static Folder folder;
	static Walk walk;
	Held	   *own = folder_open(&folder, options->folder, trust);
	const Held *last;
	Payloads	payloads = {0};
	double		began = now(CLOCK_MONOTONIC);
	char		more[128] = "";
	int			status;

	trust_judge(trust);
	last = last_of(trust, own);
	if (last == NULL)
		unknown("\"%s\" has no checkpoint, and none was given", options->folder);
	folder.size = last->checkpoint.size;
	if (options->sample > 0)
	{
		sample_verify(&folder, &last->checkpoint, options->sample);
		return conclude_sample(options, last, NULL);
	}
	folder_walk(&folder, trust, options->since != NULL ? options->since->checkpoint.size : 0, &walk);
	if (options->payloads != NULL)
	{
		payloads_verify(options->payloads, &folder, &last->checkpoint, &payloads);
		snprintf(more, sizeof(more), ", %" PRIu64 " payloads", payloads.rows);
	}
	status = conclude_walk(&walk, last, began, more, NULL);
	folder_close(&folder);
	return status;
}

static int
verify_database(const Options *options, Trust *trust)
{
	static Walk walk;
	Held	   *own;
	Database   *database = database_open(options->dbname, options->origin, trust, &own);
	const Held *last;
	DatabaseRows rows;
	double		began = now(CLOCK_MONOTONIC);
	char		more[128];
	char	   *newer;
	int			status;

	trust_judge(trust);
	last = last_of(trust, own);
	if (last == NULL)
		unknown("the database has no checkpoint, and none was given");
	database_log(database, last->checkpoint.origin);
	newer = options->origin == NULL ? database_newer_log(database) : NULL;
	if (options->sample > 0)
	{
		database_sample(database, &last->checkpoint, options->sample);
		status = conclude_sample(options, last, newer);
		free(newer);
		database_close(database);
		return status;
	}
	database_walk(database, trust, options->since != NULL ? &options->since->checkpoint : NULL, &last->checkpoint,
				  last->checkpoint.size, &walk, &rows);
	snprintf(more, sizeof(more), ", %" PRIu64 " payloads, %" PRIu64 " removed,", rows.payloads, rows.removed);
	status = conclude_walk(&walk, last, began, more, newer);
	free(newer);
	database_close(database);
	return status;
}

static int
verify_payloads(const Options *options, Trust *trust)
{
	Payloads	payloads = {0};
	const Held *last;
	char		text[200];

	trust_judge(trust);
	last = last_of(trust, NULL);
	if (last == NULL)
		unknown("payloads alone are verified against a checkpoint: --checkpoint FILE");
	payloads_verify(options->payloads, NULL, &last->checkpoint, &payloads);
	snprintf(text, sizeof(text), "%" PRIu64 " leaves proven, %" PRIu64 " payloads, %" PRIu64 " removed", payloads.proven,
			 payloads.rows, payloads.removed);
	return conclude(last->good, NULL, text);
}

static int
verify_proofs(const Options *options, Trust *trust)
{
	bool		vouched = true;
	char		text[64];

	trust_judge(trust);
	for (int i = 0; i < options->nproofs; i++)
		vouched = proof_verify(options->proofs[i], trust) && vouched;
	snprintf(text, sizeof(text), "%d proof file%s", options->nproofs, options->nproofs == 1 ? "" : "s");
	return conclude(vouched, NULL, text);
}

int
main(int argc, char **argv)
{
	static Trust trust;
	Options		options;

	if (!tlog_hash_ready())
		unknown("this OpenSSL has no SHA-256");
	read_options(argc, argv, &options, &trust);
	if (options.nproofs > 0)
		return verify_proofs(&options, &trust);
	if (options.folder != NULL)
		return verify_folder(&options, &trust);
	if (options.dbname != NULL)
		return verify_database(&options, &trust);
	return verify_payloads(&options, &trust);
}
