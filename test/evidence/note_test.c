/*-------------------------------------------------------------------------
 *
 * note_test.c
 *	  Texts, keys, notes, checkpoints, policies, proof files: what is accepted,
 *	  what is refused, what is signed.
 *
 *-------------------------------------------------------------------------
 */
#include "check.h"
#include "tlog/cosignature.h"
#include "tlog/policy.h"
#include "tlog/proof_file.h"

#define TEXT(s)	((TlogText) {s, strlen(s)})

/* Of the specification of signed notes, and of Go's sumdb/note */
static const char example_key[] = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
static const char example_note[] = "This is an example message.\n\n"
"— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";
static const char go_signer[] = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
static const char go_key[] = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
static const char go_text[] = "If you think cryptography is the answer to your problem,\n"
"then you don't know what your problem is.\n";
static const char go_line[] =
"— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

static const char checkpoint_text[] = "example.com/behind-the-sofa\n20852163\n"
"CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";

static void
test_base64(void)
{
	static const char *const good[] = {"", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy", "/+8="};
	static const char *const bad[] = {"Z", "Zg", "Zg=", "Zg===", "Zh==", "Zm9=", "=", "====", "Zm8=Zm8=", "Zm 8",
	"Zm8\n", "Z-8=", "Zg==\n", "Zg==Zg=="};

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
	{
		char		bytes[8];
		char		again[16];
		long		n = tlog_base64_read(TEXT(good[i]), bytes, 6);

		CHECK(n == (long) (i < 7 ? i : 2), "%s", good[i]);
		CHECK(tlog_base64_write(bytes, n, again) == strlen(good[i]) && strcmp(again, good[i]) == 0, "%s", again);
		CHECK(n == 0 || tlog_base64_read(TEXT(good[i]), bytes, n - 1) == -1, "%s without room", good[i]);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
	{
		char		bytes[8];

		CHECK(tlog_base64_read(TEXT(bad[i]), bytes, 8) == -1, "%s", bad[i]);
	}
}

void
test_texts(void)
{
	static const char *const bad_numbers[] = {"", "00", "01", "+1", "-1", " 1", "1 ", "0x1", "9223372036854775808",
	"18446744073709551616", "10000000000000000000", "1a"};
	static const char *const unclean[] = {"\x80", "a\xc3", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80",
	"\xf8\x88\x80\x80\x80", "\x01", "\t", "\r", "\x1f", "\xe2\x80"};
	static const char *const clean[] = {"", "\n", "a\x7f", "\xc3\xa9", "\xe2\x80\x94", "\xf0\x9f\x98\x80", "\xf4\x8f\xbf\xbf"};
	static const char *const bad_names[] = {"", " ", "a b", "a+b", "a\nb", "\xc2\xa0", "a\xe2\x80\x83", "\xe3\x80\x80x",
	"x\xe1\x9a\x80", "\xc2\x85", "\xff", "a\tb", "\xe2\x80\xa8", "\xe2\x81\x9f"};
	char		long_name[TLOG_KEY_NAME_MAX + 2];
	uint64_t	n;
	TlogText	line = TEXT("one two ");
	TlogText	word;
	TlogWriter	w;
	char		room[4];

	test_base64();
	CHECK(tlog_text_number(TEXT("0"), &n) && n == 0, "0");
	CHECK(tlog_text_number(TEXT("9223372036854775807"), &n) && n == INT64_MAX, "2^63 - 1");
	for (size_t i = 0; i < sizeof(bad_numbers) / sizeof(bad_numbers[0]); i++)
		CHECK(!tlog_text_number(TEXT(bad_numbers[i]), &n), "%s", bad_numbers[i]);
	for (size_t i = 0; i < sizeof(unclean) / sizeof(unclean[0]); i++)
		CHECK(!tlog_text_clean(TEXT(unclean[i])), "unclean %zu", i);
	CHECK(!tlog_text_clean(((TlogText) {"a\0b", 3})), "a byte of zero");
	for (size_t i = 0; i < sizeof(clean) / sizeof(clean[0]); i++)
		CHECK(tlog_text_clean(TEXT(clean[i])), "clean %zu", i);
	for (size_t i = 0; i < sizeof(bad_names) / sizeof(bad_names[0]); i++)
		CHECK(!tlog_key_name_good(TEXT(bad_names[i])), "name %zu", i);
	CHECK(tlog_key_name_good(TEXT("zahlung.example/kasse-\xc3\xa4")), "a good name");
	memset(long_name, 'a', sizeof(long_name));
	CHECK(tlog_key_name_good(((TlogText) {long_name, TLOG_KEY_NAME_MAX})), "the longest name");
	CHECK(!tlog_key_name_good(((TlogText) {long_name, TLOG_KEY_NAME_MAX + 1})), "a longer name");
	CHECK(tlog_text_word(&line, &word) && tlog_text_is(word, "one"), "a word");
	CHECK(!tlog_text_word(&line, &word), "a blank without a word after it");
	tlog_write_begin(&w, room, sizeof(room));
	tlog_write_word(&w, "abc");
	CHECK(tlog_write_end(&w) == 3 && strcmp(room, "abc") == 0, "%s", room);
	tlog_write_word(&w, "d");
	CHECK(tlog_write_end(&w) == -1 && strcmp(room, "abc") == 0, "%s", room);
}

static void
test_keys(void)
{
	static const char *const bad[] = {"", "example.com/foo", "example.com/foo+530d903a", "+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
		"example.com/foo+530d903b+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
		"example.com/foo+530D903A+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
		"example.com/foo+530d903a+AukyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
		"example.com/foo+530d903a+BOkyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
		"example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3Q==",
		"example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k ",
		"example.com/fop+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
		"PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"};
	TlogKey		key;
	TlogSigner	signer;
	TlogSigner	again;
	char		text[TLOG_KEY_TEXT_MAX];

	CHECK(tlog_key_parse(TEXT(example_key), &key), "the example's key");
	CHECK(tlog_key_text(&key, text, sizeof(text)) > 0 && strcmp(text, example_key) == 0, "%s", text);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(!tlog_key_parse(TEXT(bad[i]), &key), "%s", bad[i]);
	CHECK(tlog_signer_parse(TEXT(go_signer), &signer), "Go's signer");
	CHECK(tlog_signer_text(&signer, text, sizeof(text)) > 0 && strcmp(text, go_signer) == 0, "%s", text);
	CHECK(tlog_key_text(&signer.key, text, sizeof(text)) > 0 && strcmp(text, go_key) == 0, "%s", text);
	CHECK(!tlog_signer_parse(TEXT(go_key), &signer), "a verifier key is no signer");
	CHECK(!tlog_signer_parse(TEXT("PRIVATE+KEY+PeterNeumann+c74f20a4+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"), &signer),
		  "another id");
	CHECK(tlog_signer_generate("a.example/log", TLOG_KEY_COSIGNER, &signer) &&
		  tlog_signer_text(&signer, text, sizeof(text)) > 0 && tlog_signer_parse(TEXT(text), &again) &&
		  memcmp(&signer, &again, sizeof(signer)) == 0, "a new signer");
	CHECK(!tlog_signer_generate("a b", TLOG_KEY_ED25519, &signer), "a bad name");
	tlog_signer_forget(&again);
	for (size_t i = 0; i < sizeof(again); i++)
		CHECK(((uint8_t *) &again)[i] == 0, "byte %zu is not forgotten", i);
}

static TlogVerdict
verdict_of(const char *message, const TlogKey *key)
{
	TlogNote	note;

	return tlog_note_parse(TEXT(message), &note) ? tlog_note_verdict(&note, key) : (TlogVerdict) -1;
}

static void
test_note_forms(const TlogKey *key)
{
	static const char *const torn[] = {"", "\n", "\n\n", "a\n", "a\n\n", "a\n\nb\n", "a\n— x AAAAAAA=\n",
	"a\n\n— x AAAAAAA=", "a\n\n— x AAAAAA==\n", "a\n\n— x\n", "a\n\n—  AAAAAAA=\n", "a\n\n— x  AAAAAAA=\n",
	"a\n\n— x AAAAAAA= \n", "a\n\n- x AAAAAAA=\n", "a\n\n— x AAAAAAA=\nb\n", "a\t\n\n— x AAAAAAA=\n", "a\xff\n\n— x AAAAAAA=\n",
	"a\n\n— x AAAAAAA=\n\n", "a\n\n— x AAAAAAA=\n— x AAAAAAA=", "a\n\n— x AAAAAAA=\nb", "a\n\n— x+y AAAAAAA=\n", "a\n\n— x AAAAAAB=\n"};
	char		many[8192] = "a\n\n";
	TlogNote	note;

	for (size_t i = 0; i < sizeof(torn) / sizeof(torn[0]); i++)
		CHECK(!tlog_note_parse(TEXT(torn[i]), &note), "%zu: %s", i, torn[i]);
	CHECK(tlog_note_parse(TEXT("a\n\nb\n\n— x AAAAAAA=\n"), &note) && note.text.len == 5, "an empty line in the text");
	CHECK(tlog_note_verdict(&note, key) == TLOG_NO_SIGNATURE, "of somebody else");
	for (int i = 0; i < TLOG_SIGNATURES_MAX; i++)
		strcat(many, "— x AAAAAAA=\n");
	CHECK(tlog_note_parse(TEXT(many), &note) && note.n == TLOG_SIGNATURES_MAX, "%d signatures", note.n);
	strcat(many, "— x AAAAAAA=\n");
	CHECK(!tlog_note_parse(TEXT(many), &note), "one more");
}

void
test_notes_signed(void)
{
	TlogKey		key;
	TlogSigner	signer;
	char		line[TLOG_SIGNATURE_LINE_MAX];
	char		note[2048];
	char		more[4096];

	tlog_key_parse(TEXT(example_key), &key);
	CHECK(verdict_of(example_note, &key) == TLOG_GOOD_SIGNATURE, "the example");
	test_note_forms(&key);
	snprintf(note, sizeof(note), "%s", example_note);
	note[3] ^= 1;
	CHECK(verdict_of(note, &key) == TLOG_BAD_SIGNATURE, "the example, changed");
	snprintf(note, sizeof(note), "%s%s", example_note,
			 "— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQQ=\n");
	CHECK(verdict_of(note, &key) == TLOG_BAD_SIGNATURE, "a bad signature beside a good one");
	snprintf(note, sizeof(note), "%s%s", example_note, "— example.com/foo Uw2QOkk=\n");
	CHECK(verdict_of(note, &key) == TLOG_BAD_SIGNATURE, "a short signature");

	tlog_signer_parse(TEXT(go_signer), &signer);
	CHECK(tlog_note_sign(TEXT(go_text), &signer, line, sizeof(line)) > 0 && strcmp(line, go_line) == 0, "%s", line);
	CHECK(tlog_note_sign(TEXT(go_text), &signer, line, strlen(go_line)) == -1, "no room for the end");
	CHECK(tlog_note_sign(TEXT("no newline"), &signer, line, sizeof(line)) == -1, "a text that does not end");
	snprintf(more, sizeof(more), "%s%s", go_line, go_line);
	CHECK(tlog_note_write(TEXT(go_text), TEXT(more), note, sizeof(note)) > 0 &&
		  verdict_of(note, &signer.key) == TLOG_GOOD_SIGNATURE, "twice the same signature");
	CHECK(verdict_of(note, &key) == TLOG_NO_SIGNATURE, "another's note");
	/* the same name with another id, the same id with another name */
	key = signer.key;
	key.id ^= 1;
	CHECK(verdict_of(note, &key) == TLOG_NO_SIGNATURE, "another id");
	key = signer.key;
	strcpy(key.name, "PeterNeumanm");
	CHECK(verdict_of(note, &key) == TLOG_NO_SIGNATURE, "another name");
}

static void
test_checkpoint_forms(void)
{
	static const char root[] = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";
	static const char *const bad[] = {"", "\n1\n%s\n", "o\n0\n%s\n", "o\n01\n%s\n", "o\n-1\n%s\n", "o\n1\n%s", "o\n1\n%s\n\n",
	"o\n1\n%s\n\nx\n", "o\n1\n%s\nx", "o\n1\nAAAA\n", "o\n1\n\n", "o\n1\n", "o\n9223372036854775808\n%s\n", "o\n1 \n%s\n",
	"o\n1\n %s\n", "o\r\n1\n%s\n"};
	TlogCheckpoint checkpoint;
	char		text[1024];
	char		again[TLOG_CHECKPOINT_MAX];

	CHECK(tlog_checkpoint_parse(TEXT(checkpoint_text), &checkpoint) && checkpoint.size == 20852163 &&
		  tlog_text_is(checkpoint.origin, "example.com/behind-the-sofa") && checkpoint.extension.len == 0, "the example");
	CHECK(tlog_checkpoint_write("example.com/behind-the-sofa", 20852163, &checkpoint.root, again, sizeof(again)) > 0 &&
		  strcmp(again, checkpoint_text) == 0, "%s", again);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
	{
		snprintf(text, sizeof(text), bad[i], root);
		CHECK(!tlog_checkpoint_parse(TEXT(text), &checkpoint), "%s", text);
	}
	snprintf(text, sizeof(text), "o\n1\n%s\nx\ny\n", root);
	CHECK(tlog_checkpoint_parse(TEXT(text), &checkpoint) && checkpoint.extension.len == 4, "extension lines");
	CHECK(tlog_checkpoint_write("", 1, &checkpoint.root, again, sizeof(again)) == -1, "no origin");
	CHECK(tlog_checkpoint_write("a\nb", 1, &checkpoint.root, again, sizeof(again)) == -1, "an origin of two lines");
	CHECK(tlog_checkpoint_write("o", 0, &checkpoint.root, again, sizeof(again)) == -1, "an empty log");
	memset(text, 'o', TLOG_ORIGIN_MAX);
	text[TLOG_ORIGIN_MAX] = '\0';
	CHECK(tlog_checkpoint_write(text, INT64_MAX, &checkpoint.root, again, sizeof(again)) > 0, "the longest");
	strcat(text, "o");
	CHECK(tlog_checkpoint_write(text, 1, &checkpoint.root, again, sizeof(again)) == -1, "longer");
}

static void
test_cosignatures(TlogKeyType type)
{
	TlogSigner	signer;
	TlogNote	note;
	char		line[TLOG_SIGNATURE_LINE_MAX];
	char		text[8192];
	uint64_t	when;

	if (!tlog_key_supported(type))
	{
		CHECK(!tlog_signer_generate("witness.example", type, &signer), "a key that cannot be had");
		return;
	}
	CHECK(tlog_signer_generate("witness.example", type, &signer), "a key of type %d", type);
	CHECK(tlog_checkpoint_sign(TEXT(checkpoint_text), &signer, 1679315147, line, sizeof(line)) > 0 &&
		  tlog_note_write(TEXT(checkpoint_text), TEXT(line), text, sizeof(text)) > 0 &&
		  tlog_note_parse(TEXT(text), &note), "type %d", type);
	CHECK(tlog_checkpoint_verdict(&note, &signer.key, &when) == TLOG_GOOD_SIGNATURE &&
		  when == (type == TLOG_KEY_ED25519 ? 0 : 1679315147), "type %d", type);
	CHECK(tlog_note_verdict(&note, &signer.key) ==
		  (type == TLOG_KEY_ED25519 ? TLOG_GOOD_SIGNATURE : TLOG_NO_SIGNATURE), "type %d as a note", type);
	CHECK(tlog_checkpoint_sign(TEXT(go_text), &signer, 1, line, sizeof(line)) == -1, "what is no checkpoint");
	if (type != TLOG_KEY_ED25519)
		CHECK(tlog_checkpoint_sign(TEXT(checkpoint_text), &signer, 0, line, sizeof(line)) == -1, "without a time");
	text[0] ^= 1;
	tlog_note_parse(TEXT(text), &note);
	CHECK(tlog_checkpoint_verdict(&note, &signer.key, &when) == TLOG_BAD_SIGNATURE, "another origin");
	text[0] ^= 1;
	/* another time: the first bytes after the id */
	strstr(text, "witness.example ")[16 + 8] ^= 1;
	CHECK(!tlog_note_parse(TEXT(text), &note) ||
		  tlog_checkpoint_verdict(&note, &signer.key, &when) == TLOG_BAD_SIGNATURE, "another time");
}

void
test_notes(void)
{
	test_keys();
	test_notes_signed();
	test_checkpoint_forms();
	test_cosignatures(TLOG_KEY_ED25519);
	test_cosignatures(TLOG_KEY_COSIGNER);
	test_cosignatures(TLOG_KEY_COSIGNER_MLDSA44);
}

/* Policies */

#define PARTIES	5					/* a log and four witnesses */

static TlogSigner parties[PARTIES];
static char vkeys[PARTIES][TLOG_KEY_TEXT_MAX];

/* L and A to D stand for the keys of the log and the witnesses. */
static void
fill(const char *form, char *out)
{
	size_t		n = 0;

	for (; *form != '\0'; form++)
	{
		const char *party = *form == '$' ? strchr("LABCD", form[1]) : NULL;

		if (party == NULL)
			out[n++] = *form;
		else
		{
			n += sprintf(out + n, "%s", vkeys[party - "LABCD"]);
			form++;
		}
	}
	out[n] = '\0';
}

static const char *
parse(const char *form, TlogPolicy *policy)
{
	static char text[16384];
	int			line;

	fill(form, text);
	return tlog_policy_parse(TEXT(text), policy, &line);
}

/* Which of the parties sign is said by letters. */
static TlogPolicyVerdict
judge(const TlogPolicy *policy, const char *who)
{
	char		lines[8192] = "";
	char		text[16384];
	TlogNote	note;

	for (; *who != '\0'; who++)
	{
		char		line[TLOG_SIGNATURE_LINE_MAX];

		tlog_checkpoint_sign(TEXT(checkpoint_text), &parties[strchr("LABCD", *who) - "LABCD"], 1700000000, line, sizeof(line));
		strcat(lines, line);
	}
	strcat(lines, "— nobody.example AAAAAAA=\n");
	tlog_note_write(TEXT(checkpoint_text), TEXT(lines), text, sizeof(text));
	if (!tlog_note_parse(TEXT(text), &note))
		return (TlogPolicyVerdict) -1;
	return tlog_policy_verdict(policy, &note, NULL);
}

static void
test_quorums(TlogPolicy *policy)
{
	CHECK(parse("# a comment\n\t log  $L https://log.example/ \nwitness a $A\nwitness b $B http://b/\nwitness c $C\n"
				"group two 2 a b c\nwitness d $D\ngroup any any d\ngroup both all two any\n\nquorum both\n", policy) == NULL,
		  "the example of the specification");
	CHECK(judge(policy, "LABD") == TLOG_POLICY_MET, "met");
	CHECK(judge(policy, "LABCD") == TLOG_POLICY_MET, "met by all");
	CHECK(judge(policy, "LABC") == TLOG_POLICY_NO_QUORUM, "the other group is missing");
	CHECK(judge(policy, "LAD") == TLOG_POLICY_NO_QUORUM, "one of two");
	CHECK(judge(policy, "LAAD") == TLOG_POLICY_NO_QUORUM, "one of two, twice");
	CHECK(judge(policy, "ABCD") == TLOG_POLICY_UNKNOWN_LOG, "without the log");
	CHECK(parse("log $L\nwitness a $A\nquorum none\n", policy) == NULL && judge(policy, "L") == TLOG_POLICY_MET, "none");
	CHECK(parse("log $L\nwitness a $A\nquorum a\n", policy) == NULL && judge(policy, "L") == TLOG_POLICY_NO_QUORUM &&
		  judge(policy, "LA") == TLOG_POLICY_MET, "one witness");
	CHECK(parse("quorum none\n", policy) == NULL && judge(policy, "") == TLOG_POLICY_MET, "no log named");
	parties[1].seed[0] ^= 1;
	CHECK(parse("log $L\nwitness a $A\nquorum none\n", policy) == NULL && judge(policy, "LA") == TLOG_POLICY_BAD_SIGNATURE,
		  "a bad cosignature");
	parties[1].seed[0] ^= 1;
	strcpy(parties[0].key.name, "example.com/behind-the-door");
}

void
test_policies(void)
{
	static const char *const bad[] = {"", "log $L\n", "quorum none", "quorum none\nquorum none\n", "quorum a\n", "quorum\n",
	"quorum none none\n", "logs $L\nquorum none\n", "log $A\nquorum none\n", "log\nquorum none\n", "log $L u v\nquorum none\n",
	"log $L\nlog $L\nquorum none\n", "witness a $L\nquorum none\n", "witness a\nquorum none\n", "witness none $A\nquorum none\n",
	"witness a $A\nwitness a $B\nquorum none\n", "witness a $A\nwitness b $A\nquorum none\n", "group g any\nquorum none\n",
	"group g any a\nwitness a $A\nquorum g\n", "witness a $A\ngroup a any a\nquorum a\n", "witness a $A\ngroup g 0 a\nquorum g\n",
	"witness a $A\ngroup g 2 a\nquorum g\n", "witness a $A\ngroup g 01 a\nquorum g\n", "witness a $A\ngroup g any a a\nquorum g\n",
	"witness a $A\ngroup g any none\nquorum g\n", "witness a $A\ngroup g any a\ngroup h any a\nquorum h\n",
	"witness a $A\ngroup g any g\nquorum g\n", "quorum g\nwitness g $A\n", "quorum none\r\n", "quorum none\x7f\n", "quorum none\n\x01\n"};
	static const char *const names[PARTIES] = {"example.com/behind-the-sofa", "a.example", "b.example", "c.example", "d.example"};
	TlogPolicy *policy = malloc(sizeof(TlogPolicy));
	char		text[4096];
	TlogKey		as_log;

	for (int i = 0; i < PARTIES; i++)
	{
		tlog_signer_generate(names[i], i == 0 ? TLOG_KEY_ED25519 : TLOG_KEY_COSIGNER, &parties[i]);
		tlog_key_text(&parties[i].key, vkeys[i], sizeof(vkeys[i]));
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(parse(bad[i], policy) != NULL, "%s", bad[i]);
	/* a log among its own witnesses */
	{
		TlogSigner	twin;

		tlog_signer_of_seed("w.example", TLOG_KEY_COSIGNER, parties[0].seed, &twin);
		tlog_key_text(&twin.key, text, sizeof(text));
		memmove(text + strlen("log $L\nwitness w "), text, strlen(text) + 1);
		memcpy(text, "log $L\nwitness w ", strlen("log $L\nwitness w "));
		strcat(text, "\nquorum w\n");
		CHECK(parse(text, policy) != NULL, "%s", text);
	}
	test_quorums(policy);
	/* the log's key under another origin */
	tlog_signer_of_seed("example.com/behind-the-door", TLOG_KEY_ED25519, parties[0].seed, &parties[0]);
	as_log = parties[0].key;
	tlog_key_text(&as_log, vkeys[0], sizeof(vkeys[0]));
	CHECK(parse("log $L\nquorum none\n", policy) == NULL && judge(policy, "L") == TLOG_POLICY_UNKNOWN_LOG, "another origin");
	free(policy);
}

/* Proof files */

void
test_proofs(void)
{
	static const char note[] = "o\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n— x AAAAAAA=\n";
	static const char line[] = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
	static const char *const bad[] = {"", "c2sp.org/tlog-proof@v1\n", "c2sp.org/tlog-proof@v2\nindex 0\n\no\n",
	"c2sp.org/tlog-proof@v1\nindex 0\no\n", "c2sp.org/tlog-proof@v1\nindex 00\n\no\n", "c2sp.org/tlog-proof@v1\nindex  0\n\no\n",
	"c2sp.org/tlog-proof@v1\nindex 0\n\n", "c2sp.org/tlog-proof@v1\nextra \nindex 0\n\no\n", "c2sp.org/tlog-proof@v1\nextra a\nindex 0\n\no\n",
	"c2sp.org/tlog-proof@v1\nextra AA==\nextra AA==\nindex 0\n\no\n", "c2sp.org/tlog-proof@v1\nindex 0\nAAAA\n\no\n",
	"c2sp.org/tlog-proof@v1\n\nindex 0\n\no\n", "c2sp.org/tlog-proof@v1\r\nindex 0\n\no\n"};
	TlogHash	path[TLOG_PATH_MAX];
	TlogProof	proof;
	char		text[TLOG_PROOF_ROOM(64, sizeof(note))];
	uint8_t		extra[64];
	const uint8_t *leaf;
	const uint8_t *payload;
	size_t		leaf_len;
	size_t		payload_len;
	size_t		len = tlog_extra_write("leaf", 4, "payload", 7, extra);

	for (int i = 0; i < TLOG_PATH_MAX; i++)
		memset(path[i].bytes, i, TLOG_HASH_LEN);
	CHECK(tlog_proof_write(extra, len, INT64_MAX, path, TLOG_PATH_MAX, TEXT(note), text, sizeof(text)) > 0 &&
		  tlog_proof_parse(TEXT(text), &proof) && proof.n == TLOG_PATH_MAX && proof.index == INT64_MAX && proof.has_extra &&
		  memcmp(path, proof.path, sizeof(path)) == 0 && tlog_text_is(proof.note, note), "%s", text);
	CHECK(tlog_extra_parse(extra, len, &leaf, &leaf_len, &payload, &payload_len) && leaf_len == 4 && payload_len == 7 &&
		  memcmp(leaf, "leaf", 4) == 0 && memcmp(payload, "payload", 7) == 0, "extra");
	CHECK(!tlog_extra_parse(extra, 5, &leaf, &leaf_len, &payload, &payload_len), "a torn leaf");
	CHECK(!tlog_extra_parse((const uint8_t *) "\0\0abc", 5, &leaf, &leaf_len, &payload, &payload_len), "an empty leaf");
	CHECK(tlog_proof_write(NULL, 0, 0, path, 0, TEXT(note), text, sizeof(text)) > 0 && tlog_proof_parse(TEXT(text), &proof) &&
		  !proof.has_extra && proof.n == 0, "%s", text);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(!tlog_proof_parse(TEXT(bad[i]), &proof), "%s", bad[i]);
	strcpy(text, "c2sp.org/tlog-proof@v1\nindex 0\n");
	for (int i = 0; i <= TLOG_PATH_MAX; i++)
		strcat(text, line);
	strcat(text, "\no\n");
	CHECK(!tlog_proof_parse(TEXT(text), &proof), "a hash too many");
}
