/*-------------------------------------------------------------------------
 *
 * rule.h
 *	  Rules as data, and what each backend compiles them to.
 *
 * A rule is a row of paysafe.rule: relation, name, version and a jsonb
 * specification.  Versions are only added; the newest counts.  A rule kind is
 * one RuleKind, exported by one file in src/rules and listed in rules/kinds.c.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PAYSAFE_RULE_H
#define PAYSAFE_RULE_H

#include "access/attnum.h"
#include "executor/tuptable.h"
#include "nodes/bitmapset.h"
#include "utils/jsonb.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "abuse/outcome.h"
#include "engine/observe.h"
#include "engine/spec_type.h"
#include "values/row_key.h"

struct RuleKind;
struct ApprovalSubject;
struct ExistingReport;

/* One row of paysafe.rule: the newest version of a rule that is in force. */
typedef struct RuleSource
{
	Oid			relation;		/* the table the rule was declared on */
	char	   *name;			/* "status", "columns_once", ... */
	int32		version;
	Oid			reference;		/* another table the rule reads, or InvalidOid */
	Jsonb	   *spec;
	TimestampTz since;			/* of version 1 after the last removal */
	TimestampTz changed;		/* of this version */
	bool		is_new;			/* that version is of this transaction */
	bool		observed;		/* refuses nothing (engine/observe.h) */
	bool		unvalidated;	/* rows that were there have not been looked at */
	const struct RuleKind *kind;
} RuleSource;

/* A rule compiled for one leaf table. */
typedef struct Rule
{
	const struct RuleKind *kind;
	const char *name;
	Oid			declared_on;	/* root of the partition or inheritance tree */
	const char *schema_name;	/* of declared_on: error fields show these */
	const char *table_name;
	void	   *compiled;		/* the kind's own; NULL if it needs none here */
	bool		observed;		/* refuses nothing (engine/observe.h) */
	const char *trouble;		/* observed, and does not fit the table: watches nothing */
	bool		unvalidated;	/* rows that were there have not been looked at */
} Rule;

typedef enum Acceptances
{
	ACCEPTANCES_UNKNOWN, ACCEPTANCES_NONE, ACCEPTANCES_SOME
} Acceptances;

/*
 * All rules of one leaf table, and what several kinds need to know of it.
 * Lives in its own memory context.  When the table's relcache entry or a rule
 * changes it is only marked, and replaced by the next paysafe_rules_of for the
 * table; a pointer stays good until the transaction ends.
 */
typedef struct RelationRules
{
	Oid			relid;			/* hash key */
	bool		valid;
	MemoryContext context;
	int			nrules;
	Rule	   *rules;			/* in the order of the list of kinds */
	RowKey		key;			/* identity: primary key without partition keys */
	List	   *depends_on;		/* OIDs: partitioned tables that decide on the key, tables whose rules refer here */
	Oid			twin_root;		/* of which each table has a key of its own; or none */
	bool		has_statement_trigger;
	bool		used;			/* all of their tables have had rows (engine/unused.h) */
	TransactionId used_in;		/* that has marked them, if that is not known for good */
	Acceptances acceptances;	/* of rows that break one of them (engine/accepted.h) */
	bool		unvalidated;	/* one of them is */
	List	   *sources;		/* RuleSource, for kinds that look at others */
	OutcomePlace accepted;		/* where rows that are accepted are counted */
} RelationRules;

/*
 * One changed row, as stored.  Both images have the layout of rel.  A row that
 * moved between partitions is one update of the destination.
 */
typedef struct RowChange
{
	Relation	rel;			/* leaf table */
	const RelationRules *rules;
	char		op;				/* 'I', 'U' or 'D' */
	bool		moved;			/* update across partitions */
	Oid			left;			/* moved: the partition that it left ... */
	HeapTuple	was;			/* ... and the row as it is there */
	TupleTableSlot *before;		/* NULL for 'I' */
	TupleTableSlot *after;		/* NULL for 'D' */
	CommandId	command;		/* that made the change; orders the changes of a row */
	const Bitmapset *assigned;	/* columns an UPDATE assigned, offset by
								 * FirstLowInvalidHeapAttributeNumber, or NULL */
} RowChange;

/* What a kind's compile function is given. */
typedef struct CompileInput
{
	Relation	leaf;
	const RuleSource *source;
	List	   *sources;		/* all rules of the leaf's tree */
	bool		as_reference;	/* leaf belongs to source->reference */
} CompileInput;

/*
 * A kind.  name, compile and describe are there; whatever else is NULL, the
 * kind has nothing to do there.
 *
 * A change of a rule that loosens nothing needs nobody but the owner.  So what
 * the fields call no loosening must be none for rows, not only for words: every
 * row and every move of a row that the old version refuses, the new one refuses
 * too, whatever the row has been through.  Where that depends on more than the
 * key, the field says SPEC_ANY_CHANGE.  test/property tries it at random.
 */
