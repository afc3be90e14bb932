/*-------------------------------------------------------------------------
 *
 * verdict.c
 *	  What the rows of an evidence file come to: approved, let pass alone, rejected.
 *
 * A row that says so itself (its column "alone") is a broken glass, also in a file from
 * which somebody has left out the row of paysafe.break_glass_record.  What only counts if
 * it is there (that an approval was used, a review, that a rejection was taken back) is
 * said to be missing if it is: whoever passes a file on can leave out whole rows.
 *
 *-------------------------------------------------------------------------
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "bin/evidence/value.h"
#include "bin/evidence/verdict.h"
#include "bin/file.h"

typedef enum FactKind
{
	FACT_ROW,					/* a change of a row of somebody's */
	FACT_APPROVAL, FACT_APPROVAL_END, FACT_GLASS, FACT_REVIEW, FACT_SIGNED,
	FACT_REJECTION, FACT_REJECTION_END, FACT_BREACH, FACT_SETTLEMENT
} FactKind;

typedef enum Alone
{
	ALONE_NO, ALONE_YES, ALONE_UNKNOWN	/* of a row that has no such column */
} Alone;

typedef struct Fact
{
	FactKind	kind;
	uint64_t	leaf;
	uint64_t	id;				/* of what it is, or of what it ends */
	TlogText	schema;			/* of FACT_ROW */
	TlogText	relation;		/* "schema.table", the table's name in FACT_ROW */
	TlogText	key;
	TlogText	payment;
	TlogText	actor;
	TlogText	identity;
	TlogText	word;			/* outcome, verdict, SQLSTATE, approvals that are signed */
	Alone		alone;
	bool		fits;			/* the challenge is the hash of the content */
	uint64_t	needed;			/* of a breach: how many have to settle it */
} Fact;

/* Where what kind is, and how its columns are called; NULL: it has none. */
static const struct
{
	const char *table;
	FactKind	kind;
	const char *id;
	const char *word;
} kinds[] = {
	{"approval_record", FACT_APPROVAL, "id", NULL},
	{"approval_end", FACT_APPROVAL_END, "approval", "outcome"},
	{"break_glass_record", FACT_GLASS, "approval", NULL},
	{"break_glass_review", FACT_REVIEW, "approval", "verdict"},
	{"passkey_assertion", FACT_SIGNED, "passkey", "approvals"},
	{"rejection_record", FACT_REJECTION, "id", NULL},
	{"rejection_end", FACT_REJECTION_END, "rejection", NULL},
	{"breach_record", FACT_BREACH, "id", "sqlstate"},
	{"breach_settlement", FACT_SETTLEMENT, "breach", NULL},
};

static Fact *facts = NULL;
static int	nfacts = 0;
static int	room = 0;

static bool
same_text(TlogText a, TlogText b)
{
	return a.at != NULL && b.at != NULL && a.len == b.len && memcmp(a.at, b.at, a.len) == 0;
}

static Fact *
new_fact(FactKind kind, uint64_t leaf)
{
	if (nfacts == room)
	{
		room = room == 0 ? 64 : room * 2;
		facts = need(realloc(facts, sizeof(Fact) * room));
	}
	facts[nfacts] = (Fact) {.kind = kind, .leaf = leaf};
	return &facts[nfacts++];
}

/* One for each table and key, however often it was changed */
static void
take_subject(const Row *row, uint64_t leaf)
{
	Fact	   *fact;

	for (int i = 0; i < nfacts; i++)
		if (facts[i].kind == FACT_ROW && same_text(facts[i].schema, row->schema) &&
			same_text(facts[i].relation, row->table) && same_text(facts[i].key, row->key))
			return;
	fact = new_fact(FACT_ROW, leaf);
	fact->schema = row->schema;
	fact->relation = row->table;
	fact->key = row->key;
}

static bool
read_number(const Row *row, const char *column, int len, uint64_t *number)
{
	TlogText	value;
	Bytes		bytes;

	if (!row_column(row, column, &value) || value.len != (size_t) len)
		return false;
	bytes = (Bytes) {(const uint8_t *) value.at, (const uint8_t *) value.at + len, false};
	*number = bytes_number(&bytes, len);
	return true;
}

static Alone
read_alone(const Row *row)
{
	TlogText	value;

	if (!row_has_column(row, "alone"))
		return ALONE_UNKNOWN;
	return row_column(row, "alone", &value) && value.len == 1 && value.at[0] == 0 ? ALONE_NO : ALONE_YES;
}

static bool
is_of_content(const Row *row)
{
	TlogText	challenge;
	TlogText	content;
	TlogHash	hash;

	if (!row_column(row, "challenge", &challenge) || !row_column(row, "content", &content))
		return false;
	tlog_hash_bytes(content.at, content.len, &hash);
	return challenge.len == TLOG_HASH_LEN && memcmp(challenge.at, hash.bytes, TLOG_HASH_LEN) == 0;
}

