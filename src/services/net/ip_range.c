/*-------------------------------------------------------------------------
 *
 * ip_range.c
 *	  Which addresses are those of the public internet.
 *
 * IPv4: everything but the blocks of the IANA special-purpose registry that are not
 * globally reachable (RFC 6890 and what has been added since), multicast and
 * what is reserved.  IPv6: nothing but global unicast, 2000::/3, without the blocks
 * of the registry in it, and without addresses that contain an IPv4 address (6to4,
 * Teredo, ISATAP): those that translate are outside of 2000::/3, and all of them
 * would lead somewhere else than they seem to.
 *
 *-------------------------------------------------------------------------
 */
#ifdef FRONTEND
#include "postgres_fe.h"
#else
#include "postgres.h"
#endif

#include "services/net/ip_range.h"

typedef struct Range
{
	unsigned char address[16];
	int			bits;
} Range;

static const Range not_public4[] = {
	{{0}, 8},					/* this network */
	{{10}, 8},					/* private */
	{{100, 64}, 10},			/* shared, behind carriers */
	{{127}, 8},					/* loopback */
	{{169, 254}, 16},			/* link local, and clouds' metadata */
	{{172, 16}, 12},			/* private */
	{{192, 0, 0}, 24},			/* protocol assignments */
	{{192, 0, 2}, 24},			/* documentation */
	{{192, 31, 196}, 24},		/* AS112: answers, but for nobody's webhook */
	{{192, 52, 193}, 24},		/* AMT */
	{{192, 88, 99}, 24},		/* 6to4 relays */
	{{192, 168}, 16},			/* private */
	{{192, 175, 48}, 24},		/* AS112 */
	{{198, 18}, 15},			/* benchmarks */
	{{198, 51, 100}, 24},		/* documentation */
	{{203, 0, 113}, 24},		/* documentation */
	{{224}, 4},					/* multicast */
	{{240}, 4}					/* reserved, broadcast */
};

static const Range public6 = {{0x20}, 3};	/* global unicast */

static const Range not_public6[] = {
	{{0x20, 0x01, 0x00}, 23},	/* protocol assignments: Teredo, benchmarks, ORCHID, ... */
	{{0x20, 0x01, 0x0d, 0xb8}, 32}, /* documentation */
	{{0x20, 0x02}, 16},			/* 6to4 */
	{{0x26, 0x20, 0x00, 0x4f, 0x80, 0x00}, 48}, /* AS112 */
	{{0x3f, 0xfe}, 16},			/* 6bone, given back */
	{{0x3f, 0xff}, 20}			/* documentation */
};

static bool
is_in(const unsigned char *address, const Range *range)
{
	int			whole = range->bits / 8;
	int			rest = range->bits % 8;

	return memcmp(address, range->address, whole) == 0 &&
		(rest == 0 || (address[whole] ^ range->address[whole]) >> (8 - rest) == 0);
}

bool
paysafe_ip_range_is_public(const unsigned char *address, int len)
{
	if (len == 4)
	{
		for (int i = 0; i < lengthof(not_public4); i++)
			if (is_in(address, &not_public4[i]))
				return false;
		return true;
	}
	if (len != 16 || !is_in(address, &public6))
		return false;
	for (int i = 0; i < lengthof(not_public6); i++)
		if (is_in(address, &not_public6[i]))
			return false;
	/* ISATAP: ::0:5efe:a.b.c.d and ::200:5efe:a.b.c.d */
	return !((address[8] == 0 || address[8] == 2) && address[9] == 0 &&
			 address[10] == 0x5e && address[11] == 0xfe);
}