typedef struct RuleKind
{
	/* first word of the rule's name; "columns" also owns "columns_once" */
	const char *name;

	/* a table may have several: "refund" also owns "refund_deposit" */
	bool		several;

	/* what the keys of its specifications mean; ends with a key NULL */
	const SpecField *fields;

	/* every column of the table is behind the rule, not only those it names */
	bool		all_columns;

	/* the rule of its reference that it makes no sense without, or NULL */
	const char *builds_on;

	/* it computes from what it has let pass: fixtures cannot break it */
	bool		keeps_books;

	/*
	 * Compile for one leaf, in a context that lives as long as the result.
	 * Raises 22023 or 42703 if the specification does not fit the table.
	 * NULL: nothing to check here (a kind that reads a reference is also
	 * compiled for the reference).
	 */
	void	   *(*compile) (const CompileInput *input);

	/* Accept the change or raise the rule's error. */
	void		(*check_row) (const Rule *rule, const RowChange *change);

	/*
	 * Is it one of those that are accepted at a look, as nearly all are?  Then do what
	 * check_row does for it.  False: check_row says.  Refuses nothing, so a rule that
	 * observes need not be watched.
	 */
	bool		(*accepts) (const Rule *rule, const RowChange *change);

	/*
	 * check_row has refused the change, and it happens all the same, because the rule is
	 * only observed: bring what the kind remembers of rows to where the row is now.
	 * check_row may have done a part of that.
	 */
	void		(*observed) (const Rule *rule, const RowChange *change);

	/*
	 * A trigger may change a row that its own statement has changed, and be checked
	 * first.  This has made the first change of the row, which was accepted just now,
	 * and these are the later ones, accepted before: is there one that would not have
	 * been, had the order been right?  Raise the rule's error then, and do nothing
	 * else.  later->after NULL: the row has left its partition.
	 */
	void		(*check_later) (const Rule *rule, const RowChange *first,
								const RowChange *later);

	/*
	 * The same, where the row is gone by now: its deletion was judged as if the first
	 * change had not been made.
	 */
	void		(*check_gone) (const Rule *rule, const RowChange *first);

	/*
	 * Is the subscription trusted for the table, so that the rows that it brings are
	 * stored as they come?  Then no kind's check_row sees them, but its replay.
	 */
	bool		(*replays) (const Rule *rule, Oid subscription);
	void		(*replay) (const Rule *rule, const RowChange *change);

	/*
	 * While the rule is declared: look at one existing row, and, after the
	 * last one, at what the rows are together.  Report faults, do not raise.
	 */
	void		(*check_existing) (const Rule *rule, Relation rel, TupleTableSlot *row,
								   struct ExistingReport *report);
	void		(*check_existing_end) (const Rule *rule, struct ExistingReport *report);

	/*
	 * May parts of a table be looked at by themselves?  check_existing says all of a row; what it
	 * remembers of those of a part, check_existing_end looks at as a whole, wherever else there is more of it.
	 */
	bool		(*in_parts) (const Rule *rule);

	/*
	 * What the row is a part of, if faults are of that rather than of the row: "Payment "1"",
	 * as it is called in a report; NULL if it is none now.
	 */
	char	   *(*part_of) (const Rule *rule, TupleTableSlot *row);

	/*
	 * Declared so, must it look at the rows that are there now, because it remembers
	 * something of them?  Otherwise that can be put off (engine/deferral.h).  A kind that
	 * keeps books cannot.
	 */
	bool		(*notes_existing) (const CompileInput *input);

	/*
	 * What a table needs besides the triggers, made or taken away as its rules now say.
	 * Called for each table of a tree with every kind that has it, when triggers are
	 * completed or dropped.
	 */
	void		(*furnish) (Oid relid);

	/* May the transaction know of the row? (engine/shown.h) */
	bool		(*shows) (const Rule *rule, TupleTableSlot *row);

	/* Whose row it is, as text; NULL: nobody's. Palloc'd. (engine/shown.h) */
	char	   *(*belongs_to) (const Rule *rule, TupleTableSlot *row);

	/* Are there no other policies of the table than those that the kind has made, which say the same? */
	bool		(*owns_row_security) (Oid relid);

	/* Raise the rule's error for TRUNCATE. */
	void		(*refuse_truncate) (const Rule *rule);

	/*
	 * The rows are gone, in a test database (engine/test_database.h): remove
	 * what is remembered of them.
	 */
	void		(*forget_rows) (const Rule *rule);

	/*
	 * What an approval of this row would stand for; NULL if rows of this kind
	 * are not approved.  If the row is not there or cannot be approved now, false
	 * with missing_ok, otherwise raises 22023 or 55000.  One that the transaction may
	 * not know of (engine/shown.h) is there with hidden_too only.
	 */
	bool		(*approval_subject) (const Rule *rule, const char *key, bool missing_ok, bool hidden_too,
									 struct ApprovalSubject *out);

	/*
	 * Who has ever asked for something of this scope, of which rows of this kind are approved (of a
	 * refund: its payment): of Person.  NULL: nobody is known.
	 */
	List	   *(*askers) (const Rule *rule, const char *scope);

	/*
	 * The rule reads another one, which is declared (before NULL) or changes:
	 * what that loosens in this one, in words, or NULL.  The other is any
	 * rule of its table; its name says which.
	 */
	char	   *(*loosened_by) (const RuleSource *rule, const RuleSource *before,
								const RuleSource *after);

	/* The rule in words of one line, for the view paysafe.protection. */
	char	   *(*describe) (const char *name, Oid reference, Jsonb *spec);
} RuleKind;

