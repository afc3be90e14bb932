/*-------------------------------------------------------------------------
 *
 * webhook_template.h
 *	  What of a request is signed.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_WEBHOOK_TEMPLATE_H
#define PAYSAFE_WEBHOOK_TEMPLATE_H

typedef enum WebhookPartKind
{
	WEBHOOK_TEXT,				/* these characters */
	WEBHOOK_ID,					/* the event's id, of a header */
	WEBHOOK_TIMESTAMP,
	WEBHOOK_BODY,
	WEBHOOK_BINDING,			/* what the endpoint is bound to */
	WEBHOOK_CRC32,				/* of the body, in decimal digits */
	WEBHOOK_SHA256,				/* of the body, in hexadecimal digits */
	WEBHOOK_PATH,				/* a value of the body, or of its item */
	WEBHOOK_HEADER,				/* a header */
	WEBHOOK_FIELD,				/* a field of a form */
	WEBHOOK_FORM				/* all fields of a form, sorted: names and values */
} WebhookPartKind;

typedef struct WebhookPart
{
	WebhookPartKind kind;
	char	   *text;			/* the characters, path, name; or NULL */
	bool		any;			/* PATH*: it may contain what joins it */
	bool		lower;			/* PATH:lower: letters are made small */
	char		stop;			/* a character that it must not contain; 0: none */
} WebhookPart;

typedef struct WebhookTemplate
{
	int			nparts;
	WebhookPart *parts;
	bool		exact_time;		/* a time in seconds must have ten digits */
} WebhookTemplate;

/* What the parts may look like, from the rest of the definition. */
typedef struct WebhookTemplateForm
{
	bool		uuid;			/* an id is 36 characters */
	bool		fixed_time;		/* a time tells itself where it ends */
	bool		digit_time;		/* it is one to ten digits */
	bool		fraction;		/* it may have a point */
	bool		builtin;		/* one of paysafe's own */
} WebhookTemplateForm;

/*
 * Read a template; palloc'd.  Returns NULL or what is wrong with it: placeholders that
 * there are not, and texts that two requests could share because nothing says where a
 * part ends.
 */
extern const char *paysafe_webhook_template_read(const char *text, const WebhookTemplateForm *form,
												 WebhookTemplate *out);

extern bool paysafe_webhook_template_has(const WebhookTemplate *template, WebhookPartKind kind);

#endif							/* PAYSAFE_WEBHOOK_TEMPLATE_H */
