/*-------------------------------------------------------------------------
 *
 * text.h
 *	  What the scanners of redact/ read and write.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_TEXT_H
#define PAYSAFE_TEXT_H

#define REDACT_MARK		"[redacted]"	/* what stands for a secret */
#define REDACT_MARK_LEN	10

/* How the bytes above 127 are to be read. */
typedef enum RedactEncoding
{
	REDACT_UTF8,				/* also SQL_ASCII: what is not UTF-8 is passed over */
	REDACT_LATIN,				/* one byte a character, 0xA0 a blank */
	REDACT_EUC,					/* EUC_JP, EUC_CN, EUC_KR: full-width digits in row 3 */
	REDACT_OTHER				/* only ASCII is understood */
} RedactEncoding;

typedef struct RedactText
{
	const char *data;			/* need not end with a zero byte */
	size_t		len;
	RedactEncoding encoding;
} RedactText;

/*
 * Where a scanner writes to.  What does not fit is left out and noted.
 */
typedef struct RedactOutput
{
	char	   *data;
	size_t		size;
	size_t		len;
	bool		overflow;
} RedactOutput;

/* Append these bytes, or note that they do not fit. */
static inline void
paysafe_text_put(RedactOutput *out, const char *data, size_t len)
{
	if (len > out->size - out->len)
	{
		out->overflow = true;
		return;
	}
	memcpy(out->data + out->len, data, len);
	out->len += len;
}

/* Steps of work, counted for the fuzzer. */
#ifdef REDACT_COUNT_WORK
extern uint64 paysafe_redact_work;
extern int	paysafe_redact_rounds;	/* of the last run */
#define REDACT_WORK(n)	(paysafe_redact_work += (n))
#define REDACT_ROUNDS(n)	(paysafe_redact_rounds = (n))
#else
#define REDACT_WORK(n)	((void) (n))
#define REDACT_ROUNDS(n)	((void) (n))
#endif

#endif							/* PAYSAFE_TEXT_H */
