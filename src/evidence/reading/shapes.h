/*-------------------------------------------------------------------------
 *
 * shapes.h
 *	  The stored shapes that rows of the audit log refer to.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_SHAPES_H
#define PAYSAFE_SHAPES_H

#include "utils/snapshot.h"

#include "evidence/canon.h"

typedef struct AuditShapeRead
{
	int64		id;				/* key */
	bool		found;			/* otherwise all that follows is empty */
	const char *subject;
	const char *schema_name;
	const char *table_name;
	int			encoding;
	CanonShape *shape;
} AuditShapeRead;

typedef struct AuditShapes AuditShapes;

/* Shapes as the snapshot sees them (NULL: the newest), in the current context. */
extern AuditShapes *paysafe_audit_shapes_open(Snapshot snapshot);

/* Never NULL; stays until another one is asked for. */
extern const AuditShapeRead *paysafe_audit_shapes_get(AuditShapes *shapes, int64 id);

#endif							/* PAYSAFE_SHAPES_H */
