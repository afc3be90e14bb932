/*-------------------------------------------------------------------------
 *
 * main.c
 *	  Tokens outside of the server: those of the RFCs and of others are genuine, what was
 *	  changed in them is not; what a token must not have is refused; keys that must not be.
 *
 *	  main VECTORS [SPEED]
 *
 * With SPEED, how many tokens a second of each algorithm are taken apart and verified.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres_fe.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sys/resource.h>

#include "base/crypto.h"
#include "base/signature.h"
#include "token/base64url.h"
#include "token/claims.h"
#include "token/json.h"
#include "token/jws.h"
#include "../lib/check.h"

long		checks = 0;
long		failures = 0;

/* What signature.c has from the server */

bool
errstart(int level, const char *domain)
{
	return true;
}

bool
errstart_cold(int level, const char *domain)
{
	return true;
}

void
errfinish(const char *file, int line, const char *function)
{
	fprintf(stderr, "%s:%d: an error\n", file, line);
	abort();
}

int
errmsg_internal(const char *format,...)
{
	return 0;
}

void
paysafe_crypto_hmac_sha256(const uint8 *key, size_t keylen, const void *data, size_t len, uint8 *out)
{
	HMAC(EVP_sha256(), key, (int) keylen, data, len, out, NULL);
}

bool
paysafe_crypto_equal(const void *a, const void *b, size_t len)
{
	return CRYPTO_memcmp(a, b, len) == 0;
}

static TokenText
text_of(const char *words)
{
	return (TokenText) {(const uint8_t *) words, strlen(words)};
}

/* Vectors */

typedef struct Vector
{
	char		line[16384];
	char	   *source;
	char	   *algorithm;
	char	   *token;
	SignatureKey *key;
} Vector;

static SignatureKey *
read_key(const char *name, char *text)
{
	static const struct
	{
		const char *name;
		SignatureAlgorithm algorithm;
	}			names[] = {
		{"ES256", SIGNATURE_ES256}, {"ES384", SIGNATURE_ES384}, {"ES512", SIGNATURE_ES512},
		{"RS256", SIGNATURE_RS256}, {"PS256", SIGNATURE_PS256}, {"HS256", SIGNATURE_HS256}
	};
	uint8		a[2048];
	uint8		b[2048];
	const char *why = "";
	char	   *dot = strchr(text, '.');
	long		alen;
	long		blen = 0;
	SignatureKey *key = NULL;

	if (dot != NULL)
		*dot++ = '\0';
	alen = token_base64url_read(text_of(text), a, sizeof(a));
	if (dot != NULL)
		blen = token_base64url_read(text_of(dot), b, sizeof(b));
	if (strcmp(name, "EdDSA") == 0)
		key = paysafe_signature_key_raw(alen == 32 ? SIGNATURE_ED25519 : SIGNATURE_ED448, a, alen, &why);
	for (int i = 0; i < lengthof(names); i++)
		if (strcmp(names[i].name, name) == 0)
			key = names[i].algorithm == SIGNATURE_HS256 ? paysafe_signature_key_raw(SIGNATURE_HS256, a, alen, &why) :
				name[0] == 'E' ? paysafe_signature_key_point(names[i].algorithm, a, alen, b, blen, &why) :
				paysafe_signature_key_rsa(names[i].algorithm, a, alen, b, blen, &why);
	CHECK(key != NULL, "%s: %s", name, why);
	return key;
}

static bool
read_vector(FILE *file, Vector *out)
{
	char	   *key;

	do
		if (fgets(out->line, sizeof(out->line), file) == NULL)
			return false;
	while (out->line[0] == '#');
	out->source = strtok(out->line, "\t");
	out->algorithm = strtok(NULL, "\t");
	key = strtok(NULL, "\t");
	out->token = strtok(NULL, "\n");
	out->key = read_key(out->algorithm, key);
	return true;
}

/* Is the token one of this algorithm and genuine? */
static bool
is_genuine(TokenText token, const char *algorithm, SignatureKey *key)
{
	uint8_t		buffer[TOKEN_JWS_MAX];
	TokenJws	jws;
	const char *why;

	return token_jws_read(token, buffer, &jws, &why) && strcmp(jws.algorithm, algorithm) == 0 &&
		paysafe_signature_verify(key, jws.signed_part.at, jws.signed_part.len,
								 jws.signature.at, jws.signature.len, SIGNATURE_RAW);
}