bool
verdict_take(const Row *row, uint64_t leaf)
{
	if (!tlog_text_is(row->schema, "paysafe"))
	{
		if (row->key.at != NULL)
			take_subject(row, leaf);
		return true;
	}
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
	{
		uint64_t	id;
		Fact	   *fact;

		if (row->op != 'I' || !tlog_text_is(row->table, kinds[i].table))
			continue;
		if (!read_number(row, kinds[i].id, 8, &id))
			return false;
		fact = new_fact(kinds[i].kind, leaf);
		fact->id = id;
		(void) read_number(row, "settlers", 4, &fact->needed);
		(void) row_column(row, "relation", &fact->relation);
		(void) row_column(row, "key", &fact->key);
		(void) row_column(row, "payment", &fact->payment);
		(void) row_column(row, "actor", &fact->actor);
		(void) row_column(row, "identity", &fact->identity);
		if (kinds[i].word != NULL)
			(void) row_column(row, kinds[i].word, &fact->word);
		fact->alone = read_alone(row);
		fact->fits = is_of_content(row);
	}
	return true;
}

static const Fact *
find(FactKind kind, uint64_t id)
{
	for (int i = 0; i < nfacts; i++)
		if (facts[i].kind == kind && facts[i].id == id)
			return &facts[i];
	return NULL;
}

/* Does the text begin with the name, as SQL writes it?  Then it is behind it. */
static bool
take_name(TlogText *text, TlogText name)
{
	size_t		at = 0;

	if (text->len > 0 && text->at[0] == '"')
	{
		at = 1;
		for (size_t i = 0; i < name.len; i++)
		{
			if (at >= text->len || text->at[at++] != name.at[i])
				return false;
			if (name.at[i] == '"' && (at >= text->len || text->at[at++] != '"'))
				return false;
		}
		if (at >= text->len || text->at[at++] != '"')
			return false;
	}
	else if (text->len < name.len || memcmp(text->at, name.at, name.len) != 0)
		return false;
	else
		at = name.len;
	text->at += at;
	text->len -= at;
	return true;
}

/* Is it said of this row's table? */
static bool
is_of_table(const Fact *fact, const Fact *subject)
{
	TlogText	text = fact->relation;

	if (text.at == NULL || !take_name(&text, subject->schema) || text.len == 0 || text.at[0] != '.')
		return false;
	text.at++;
	text.len--;
	return take_name(&text, subject->relation) && text.len == 0;
}

/* Lines */

static void
begin_line(FILE *out, bool alarm)
{
	fputs(value_html ? (alarm ? "<p><strong>" : "<p>") : "  ", out);
}

static void
end_line(FILE *out, bool alarm)
{
	fputs(value_html ? (alarm ? "</strong></p>\n" : "</p>\n") : "\n", out);
}

/* "boss" (claimed), leaf 9 */
static void
print_by(FILE *out, const Fact *fact)
{
	text_print_quoted(out, fact->actor);
	fputs(" (", out);
	if (fact->identity.at != NULL)
	{
		text_print(out, fact->identity);
		fputs(", ", out);
	}
	fprintf(out, "leaf %" PRIu64 ")", fact->leaf);
}

static bool
is_in(TlogText array, uint64_t id)
{
	Bytes		bytes;
	uint64_t	n;

	if (array.at == NULL || !array_begin(array, &bytes, &n))
		return false;
	for (uint64_t i = 0; i < n && !bytes.failed; i++)
	{
		TlogText	element;
		Bytes		number;

		if (!bytes_field(&bytes, &element) || element.len != 8)
			return false;
		number = (Bytes) {(const uint8_t *) element.at, (const uint8_t *) element.at + 8, false};
		if (bytes_number(&number, 8) == id)
			return true;
	}
	return false;
}

static void
print_signed(FILE *out, uint64_t approval)
{
	for (int i = 0; i < nfacts; i++)
		if (facts[i].kind == FACT_SIGNED && is_in(facts[i].word, approval))
			fprintf(out, facts[i].fits ? ", signed by passkey %" PRIu64 " (leaf %" PRIu64 ")" :
					", with a signature by passkey %" PRIu64 " that is not of its text (leaf %" PRIu64 ")", facts[i].id, facts[i].leaf);
}

static void
print_review(FILE *out, const Fact *approval)
{
	const Fact *review = find(FACT_REVIEW, approval->id);

	begin_line(out, true);
	if (review == NULL)
		fputs("Nobody has reviewed that, as far as this file says.", out);
	else
	{
		fputs("Reviewed afterwards by ", out);
		print_by(out, review);
		fputs(", who has found it ", out);
		text_print(out, review->word);
		putc('.', out);
	}
	end_line(out, true);
}