/*
 * What kinds keep between rows: each module of theirs is told when the rows of
 * something are complete.  Any of these may be NULL.
 */
typedef struct RuleModule
{
	/*
	 * A statement has ended, and its rows have been seen: one on this table, whose
	 * row triggers are as deep in triggers as the call (paysafe_enforce_depth); NULL:
	 * all whose row triggers are deeper than the call.
	 */
	void		(*end_statement) (Relation rel);

	/* Before COMMIT (prepare: PREPARE TRANSACTION); may raise. */
	void		(*pre_commit) (bool prepare);

	/* The transaction has ended, or been prepared; forget. */
	void		(*end_transaction) (bool aborted);

	/* A subtransaction has ended; level is its nesting depth. */
	void		(*end_subtransaction) (bool committed, int level);
} RuleModule;

/* The list of kinds, NULL-terminated, in checking order (rules/kinds.c). */
extern const RuleKind *const paysafe_rule_kinds[];

/* The list of modules, NULL-terminated, in calling order (rules/kinds.c). */
extern const RuleModule *const paysafe_rule_modules[];

/* The kind that owns rules of this name, or NULL. */
extern const RuleKind *paysafe_rule_kind(const char *name);

/*
 * The rules in force for a leaf table, compiled.  NULL if there are none.
 * Raises 55000 if a rule no longer fits the table: fail closed.  Takes
 * AccessShareLock on paysafe's own tables for the moment, when not cached.
 */
extern RelationRules *paysafe_rules_of(Relation leaf);

/* What a compiled rule was compiled from, as long as that is; or NULL. */
extern const RuleSource *paysafe_rule_source_of(const RelationRules *rules, const Rule *rule);

/*
 * The rules as rows: of the relation, its partition or inheritance ancestors,
 * and those that refer to one of them.  Read with the newest snapshot.
 * RuleSource structs in the current memory context, those of the relation
 * itself first, then those of its nearest ancestor and so on: where a rule reads
 * another one, the first of its name counts.
 */
extern List *paysafe_rule_sources(Oid relid);

/* The same rules in that order. */
extern List *paysafe_rule_nearest_first(List *sources, Oid relid);

/* The tables that rules in force were declared on or refer to; none twice. */
extern List *paysafe_rule_relations(void);

/* The newest version of one rule, in force or removed; false if none. */
extern bool paysafe_rule_newest(Oid relation, const char *name,
								RuleSource *source, bool *removed);

/* Free the compiled rules that are not valid any more: nobody holds them now. */
extern void paysafe_rule_end_transaction(void);

/* Make every backend compile the rules of this tree again, at commit. */
extern void paysafe_rule_invalidate(Oid relid);

/*
 * Record and raise the refusal of a compiled rule (base/refusal.h): its table and
 * name are filled in.  If the rule is observed, the check ends here and the change goes
 * on (engine/observe.h): so nothing may be open, no scan, table, buffer or snapshot.
 */
extern PAYSAFE_NORETURN void paysafe_rule_refuse(const Rule *rule, int sqlstate,
												 const char *column, const char *message,
												 const char *detail, const char *hint);

/*
 * The same, under another name than the rule's, where the check has more to do: returns if
 * the rule is observed, and the check goes on as if it had accepted.
 */
extern void paysafe_rule_object(const Rule *rule, const char *name, int sqlstate,
								const char *column, const char *message,
								const char *detail, const char *hint);

/* Does the rule refuse nothing, for its mode or for fixtures? */
static inline bool
paysafe_rule_is_watched(const Rule *rule)
{
	return rule->observed || (unlikely(paysafe_observe_is_fixture()) && !rule->kind->keeps_books);
}

/* Run a check of the rule as that says: refuse, or watch. */
extern void paysafe_rule_judge(const Rule *rule, ObservedCheck check, const void *arg);

/* The way out of a TRUNCATE, whatever the rule. */
#define TRUNCATE_HINT \
	"Rows that may be deleted are deleted with DELETE. Tests empty tables where a superuser has called paysafe.declare_test_database() before there were rows."

/* The way out for whoever renames rows that are named by their primary key. */
#define KEY_HINT \
	"Keep the key: approvals, history and other rows name this one by it. What people rename is a column of its own."

extern void paysafe_rule_init(void);

#endif							/* PAYSAFE_RULE_H */