/* Each single bit of the token's text, and of the signature behind it */
static void
change_bits(const Vector *v)
{
	size_t		len = strlen(v->token);
	char	   *copy = strdup(v->token);
	uint8_t		buffer[TOKEN_JWS_MAX];
	TokenJws	jws;
	const char *why;
	/* the slow ones: each other bit */
	int			step = strcmp(v->algorithm, "ES512") == 0 || strcmp(v->algorithm, "ES384") == 0 ? 5 : 1;

	for (size_t i = 0; i < len * 8; i += step)
	{
		copy[i / 8] ^= 1 << i % 8;
		CHECK(!is_genuine((TokenText) {(uint8_t *) copy, len}, v->algorithm, v->key),
			  "%s %s: bit %zu", v->source, v->algorithm, i);
		copy[i / 8] ^= 1 << i % 8;
	}
	CHECK(token_jws_read(text_of(v->token), buffer, &jws, &why), "%s", why);
	for (size_t i = 0; i < jws.signature.len * 8; i += step)
	{
		uint8_t    *byte = (uint8_t *) jws.signature.at + i / 8;

		*byte ^= 1 << i % 8;
		CHECK(!paysafe_signature_verify(v->key, jws.signed_part.at, jws.signed_part.len,
										jws.signature.at, jws.signature.len, SIGNATURE_RAW),
			  "%s %s: bit %zu of the signature", v->source, v->algorithm, i);
		*byte ^= 1 << i % 8;
	}
	for (size_t i = 0; i < jws.signature.len; i++)
		CHECK(!paysafe_signature_verify(v->key, jws.signed_part.at, jws.signed_part.len,
										jws.signature.at, i, SIGNATURE_RAW),
			  "%s %s: %zu bytes of the signature", v->source, v->algorithm, i);
	free(copy);
}

/* Nobody else's key verifies it, nor the same one under another algorithm's name. */
static void
other_keys(FILE *file, const Vector *v)
{
	long		place = ftell(file);
	static Vector other;

	rewind(file);
	while (read_vector(file, &other))
	{
		if (strcmp(other.token, v->token) != 0)
			CHECK(!is_genuine(text_of(v->token), v->algorithm, other.key), "%s by the key of %s", v->source, other.source);
		paysafe_signature_key_free(other.key);
	}
	fseek(file, place, SEEK_SET);
}

static double
processor_seconds(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_utime.tv_sec + usage.ru_utime.tv_usec / 1e6;
}

/* What "openssl speed" calls it */
static const char *const speed_names[] = {
	[SIGNATURE_ES256] = "ecdsap256", [SIGNATURE_ES384] = "ecdsap384", [SIGNATURE_ES512] = "ecdsap521",
	[SIGNATURE_ED25519] = "ed25519", [SIGNATURE_ED448] = "ed448", [SIGNATURE_RS256] = "rsa2048",
	[SIGNATURE_PS256] = "rsa2048", [SIGNATURE_HS256] = "-"
};

static void
speed(const Vector *v)
{
	double		begin = processor_seconds();
	double		seconds;
	long		n = 0;

	do
		for (int i = 0; i < 100; i++, n++)
			CHECK(is_genuine(text_of(v->token), v->algorithm, v->key), "speed");
	while ((seconds = processor_seconds() - begin) < 2);
	printf("%s\t%s\t%.0f\n", v->algorithm, speed_names[paysafe_signature_key_algorithm(v->key)], n / seconds);
}

/* Headers and tokens that must not be */

