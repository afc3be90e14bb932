/*-------------------------------------------------------------------------
 *
 * canon_json.h
 *	  Which json documents jsonb can hold.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_CANON_JSON_H
#define PAYSAFE_CANON_JSON_H

/*
 * Can the text of a json document be part of a jsonb?  Escaped zero bytes,
 * halves of surrogate pairs, numbers beyond numeric's range and documents
 * beyond jsonb's size cannot; then it is shown as a string.
 */
extern bool paysafe_canon_fits_jsonb(const char *text);

#endif							/* PAYSAFE_CANON_JSON_H */
