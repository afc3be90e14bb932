/*-------------------------------------------------------------------------
 *
 * json_check.h
 *	  JSON that every parser reads the same way.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_JSON_CHECK_H
#define PAYSAFE_JSON_CHECK_H

/*
 * Is it one JSON value (RFC 8259), in UTF-8, no deeper than max_depth, with no
 * object that has a member twice and, unless any_text, no lone surrogate and no zero
 * character?
 * Returns NULL or the reason, a word of a fixed list.  The seed, not known to who
 * sends the text, keeps the time linear.  Memory: palloc'd and freed, twice the length
 * and some 100 bytes for each member.
 */
extern const char *paysafe_json_check(const char *json, size_t len, int max_depth, bool any_text,
									  uint64 seed);

/*
 * The string or number at a path such as "/data/object/id" (members and positions
 * in arrays), in text that has passed the check.  Returns its length in UTF-8
 * bytes and fills out, zero-terminated; -1 if there is none, it contains a zero
 * character or a lone surrogate, or it has no room, size being that of out.  *is_number, unless NULL, says which it is.
 */
extern int	paysafe_json_find(const char *json, size_t len, const char *path,
							  char *out, size_t size, bool *is_number);

/*
 * The extent of any value at a path; false if there is none.
 */
extern bool paysafe_json_locate(const char *json, size_t len, const char *path,
								const char **value, size_t *valuelen);

/* Is there nothing at a path, or null? */
extern bool paysafe_json_is_absent(const char *json, size_t len, const char *path);

#endif							/* PAYSAFE_JSON_CHECK_H */