static const struct
{
	const char *header;
	const char *why;			/* part of it; NULL: good */
}			headers[] = {
	{"{\"alg\":\"ES256\",\"kid\":\"a\"}", NULL},
	{"{\"alg\":\"ES256\",\"kid\":\"a\",\"typ\":\"JWT\"}", NULL},
	{"{\"typ\":\"at+jwt\",\"alg\":\"ES256\"}", NULL},
	{"{\"alg\":\"ES256\",\"alg\":\"none\"}", "one way"},
	{"{\"alg\":\"ES256\",\"\\u0061lg\":\"none\"}", "one way"},
	{"{\"\\u0061lg\":\"ES256\"}", "a member that is not"},
	{"{\"alg\":\"ES256\",\"kid\":\"a\",\"kid\":\"b\"}", "one way"},
	{"{\"alg\":\"ES256\",\"crit\":[\"exp\"],\"exp\":1}", "a member that is not"},
	{"{\"alg\":\"ES256\",\"crit\":[]}", "a member that is not"},
	{"{\"alg\":\"ES256\",\"b64\":false,\"crit\":[\"b64\"]}", "a member that is not"},
	{"{\"alg\":\"ES256\",\"jwk\":{\"kty\":\"oct\",\"k\":\"AAAA\"}}", "a member that is not"},
	{"{\"alg\":\"ES256\",\"jku\":\"https://attacker.example/keys\"}", "a member that is not"},
	{"{\"alg\":\"ES256\",\"x5u\":\"https://attacker.example/c\"}", "a member that is not"},
	{"{\"alg\":\"ES256\",\"x5c\":[\"AAAA\"]}", "a member that is not"},
	{"{\"alg\":\"ES256\",\"zip\":\"DEF\"}", "a member that is not"},
	{"{\"alg\":\"ES256\",\"cty\":\"JWT\"}", "a member that is not"},
	{"{\"alg\":\"ES256\",\"typ\":\"jwt\"}", "\"typ\""},
	{"{\"alg\":\"ES256\",\"typ\":\"JOSE+JSON\"}", "\"typ\""},
	{"{\"alg\":\"ES256\",\"typ\":null}", "\"typ\""},
	{"{\"alg\":[\"ES256\"]}", "\"alg\""},
	{"{\"alg\":\"\"}", "\"alg\""},
	{"{\"alg\":\"ES256ES256ES256ES256\"}", "\"alg\""},
	{"{\"kid\":\"a\"}", "no \"alg\""},
	{"{\"alg\":\"ES256\",\"kid\":1}", "\"kid\""},
	{"{\"alg\":\"ES256\",\"kid\":\"\"}", "\"kid\""},
	{"{\"alg\":\"ES256\",\"kid\":\"a b\"}", "\"kid\""},
	{"{\"alg\":\"ES256\",\"kid\":\"a\\u0000b\"}", "one way"},
	{"{\"alg\":\"ES256\",\"kid\":\"a\\nb\"}", "\"kid\""},
	{"{\"alg\":\"ES256\",\"kid\":\"\xC3\xBC\"}", "\"kid\""},
	{"{\"alg\":\"ES256\",\"kid\":\"\xC3\"}", "one way"},
	{"{\"alg\":\"ES256\",\"kid\":\"\xED\xA0\x80\"}", "one way"},
	{"{\"alg\":\"ES256\"} {}", "one way"},
	{"\xEF\xBB\xBF{\"alg\":\"ES256\"}", "one way"},
	{"[\"alg\"]", "one way"},
	{"[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]", "one way"},
	{"{\"alg\":\"ES256\",\"kid\":\"../../../../etc/passwd\"}", NULL},	/* a name like others */
	{"{\"alg\":\"ES256\",\"kid\":\"'or'1'='1\"}", NULL},
	{"{\"alg\":\"none\"}", NULL},	/* an algorithm that no key has */
};

static void
bad_headers(void)
{
	for (int i = 0; i < lengthof(headers); i++)
	{
		char		token[1024];
		uint8_t		buffer[TOKEN_JWS_MAX];
		TokenJws	jws;
		const char *why = "";
		size_t		n = token_base64url_write(headers[i].header, strlen(headers[i].header), token);
		bool		good;

		strcpy(token + n, ".e30.AAAA");
		good = token_jws_read(text_of(token), buffer, &jws, &why);
		CHECK(good == (headers[i].why == NULL) && (good || strstr(why, headers[i].why) != NULL),
			  "%s: %s", headers[i].header, good ? "taken" : why);
	}
}