/* True: it was used, and is an approval by another person. */
static bool
print_approval(FILE *out, const Fact *approval, const Fact *end)
{
	bool		used = end != NULL && tlog_text_is(end->word, "used");
	bool		glass = approval->alone == ALONE_YES || find(FACT_GLASS, approval->id) != NULL;
	bool		alarm = glass || approval->alone == ALONE_UNKNOWN;

	begin_line(out, alarm);
	fputs(glass ? "BROKEN GLASS, which is no approval by a second person: " :
		  approval->alone == ALONE_UNKNOWN ? "Approved, or let pass alone, by " : used ? "Approved by " : "An approval by ", out);
	print_by(out, approval);
	if (glass)
		fputs(used ? " alone has let it pass" : " alone wanted to let it pass", out);
	print_signed(out, approval->id);
	if (used)
		fprintf(out, "; used (leaf %" PRIu64 ").", end->leaf);
	else if (end != NULL)
	{
		fputs("; not used: ", out);
		text_print(out, end->word);
		putc('.', out);
	}
	else
		fputs("; not used, as far as this file says.", out);
	end_line(out, alarm);
	if (glass)
		print_review(out, approval);
	return used && !alarm;
}

static void
print_rejection(FILE *out, const Fact *rejection, const Fact *subject)
{
	const Fact *end = find(FACT_REJECTION_END, rejection->id);
	bool		alarm = end == NULL;

	begin_line(out, alarm);
	if (same_text(rejection->key, subject->key))
		fputs("REJECTED by ", out);
	else
	{
		fputs("REJECTED, for payment ", out);
		text_print_key(out, rejection->payment);
		fputs(", by ", out);
	}
	print_by(out, rejection);
	if (end == NULL)
		fputs("; not taken back, as far as this file says.", out);
	else
	{
		fputs("; taken back by ", out);
		print_by(out, end);
		putc('.', out);
	}
	end_line(out, alarm);
}

static void
print_breach(FILE *out, const Fact *breach)
{
	uint64_t	settled = 0;

	begin_line(out, true);
	fputs("BREACH ", out);
	text_print(out, breach->word);
	fputs(": what a rule refuses has happened", out);
	if (breach->actor.at != NULL)
	{
		fputs(", by ", out);
		print_by(out, breach);
	}
	for (int i = 0; i < nfacts; i++)
		if (facts[i].kind == FACT_SETTLEMENT && facts[i].id == breach->id)
		{
			fputs(settled++ == 0 ? "; looked at by " : " and by ", out);
			print_by(out, &facts[i]);
		}
	fputs(settled > 0 && settled >= breach->needed ? "; settled." : "; not settled, as far as this file says.", out);
	end_line(out, true);
}

/* Is it what makes the frame red? */
static bool
is_alarming(const Fact *subject)
{
	for (int i = 0; i < nfacts; i++)
	{
		const Fact *fact = &facts[i];

		if (is_of_table(fact, subject) &&
			((fact->kind == FACT_APPROVAL && (fact->alone != ALONE_NO || find(FACT_GLASS, fact->id) != NULL)) ||
			 (fact->kind == FACT_REJECTION && find(FACT_REJECTION_END, fact->id) == NULL) || fact->kind == FACT_BREACH))
			return true;
	}
	return false;
}

static void
print_of(FILE *out, const Fact *subject)
{
	bool		approved = false;

	fputs(value_html ? (is_alarming(subject) ? "<div class=\"verdict alarm\"><h2>" : "<div class=\"verdict\"><h2>") : "", out);
	fputs("Verdict on ", out);
	text_print(out, subject->schema);
	putc('.', out);
	text_print(out, subject->relation);
	fputs(", key ", out);
	text_print(out, subject->key);
	fputs(value_html ? "</h2>\n" : "\n", out);
	for (int i = 0; i < nfacts; i++)
	{
		const Fact *fact = &facts[i];
		const Fact *end = fact->kind == FACT_APPROVAL ? find(FACT_APPROVAL_END, fact->id) : NULL;

		if (!is_of_table(fact, subject))
			continue;
		/* before the row was there its key is that of its end */
		if (fact->kind == FACT_APPROVAL && same_text(fact->key.at == NULL && end != NULL ? end->key : fact->key, subject->key))
			approved |= print_approval(out, fact, end);
		else if (fact->kind == FACT_REJECTION)
			print_rejection(out, fact, subject);
		else if (fact->kind == FACT_BREACH && same_text(fact->key, subject->key))
			print_breach(out, fact);
	}
	if (!approved)
	{
		begin_line(out, false);
		fputs("No second person's approval of it was used, as far as this file says.", out);
		end_line(out, false);
	}
	if (value_html)
		fputs("</div>\n", out);
}

void
verdict_print(FILE *out)
{
	for (int i = 0; i < nfacts; i++)
		if (facts[i].kind == FACT_ROW)
			print_of(out, &facts[i]);
}
