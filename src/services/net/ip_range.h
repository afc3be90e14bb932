/*-------------------------------------------------------------------------
 *
 * ip_range.h
 *	  Which addresses are those of the public internet.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_IP_RANGE_H
#define PAYSAFE_IP_RANGE_H

/*
 * Is it an address that a request may leave for: globally reachable, unicast, and
 * not a way to write another one?  The address in network byte order, 4 or 16
 * bytes.
 */
extern bool paysafe_ip_range_is_public(const unsigned char *address, int len);

#endif							/* PAYSAFE_IP_RANGE_H */