static void
bad_tokens(void)
{
	static const char *const bad[] = {
		"", ".", "..", "...", "e30", "e30.e30", "e30..e30", ".e30.e30", "e30.e30.", "e30.e30.e30.e30",
		"e30.e30.e30", "e30=.e30.e30", " e30.e30.e30",
		/* a good one, and others that are not it */
		"eyJhbGciOiJFUzI1NiJ9.e30.AAAA ", "eyJhbGciOiJFUzI1NiJ9.e30.AAA=", "eyJhbGciOiJFUzI1NiJ9.e30.AAA+",
		"eyJhbGciOiJFUzI1NiJ9.e30.AA/A", "eyJhbGciOiJFUzI1NiJ9.e30.AAAAA", "eyJhbGciOiJFUzI1NiJ9.e30.AB",
		"eyJhbGciOiJFUzI1NiJ9.e31.AAAA", "eyJhbGciOiJFUzI1NiJ9.e30.AA\nAA"
	};
	uint8_t		buffer[TOKEN_JWS_MAX];
	TokenJws	jws;
	const char *why;
	char		large[TOKEN_JWS_MAX + 2];

	CHECK(token_jws_read(text_of("eyJhbGciOiJFUzI1NiJ9.e30.AAAA"), buffer, &jws, &why), "%s", why);
	for (int i = 0; i < lengthof(bad); i++)
		CHECK(!token_jws_read(text_of(bad[i]), buffer, &jws, &why), "%s", bad[i]);
	/* as large as can be, and larger */
	memset(large, 'A', sizeof(large));
	memcpy(large, "eyJhbGciOiJFUzI1NiJ9.e30.", 25);
	for (size_t len = TOKEN_JWS_MAX - 4; len <= TOKEN_JWS_MAX + 1; len++)
		CHECK(token_jws_read((TokenText) {(uint8_t *) large, len}, buffer, &jws, &why) ==
			  (len <= TOKEN_JWS_MAX && (len - 25) % 4 != 1), "%zu: %s", len, why);
}

/* Claims */

static const struct
{
	const char *payload;
	const char *why;			/* part of it; NULL: good */
}			payloads[] = {
	{"{\"iss\":\"i\",\"sub\":\"s\",\"exp\":1}", NULL},
	{"{\"iss\":\"i\",\"sub\":\"s\",\"exp\":1,\"aud\":\"a\",\"jti\":\"j\",\"nbf\":0,\"iat\":0,\"x\":{\"y\":[1]}}", NULL},
	{"{\"iss\":\"i\",\"sub\":\"s\",\"exp\":1,\"aud\":[\"a\",\"b\"]}", NULL},
	{"{\"iss\":\"i\",\"sub\":\"s\",\"exp\":1,\"exp\":2}", "one way"},
	{"{\"iss\":\"i\",\"sub\":\"s\",\"exp\":1,\"x\":{\"y\":1,\"y\":1}}", "one way"},
	{"{\"iss\":\"i\",\"sub\":\"s\"}", "\"exp\""},
	{"{\"iss\":\"i\",\"sub\":\"s\",\"exp\":null}", "\"exp\""},
	{"{\"iss\":\"i\",\"sub\":\"s\",\"exp\":\"1\"}", "\"exp\""},
	{"{\"iss\":\"i\",\"sub\":\"s\",\"exp\":1.5}", "\"exp\""},
	{"{\"iss\":\"i\",\"sub\":\"s\",\"exp\":1e9}", "\"exp\""},
	{"{\"iss\":\"i\",\"sub\":\"s\",\"exp\":-1}", "\"exp\""},
	{"{\"iss\":\"i\",\"sub\":\"s\",\"exp\":99999999999999999999}", "\"exp\""},
	{"{\"iss\":\"i\",\"sub\":\"s\",\"exp\":253402300800}", "\"exp\""},
	{"{\"iss\":\"i\",\"exp\":1}", "\"sub\""},
	{"{\"iss\":\"i\",\"sub\":\"\",\"exp\":1}", "\"sub\""},
	{"{\"iss\":\"i\",\"sub\":7,\"exp\":1}", "\"sub\""},
	{"{\"sub\":\"s\",\"exp\":1}", "\"iss\""},
	{"{\"iss\":\"i\",\"sub\":\"s\",\"exp\":1,\"nbf\":0.1}", "\"nbf\""},
	{"{\"iss\":\"i\",\"sub\":\"s\",\"exp\":1,\"iat\":\"0\"}", "\"iat\""},
	{"{\"iss\":\"i\",\"sub\":\"s\",\"exp\":1,\"jti\":1}", "\"jti\""},
	{"{\"iss\":\"i\",\"sub\":\"s\",\"exp\":1,\"aud\":1}", "\"aud\""},
	{"{\"iss\":\"i\",\"sub\":\"s\",\"exp\":1,\"aud\":[]}", "\"aud\""},
	{"{\"iss\":\"i\",\"sub\":\"s\",\"exp\":1,\"aud\":[\"a\",1]}", "\"aud\""},
	{"{\"iss\":\"i\",\"sub\":\"s\\u0000\",\"exp\":1}", "one way"},
	{"{\"iss\":\"i\",\"sub\":\"\xC0\xAF\",\"exp\":1}", "one way"},
	{"\"iss\"", "one way"},
	{"{\"iss\":\"i\",\"sub\":\"s\",\"exp\":1,\"x\":[[[[[[[[1]]]]]]]]}", "one way"},
};

