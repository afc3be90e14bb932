/*-------------------------------------------------------------------------
 *
 * nogettext.c
 *	  Preloaded beside libasan: no message is translated.  With libasan in the
 *	  process, glibc's locks of gettext have been seen to be waited for forever.
 *
 *-------------------------------------------------------------------------
 */
char *
bindtextdomain(const char *domain, const char *folder)
{
	return (char *) folder;
}

char *
dcgettext(const char *domain, const char *text, int category)
{
	return (char *) text;
}

char *
dgettext(const char *domain, const char *text)
{
	return (char *) text;
}

char *
gettext(const char *text)
{
	return (char *) text;
}

char *
dcngettext(const char *domain, const char *one, const char *many, unsigned long n, int category)
{
	return (char *) (n == 1 ? one : many);
}

char *
dngettext(const char *domain, const char *one, const char *many, unsigned long n)
{
	return (char *) (n == 1 ? one : many);
}

char *
ngettext(const char *one, const char *many, unsigned long n)
{
	return (char *) (n == 1 ? one : many);
}
