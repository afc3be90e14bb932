/*-------------------------------------------------------------------------
 *
 * assigned.h
 *	  Which columns the statement under way assigns.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_ASSIGNED_H
#define PAYSAFE_ASSIGNED_H

#include "executor/execdesc.h"
#include "storage/itemptr.h"
#include "utils/rel.h"

/*
 * Does the innermost statement that changes rows of the leaf assign the column, in
 * the branch that it took for the row at tid?  Where a row moves to another
 * partition, leaf and tid are those that it left.  True if nobody saw the statement
 * start.
 */
extern bool paysafe_assigned_column(Relation leaf, ItemPointer tid, const char *column);

/* The target of the node that rows of the leaf belong to: its number, or -1. */
extern int	paysafe_assigned_target(PlannedStmt *statement, ModifyTable *modify, Relation leaf);

/* A statement starts: it is remembered, and branches of a MERGE are watched. */
extern void paysafe_assigned_statement_started(QueryDesc *query);

#endif							/* PAYSAFE_ASSIGNED_H */