static void
bad_claims(void)
{
	TokenClaims claims;
	const char *why;

	for (int i = 0; i < lengthof(payloads); i++)
	{
		bool		good = token_claims_read(text_of(payloads[i].payload), &claims, &why);

		CHECK(good == (payloads[i].why == NULL) && (good || strstr(why, payloads[i].why) != NULL),
			  "%s: %s", payloads[i].payload, good ? "taken" : why);
	}
	CHECK(token_claims_read(text_of(payloads[1].payload), &claims, &why) &&
		  token_claims_is_for(&claims, "a") && !token_claims_is_for(&claims, "b") &&
		  !token_claims_is_for(&claims, "") && !token_claims_is_for(&claims, "aa"), "audience");
	CHECK(token_claims_read(text_of(payloads[2].payload), &claims, &why) &&
		  token_claims_is_for(&claims, "a") && token_claims_is_for(&claims, "b") &&
		  !token_claims_is_for(&claims, "[\"a\",\"b\"]"), "audiences");
	CHECK(token_claims_read(text_of(payloads[0].payload), &claims, &why) &&
		  !token_claims_is_for(&claims, "a") && !token_claims_is_for(&claims, ""), "no audience");
}

/* The edges of all times, to the second */
static void
times(void)
{
	TokenClaims claims = {.expires = 2000, .not_before = 1000, .issued = 900};

	CHECK(token_claims_untimely(&claims, 1000, 0, 1100) == NULL, "nbf");
	CHECK(token_claims_untimely(&claims, 999, 0, 1100) != NULL, "before nbf");
	CHECK(token_claims_untimely(&claims, 970, 30, 1100) == NULL, "nbf, leeway");
	CHECK(token_claims_untimely(&claims, 969, 30, 1100) != NULL, "before nbf, leeway");
	CHECK(token_claims_untimely(&claims, 1999, 0, 1100) == NULL, "exp");
	CHECK(token_claims_untimely(&claims, 2000, 0, 1100) != NULL, "at exp");
	CHECK(token_claims_untimely(&claims, 2029, 30, 1100) == NULL, "exp, leeway");
	CHECK(token_claims_untimely(&claims, 2030, 30, 1100) != NULL, "at exp, leeway");
	CHECK(token_claims_untimely(&claims, 1000, 0, 1000) == NULL, "max_age");
	CHECK(token_claims_untimely(&claims, 1000, 0, 999) != NULL, "longer than max_age");
	CHECK(token_claims_untimely(&claims, 1900, 0, 1000) == NULL, "max_age after iat");
	CHECK(token_claims_untimely(&claims, 1901, 0, 1000) != NULL, "longer than max_age after iat");
	claims.not_before = TOKEN_NO_TIME;
	CHECK(token_claims_untimely(&claims, 900, 0, 1100) == NULL, "iat");
	CHECK(token_claims_untimely(&claims, 899, 0, 1101) != NULL, "before iat");
	claims.issued = TOKEN_NO_TIME;
	CHECK(token_claims_untimely(&claims, 899, 0, 1101) == NULL, "no iat");
}

/* Keys that must not be */

static bool
small_order(SignatureAlgorithm algorithm, const char *text, long len)
{
	uint8		bytes[64];
	const char *why = "";

	return token_base64url_read(text_of(text), bytes, sizeof(bytes)) == len &&
		paysafe_signature_key_raw(algorithm, bytes, len, &why) == NULL && strstr(why, "everybody") != NULL;
}

static void
bad_keys(void)
{
	uint8		n[1025];
	uint8		e[4] = {1, 0, 1, 1};
	uint8		point[66] = {0};
	const char *why;
	SignatureKey *key;
	/* y of 0, 1, -1 and the 8th roots, in all ways in which these can be written */
	static const char *const small[] = {
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		"7P_______________________________________38",
		"7f_______________________________________38",
		"7v_______________________________________38",
		"JuiVj8KyJ7BFw_SJ8u-Y8NXfrAXTxjM5sTgCiG1T_AU",
		"xxdqcD1N2E-6PAt2DRBnDyogU_osOczGTsf9d5KsA3o",
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAIA",
		"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAIA",
		"7P________________________________________8",
		"7f________________________________________8",
		"7v________________________________________8",
		"JuiVj8KyJ7BFw_SJ8u-Y8NXfrAXTxjM5sTgCiG1T_IU",
		"xxdqcD1N2E-6PAt2DRBnDyogU_osOczGTsf9d5KsA_o"
	};
	static const char *const small_448[] = {
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		"_v____________________________________7___________________________________8A",
		"______________________________________7___________________________________8A",
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAP____________________________________8A",
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAACA",
		"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAACA",
		"_v____________________________________7___________________________________-A",
		"______________________________________7___________________________________-A",
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAP____________________________________-A"
	};

	memset(n, 0xff, sizeof(n));
	CHECK((key = paysafe_signature_key_rsa(SIGNATURE_RS256, n, 256, e, 3, &why)) != NULL, "%s", why);
	paysafe_signature_key_free(key);
	CHECK(paysafe_signature_key_rsa(SIGNATURE_RS256, n, 255, e, 3, &why) == NULL, "2040 bits");
	CHECK(paysafe_signature_key_rsa(SIGNATURE_RS256, n, 1025, e, 3, &why) == NULL, "8200 bits");
	n[0] = 0x7f;
	CHECK(paysafe_signature_key_rsa(SIGNATURE_RS256, n, 256, e, 3, &why) == NULL, "2047 bits");
	n[0] = 0xff;
	n[255] = 0xfe;
	CHECK(paysafe_signature_key_rsa(SIGNATURE_RS256, n, 256, e, 3, &why) == NULL, "even");
	n[255] = 0xff;
	e[2] = 2;
	CHECK(paysafe_signature_key_rsa(SIGNATURE_RS256, n, 256, e, 3, &why) == NULL, "even exponent");
	e[0] = 0;
	e[2] = 3;
	CHECK(paysafe_signature_key_rsa(SIGNATURE_RS256, n, 256, e, 3, &why) == NULL, "zeros in front");
	CHECK(paysafe_signature_key_rsa(SIGNATURE_RS256, n, 256, e + 2, 1, &why) == NULL, "exponent 3");
	CHECK(paysafe_signature_key_rsa(SIGNATURE_ES256, n, 256, e, 3, &why) == NULL, "RSA for ES256");
	CHECK(paysafe_signature_key_point(SIGNATURE_ES256, point, 32, point, 32, &why) == NULL, "0, 0");
	CHECK(paysafe_signature_key_point(SIGNATURE_ES256, n, 32, n, 32, &why) == NULL, "beyond the field");
	CHECK(paysafe_signature_key_point(SIGNATURE_ES256, n, 48, n, 48, &why) == NULL, "another curve");
	for (int i = 0; i < lengthof(small); i++)
		CHECK(small_order(SIGNATURE_ED25519, small[i], 32), "%s", small[i]);
	for (int i = 0; i < lengthof(small_448); i++)
		CHECK(small_order(SIGNATURE_ED448, small_448[i], 57), "%s", small_448[i]);
	CHECK(paysafe_signature_key_raw(SIGNATURE_ED25519, n, 31, &why) == NULL, "31 bytes");
	CHECK(paysafe_signature_key_raw(SIGNATURE_HS256, n, 31, &why) == NULL, "a short secret");
	CHECK((key = paysafe_signature_key_raw(SIGNATURE_HS256, n, 32, &why)) != NULL, "%s", why);
	paysafe_signature_key_free(key);
	CHECK(paysafe_signature_key_spki(SIGNATURE_ES256, n, 91, &why) == NULL, "no DER");
	CHECK(paysafe_signature_key_spki(SIGNATURE_ES256, "-----BEGIN PUBLIC KEY-----\n", 27, &why) == NULL, "no PEM");
}

/* A key is the same, and written the same, as numbers and as SubjectPublicKeyInfo. */
static void
write_and_read(const Vector *v)
{
	uint8		der[PAYSAFE_SPKI_MAX + 1] = {0};
	uint8		again[PAYSAFE_SPKI_MAX];
	size_t		len;
	SignatureKey *key;
	const char *why = "";
	SignatureAlgorithm algorithm = paysafe_signature_key_algorithm(v->key);

	if (algorithm == SIGNATURE_HS256)
		return;
	len = paysafe_signature_key_write(v->key, der);
	key = paysafe_signature_key_spki(algorithm, der, len, &why);
	CHECK(key != NULL && is_genuine(text_of(v->token), v->algorithm, key), "%s: %s", v->source, why);
	CHECK(paysafe_signature_key_write(key, again) == len && memcmp(again, der, len) == 0, "%s", v->source);
	paysafe_signature_key_free(key);
	CHECK(paysafe_signature_key_spki(algorithm, der, len - 1, &why) == NULL, "cut");
	CHECK(paysafe_signature_key_spki(algorithm, der, len + 1, &why) == NULL, "longer");
	for (int i = SIGNATURE_ES256; i <= SIGNATURE_HS256; i++)
	{
		bool		rsa = v->algorithm[1] == 'S' && v->algorithm[0] != 'E';

		if (i == (int) algorithm || (rsa && (i == SIGNATURE_RS256 || i == SIGNATURE_PS256 || i == SIGNATURE_PS512)))
			continue;
		CHECK(paysafe_signature_key_spki(i, der, len, &why) == NULL,
			  "%s as %d", v->algorithm, i);
	}
	/* RS256's signature is none of PS256 by the same key, nor the reverse */
	if (algorithm == SIGNATURE_RS256 || algorithm == SIGNATURE_PS256)
	{
		key = paysafe_signature_key_spki(algorithm == SIGNATURE_RS256 ? SIGNATURE_PS256 : SIGNATURE_RS256,
										 der, len, &why);
		CHECK(key != NULL && !is_genuine(text_of(v->token), v->algorithm, key), "%s", v->source);
		paysafe_signature_key_free(key);
	}
	/* key confusion: the public key as the secret of HS256 */
	key = paysafe_signature_key_raw(SIGNATURE_HS256, der, len, &why);
	CHECK(key == NULL || !is_genuine(text_of(v->token), v->algorithm, key), "%s", v->source);
	paysafe_signature_key_free(key);
}

int
main(int argc, char **argv)
{
	FILE	   *file = fopen(argv[1], "r");
	static Vector v;
	int			n = 0;

	CHECK(file != NULL, "no vectors");
	while (file != NULL && read_vector(file, &v))
	{
		n++;
		CHECK(v.key != NULL && is_genuine(text_of(v.token), v.algorithm, v.key), "%s %s", v.source, v.algorithm);
		if (argc > 2)
			speed(&v);
		else
		{
			change_bits(&v);
			write_and_read(&v);
			other_keys(file, &v);
		}
		paysafe_signature_key_free(v.key);
	}
	bad_headers();
	bad_tokens();
	bad_claims();
	times();
	bad_keys();
	CHECK(n > 10, "%d vectors", n);
	if (failures > 0)
		fprintf(stderr, "%ld of %ld checks failed\n", failures, checks);
	else if (argc == 2)
		printf("%ld checks of tokens\n", checks);
	return failures > 0;
}
