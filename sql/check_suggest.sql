-- What could be declared: proposals from the catalog, and machines from what has happened

CREATE FUNCTION paysafe.seen_statuses(
	relation regclass, status_column name, history regclass DEFAULT NULL, history_key name DEFAULT NULL,
	history_status name DEFAULT NULL, history_order name DEFAULT NULL, status_path name DEFAULT NULL,
	OUT from_status text, OUT to_status text, OUT n bigint
) RETURNS SETOF record
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'paysafe_seen_statuses';
COMMENT ON FUNCTION paysafe.seen_statuses(regclass, name, regclass, name, name, name, name) IS 'how often rows got from one status to another, by the audit log or a history of the application''s own; from NULL: added; the same twice: rows that are there now';

CREATE FUNCTION paysafe.suggest_machine(
	relation regclass, status_column name, history regclass DEFAULT NULL, history_key name DEFAULT NULL,
	history_status name DEFAULT NULL, history_order name DEFAULT NULL, status_path name DEFAULT NULL
) RETURNS text
	LANGUAGE sql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	BEGIN ATOMIC
		WITH seen AS MATERIALIZED (
			SELECT s.from_status, s.to_status, s.n
			  FROM paysafe.seen_statuses(relation, status_column, history, history_key, history_status, history_order, status_path) s
		), move AS (
			SELECT s.from_status, s.to_status, s.n, sum(s.n) OVER (PARTITION BY s.from_status) AS leaving
			  FROM seen s WHERE s.from_status IS DISTINCT FROM s.to_status
		), name AS (
			SELECT s.to_status AS name FROM seen s
			UNION SELECT s.from_status FROM seen s WHERE s.from_status IS NOT NULL
			UNION SELECT e.enumlabel FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
				JOIN pg_enum e ON e.enumtypid IN (t.oid, t.typbasetype)
			 WHERE a.attrelid = relation AND a.attname = status_column
			UNION SELECT w.word FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
				JOIN pg_type b ON b.oid = CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END,
				LATERAL unnest(CASE WHEN b.typname = 'bool' THEN '{false,true}'::text[]
									WHEN b.typname IN ('date', 'timestamp', 'timestamptz') THEN CASE WHEN a.attnotnull THEN '{set}'::text[] ELSE '{set,unset}'::text[] END END) w(word)
			 WHERE a.attrelid = relation AND a.attname = status_column
			UNION SELECT (regexp_matches(pg_get_constraintdef(k.oid), '''([^'']+)''::', 'g'))[1]
			  FROM pg_constraint k JOIN pg_attribute a ON a.attrelid = k.conrelid AND k.conkey = ARRAY[a.attnum]
			 WHERE k.conrelid = relation AND k.contype = 'c' AND a.attname = status_column
		), state AS (
			SELECT n.name,
				   CASE WHEN n.name ~ '^[A-Za-z0-9_./]+$' AND n.name !~* '^(state|note|direction|end|as)$' THEN n.name
						ELSE 's' || row_number() OVER (ORDER BY n.name COLLATE "C") END AS id
			  FROM name n
		), line AS (
			SELECT 0 AS part, 0::numeric AS weight, s.name AS a, 0::bigint AS b, NULL AS c,
				   format(E'\tstate "%s" as %s', s.name, s.id) AS words
			  FROM state s WHERE s.id <> s.name
			UNION ALL
			SELECT CASE WHEN m.from_status IS NULL THEN 1 ELSE 2 END, m.leaving, m.from_status, m.n, m.to_status,
				   format(E'\t%s --> %s : %s%s', coalesce(f.id, '[*]'), t.id, m.n,
						  CASE WHEN m.n * 100 < m.leaving THEN ' (rare)' END)
			  FROM move m JOIN state t ON t.name = m.to_status LEFT JOIN state f ON f.name = m.from_status
			UNION ALL
			SELECT 3, 0, s.name, 0, NULL, format(E'\t%s --> [*]', s.id)
			  FROM state s
			 WHERE EXISTS (SELECT 1 FROM move m WHERE m.to_status = s.name)
			   AND NOT EXISTS (SELECT 1 FROM move m WHERE m.from_status = s.name)
			UNION ALL
			SELECT 4, 0, s.name, 0, NULL, format(E'\t%%%% how a row gets to %s has not been seen\n\tstate %s', s.id, s.id)
			  FROM state s WHERE NOT EXISTS (SELECT 1 FROM move m WHERE m.to_status = s.name)
		)
		SELECT E'stateDiagram-v2\n' || string_agg(l.words, E'\n' ORDER BY l.part, l.weight DESC, l.a COLLATE "C", l.b DESC, l.c COLLATE "C") FROM line l;
	END;
COMMENT ON FUNCTION paysafe.suggest_machine(regclass, name, regclass, name, name, name, name) IS 'a status machine as it has been seen, as a Mermaid diagram with counts: a draft to be read';

CREATE FUNCTION paysafe.check_suggestible(relation regclass) RETURNS boolean
	LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE COST 1000
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'paysafe_check_suggestible';
COMMENT ON FUNCTION paysafe.check_suggestible(regclass) IS 'can rules be declared on the relation at all? If not, a notice says why';

CREATE FUNCTION paysafe.suggest(
	relation regclass, OUT rule text, OUT declaration text, OUT why text, OUT confidence text
) RETURNS SETOF record
	LANGUAGE sql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	BEGIN ATOMIC
		WITH asked AS MATERIALIZED (
			-- nothing is looked at where nothing can be declared
			SELECT c.oid FROM pg_class c WHERE c.oid = relation AND paysafe.check_suggestible(c.oid::regclass)
		), morph AS MATERIALIZED (
			-- what rows hang on by a type and an id, if the types that are there are names of tables
			SELECT DISTINCT t.attname AS type, i.attname AS id, s.to_status AS word, c.oid AS other
			  FROM pg_class r JOIN pg_attribute t ON t.attrelid = r.oid AND t.attname ~ '([a-z]_type|[a-z]Type)$' JOIN pg_type y ON y.oid = t.atttypid AND y.typname IN ('text', 'varchar')
				   JOIN pg_attribute i ON i.attrelid = r.oid AND i.attname IN (regexp_replace(t.attname, '_type$', '_id'), regexp_replace(t.attname, 'Type$', 'Id')) AND i.attname <> t.attname,
				   LATERAL (SELECT q.to_status FROM paysafe.seen_statuses(r.oid, t.attname) q OFFSET 0) s,
				   LATERAL (SELECT lower(regexp_replace(x.word, '([a-z0-9])([A-Z])', '\1_\2', 'g')) AS name
							  FROM (VALUES (regexp_replace(s.to_status, '^.*[^A-Za-z0-9_]', '')), (regexp_replace(s.to_status, '[^A-Za-z0-9_]+', '_', 'g'))) x (word)) w
				   JOIN pg_class c ON lower(regexp_replace(c.relname, '([a-z0-9])([A-Z])', '\1_\2', 'g')) IN (w.name, w.name || 's', w.name || 'es', regexp_replace(w.name, 'y$', 'ies'))
			 WHERE r.oid = (SELECT k.oid FROM asked k) AND r.relname ~* 'refund|chargeback|payback|reversal'
			   AND c.relnamespace = r.relnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.oid <> r.oid AND has_table_privilege(c.oid, 'SELECT')
		), near AS MATERIALIZED (
			-- the table and those that it has to do with
			SELECT k.oid FROM asked k
			UNION SELECT m.other FROM morph m
			UNION SELECT f.confrelid FROM asked k JOIN pg_constraint f ON f.conrelid = k.oid AND f.contype = 'f'
			UNION SELECT f.conrelid FROM asked k JOIN pg_constraint f ON f.confrelid = k.oid AND f.contype = 'f'
		), col AS MATERIALIZED (
			-- word: the name as patterns have it, whatever the style: PaidAt, paidAt and PAID_AT are paid_at
			SELECT a.attrelid AS rel, a.attname AS name, a.attnum,
				   lower(regexp_replace(regexp_replace(a.attname::text, '([a-z0-9])([A-Z])', '\1_\2', 'g'), '([A-Z])([A-Z][a-z])', '\1_\2', 'g')) AS word,
				   b.typname IN ('int2', 'int4', 'int8', 'numeric') AS number,
				   b.typname IN ('text', 'varchar', 'bpchar') AS text,
				   b.typtype = 'e' AS enum, b.oid AS type,
				   b.typname IN ('int2', 'int4', 'int8') AS minor,
				   b.typname = 'bool' AS flag,
				   b.typname IN ('uuid', 'bytea') AS opaque,
				   b.typname IN ('date', 'timestamp', 'timestamptz') AS point,
				   b.typname IN ('int2', 'int4', 'int8', 'numeric', 'text', 'varchar', 'bpchar', 'uuid', 'bytea', 'bool', 'date', 'timestamp', 'timestamptz') AS key,
				   CASE WHEN b.typname = 'numeric' AND m.typmod >= 0 THEN ((m.typmod - 4) & 2047 # 1024) - 1024 END AS scale
			  FROM near k JOIN pg_class c ON c.oid = k.oid AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence = 'p'
				   JOIN pg_attribute a ON a.attrelid = c.oid JOIN pg_type t ON t.oid = a.atttypid
				   JOIN pg_type b ON b.oid = CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END,
				   LATERAL (SELECT CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE a.atttypmod END AS typmod) m
			 WHERE a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated <> 'v'
		), pick AS MATERIALIZED (
			-- the best column of a table for each purpose
			SELECT DISTINCT ON (c.rel, p.purpose) c.rel, p.purpose, c.name, p.rank
			  FROM (VALUES
				('status', '^(status|state)$', 'status', 1), ('status', '_(status|state)$', 'status', 2), ('status', '^(payment|refund|transaction|charge|capture|payout)_(status|state)_id$', 'status', 3),
				('status', '^(order_|sale_)?(status|state)_id$', 'status', 4), ('status', '^(is_|was_)?(success|successful|succeeded|captured|paid|settled|completed|confirmed|processed)$', 'flag', 5),
				('status', '^(captured|paid|settled|completed|confirmed|succeeded|processed|executed|refunded)_?(at|on|date|time)(_utc)?$', 'point', 6),
				('status', '(^|_)(status|state)(_id|_uuid|_guid)?$', 'opaque', 4),
				('status', '^(?!.*(option|method|type|kind|currency|provider|category|reason|channel|source|interval|mode|locale|language|country|role|purpose))', 'enum', 7),
				('deleted', '^(deleted|voided|removed)_?(at|on|date|time)(_utc)?$', 'point', 1),
				('currency', '^currency(_code)?$', 'text', 1), ('currency', '(^|_)(currency|ccy)(_|$)', 'text', 2), ('currency', '^(asset|asset_code|commodity)$', 'text', 3),
				('code', '^(code|iso|iso_code|iso_4217|alpha_?(3|code)|currency(_code)?)$', 'text', 1),
				('captured', '^(captured|amount_captured|captured_amount)', 'number', 1), ('captured', '(captured|settled|paid|received)', 'number', 2),
				('amount', '^amount(_in)?(_cents|_minor|_minor_units)?$', 'number', 1),
				('amount', '^(?!.*(captured|settled|paid|received|refund|fee|tax|vat|discount|shipping|host|net|base)).*(^(total|gross|value|sum)(_|$)|_(amount|total)$)', 'number', 2),
				('amount', '^(?!.*(captured|settled|paid|received|refund|fee|tax|vat|discount|shipping|host|net|base)).*(^price$|(price|amount|total)_(cts|cents|minor)$)', 'number', 3),
				('refunded', '^(amount_refunded|refunded_amount|refunded_total|total_refunded|refunded|refunded_value)(_cents|_minor)?$', 'number', 1),
				('transaction', '^(transaction|txn|tx|trans|journal|transfer|posting|journal_entry)(_(id|no|uuid|guid|key|group))?$', 'key', 1),
				('account', '^(account|acct|wallet)(_(id|no|uuid|guid|key|code))?$', 'key', 1), ('account', '^(ledger_account|gl_account|chart|balance|gift_card|card)_(id|uuid|guid|key|code)$', 'key', 2),
				('target', '^(to|destination|target|dest|dst|debit|debited|receiver|recipient)_(account|acct|wallet|balance)(_(id|no|uuid|guid|key|code))?$', 'key', 1), ('target', '^(destination|target|dest|dst)(_id)?$', 'key', 2),
				('source', '^(from|source|src|origin|credit|credited|sender|payer)_(account|acct|wallet|balance)(_(id|no|uuid|guid|key|code))?$', 'key', 1), ('source', '^(source|src|origin)(_id)?$', 'key', 2),
				('direction', '^(direction|side|debit_credit|dr_cr)$', 'status', 1),
				('reverses', '^revers(es|al_of|ed)', 'key', 1),
				('posting_date', '^(posting|booking|value|effective)_?(date|at|on)$', 'point', 1),
				('kind', '^(kind|type|action|operation|(transaction|movement|entry)_(type|kind))$', 'status', 1),
				('debit', '^(debit|debit_amount|dr)$', 'number', 1), ('credit', '^(credit|credit_amount|cr)$', 'number', 1),
				('payee', '^(merchant|payee|recipient|beneficiary|seller|vendor|customer|account|wallet)(_(id|no|uuid|key))?$', 'key', 1),
				('balance', '^(balance|current_balance)(_cents|_minor)?$', 'number', 1),
				('minimum', '^(minimum|min_balance|minimum_balance|floor)$', 'number', 1)
			  ) p (purpose, pattern, kind, rank),
				   -- of each pattern all columns: it is compiled once
				   LATERAL (SELECT l.rel, l.name, l.attnum FROM col l
							 WHERE l.word ~ p.pattern
							   AND CASE p.kind WHEN 'number' THEN l.number WHEN 'text' THEN l.text OR l.enum WHEN 'enum' THEN l.enum WHEN 'flag' THEN l.flag WHEN 'opaque' THEN l.opaque
											   WHEN 'point' THEN l.point WHEN 'status' THEN l.text OR l.enum OR l.minor WHEN 'key' THEN l.key ELSE false END
							OFFSET 0) c
			 ORDER BY c.rel, p.purpose, p.rank, c.attnum
		), best AS MATERIALIZED (
			SELECT p.rel, max(p.name::text) FILTER (WHERE p.purpose = 'status') AS status,
				   max(p.name::text) FILTER (WHERE p.purpose = 'deleted') AS deleted,
				   max(p.name::text) FILTER (WHERE p.purpose = 'currency') AS currency,
				   max(p.name::text) FILTER (WHERE p.purpose = 'code') AS code,
				   max(p.name::text) FILTER (WHERE p.purpose = 'captured') AS captured,
				   max(p.name::text) FILTER (WHERE p.purpose = 'refunded') AS refunded,
				   max(p.name::text) FILTER (WHERE p.purpose = 'amount') AS amount,
				   max(p.name::text) FILTER (WHERE p.purpose = 'transaction') AS transaction,
				   max(p.name::text) FILTER (WHERE p.purpose = 'account') AS account,
				   max(p.name::text) FILTER (WHERE p.purpose = 'target') AS target,
				   max(p.name::text) FILTER (WHERE p.purpose = 'source') AS source,
				   max(p.name::text) FILTER (WHERE p.purpose = 'direction') AS direction,
				   max(p.name::text) FILTER (WHERE p.purpose = 'reverses') AS reverses,
				   max(p.name::text) FILTER (WHERE p.purpose = 'posting_date') AS posting_date,
				   max(p.name::text) FILTER (WHERE p.purpose = 'kind') AS kind,
				   max(p.name::text) FILTER (WHERE p.purpose = 'debit') AS debit,
				   max(p.name::text) FILTER (WHERE p.purpose = 'credit') AS credit,
				   max(p.name::text) FILTER (WHERE p.purpose = 'payee') AS payee,
				   max(p.name::text) FILTER (WHERE p.purpose = 'balance') AS balance,
				   max(p.name::text) FILTER (WHERE p.purpose = 'minimum') AS minimum
			  FROM pick p GROUP BY p.rel
		), me AS MATERIALIZED (
			SELECT b.*, lower(regexp_replace(regexp_replace(c.relname::text, '([a-z0-9])([A-Z])', '\1_\2', 'g'), '([A-Z])([A-Z][a-z])', '\1_\2', 'g')) AS name,
				   -- more decimals than any currency has but two
				   (SELECT ', decimals => ' || max(l.scale) FROM col l
					 WHERE l.rel = relation AND l.name IN (b.amount, b.captured, b.refunded, b.debit, b.credit) HAVING max(l.scale) BETWEEN 4 AND 30) AS decimals,
				   (SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
					 WHERE i.indrelid = relation AND i.indisprimary AND i.indnkeyatts = 1) AS key,
				   -- without a key that names rows, those rules that remember them cannot be declared
				   EXISTS (SELECT 1 FROM pg_index i WHERE i.indrelid = relation AND i.indisprimary) AS keyed,
				   -- what changes rows before they are stored
				   NOT EXISTS (SELECT 1 FROM pg_trigger g WHERE g.tgrelid = relation AND NOT g.tgisinternal AND g.tgtype & 1 <> 0 AND g.tgtype & 2 <> 0) AS plain,
				   -- what has been done to its rows, as far as anybody counts
				   pg_stat_get_tuples_updated(c.oid) > 0 AS updated, pg_stat_get_tuples_deleted(c.oid) > 0 AS deleted_from,
				   -- the table that says what its statuses are called
				   ', status_path => ' || quote_literal('{' || quote_ident(w.name) || '}') AS named, w.name AS status_name,
				   CASE WHEN s.flag THEN 'flag' WHEN s.point THEN 'point' WHEN s.text THEN 'text' ELSE 'other' END AS status_kind
			  FROM pg_class c LEFT JOIN best b ON b.rel = c.oid LEFT JOIN col s ON s.rel = c.oid AND s.name = b.status
				   LEFT JOIN LATERAL (
					SELECT n.name FROM pg_constraint f JOIN pg_class t ON t.oid = f.confrelid AND t.relkind = 'r' JOIN col n ON n.rel = f.confrelid AND (n.text OR n.enum)
					 WHERE f.conrelid = c.oid AND f.contype = 'f' AND f.conkey = ARRAY[s.attnum] AND NOT s.text AND NOT s.enum
					   AND n.word ~ '^(technical_name|code|slug|key|identifier|name|label|title|status|state)$' AND t.relowner = c.relowner
					 ORDER BY n.word ~ '^(name|label|title)$', n.attnum LIMIT 1) w ON true
			 WHERE c.oid = (SELECT k.oid FROM asked k)
		), fk AS MATERIALIZED (
			SELECT f.confrelid AS other, CASE WHEN cardinality(f.conkey) = 1 THEN n.names[1]::text ELSE n.names::text END AS name,
				   n.names[1] AS first, cardinality(f.conkey) AS columns
			  FROM pg_constraint f,
				   LATERAL (SELECT array_agg(a.attname ORDER BY k.n) AS names FROM unnest(f.conkey) WITH ORDINALITY k(attnum, n)
							  JOIN pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = k.attnum) n
			 WHERE f.conrelid = relation AND f.contype = 'f'
			   AND EXISTS (SELECT 1 FROM pg_class c WHERE c.oid = f.confrelid AND c.relkind IN ('r', 'p') AND NOT c.relispartition)
		), path AS MATERIALIZED (
			-- the currency where the row refers to: that of an order, or a row of currencies
			SELECT fk.first, coalesce(CASE WHEN c.relname::text ~* 'currenc' THEN b.code END, b.currency) AS currency
			  FROM fk JOIN best b ON b.rel = fk.other JOIN pg_class c ON c.oid = fk.other
			 WHERE fk.columns = 1 AND fk.other <> relation AND coalesce(CASE WHEN c.relname::text ~* 'currenc' THEN b.code END, b.currency) IS NOT NULL
			   AND (SELECT count(*) FROM fk o WHERE o.first = fk.first) = 1
			 ORDER BY c.relname::text !~* 'currenc', fk.first LIMIT 1
		), entry_currency AS MATERIALIZED (
			-- the column; where the account is; or none at all, XXX, with the decimals that the amounts have
			SELECT CASE WHEN me.currency IS NOT NULL THEN concat('currency_column => ' || quote_literal(me.currency), me.decimals)
						WHEN o.currency IS NOT NULL THEN concat('currency_path => ' || quote_literal(ARRAY[o.first::text, o.currency]::text), me.decimals)
						ELSE format('currency => ''XXX'', decimals => %s', CASE WHEN c.minor THEN 0 ELSE coalesce(greatest(c.scale, 0), 18) END) END AS words,
				   CASE WHEN coalesce(me.currency, o.currency) IS NULL THEN '; say the currency instead of XXX, which is none' ELSE '' END AS hint
			  FROM me LEFT JOIN path o ON true JOIN col c ON c.rel = relation AND c.name = coalesce(me.amount, me.debit)
		), seen AS MATERIALIZED (
			SELECT paysafe.suggest_machine(relation, me.status::name, status_path => me.status_name) AS words FROM me WHERE me.status IS NOT NULL
		), machine AS MATERIALIZED (
			-- one that is not seen to begin anywhere may begin anywhere
			SELECT s.words || CASE WHEN s.words ~ '\[\*\] -->' THEN ''
								   ELSE (SELECT string_agg(format(E'\n\t[*] --> %s', x.id[1]), '') FROM regexp_matches(s.words, '^\tstate ([A-Za-z0-9_./]+)$', 'gn') x(id)) END AS words
			  FROM seen s
		), kind AS MATERIALIZED (
			SELECT array_agg(w.word ORDER BY w.word) FILTER (WHERE w.word ~* '^(auth|authori[sz]e|authori[sz]ation|preauth)$') AS authorize,
				   array_agg(w.word ORDER BY w.word) FILTER (WHERE w.word ~* '^(capture|charge|settle|settlement|sale|payment|purchase)$') AS capture,
				   array_agg(w.word ORDER BY w.word) FILTER (WHERE w.word ~* '^(void|cancel|cancellation|auth_reversal)$') AS cancel,
				   array_agg(w.word ORDER BY w.word) FILTER (WHERE w.word ~* '^(refund|credit)$') AS refund,
				   array_agg(w.word ORDER BY w.word) FILTER (WHERE w.word ~* '^(chargeback|charge_back|dispute)$') AS chargeback,
				   bool_and(w.word ~* '^(debit|dr|d|credit|cr|c)$') AS sides
			  FROM (SELECT DISTINCT coalesce(x.found[1], x.found[2]) AS word
					  FROM me, regexp_matches(paysafe.suggest_machine(relation, me.kind::name), '"([^"]+)" as|state ([A-Za-z0-9_./]+)$', 'gn') x(found)
					 WHERE me.kind IS NOT NULL) w
		), value AS MATERIALIZED (
			SELECT DISTINCT w.word FROM machine m, regexp_matches(m.words, '"([^"]+)" as|state ([A-Za-z0-9_./]+)$|([A-Za-z0-9_./]+) --> |--> ([A-Za-z0-9_./]+)', 'gn') x(found),
				   LATERAL (SELECT coalesce(x.found[1], x.found[2], x.found[3], x.found[4]) AS word) w
			 WHERE w.word IS NOT NULL
		), word AS MATERIALIZED (
			-- a word that nobody has seen stands in for one only where any text may be a status
			SELECT CASE me.status_kind WHEN 'flag' THEN '{true}'::text[] WHEN 'point' THEN '{set}'::text[]
						ELSE coalesce(v.captured, CASE WHEN me.status_kind = 'text' THEN '{captured}'::text[] END) END AS captured,
				   CASE me.status_kind WHEN 'flag' THEN '{true}'::text[] WHEN 'point' THEN '{set}'::text[]
						ELSE coalesce(v.gated, CASE WHEN me.status_kind = 'text' THEN '{sent}'::text[] END) END AS gated,
				   CASE me.status_kind WHEN 'flag' THEN '{true}'::text[] WHEN 'point' THEN '{set}'::text[]
						ELSE coalesce(v.counted, CASE WHEN me.status_kind = 'text' THEN '{done}'::text[] END) END AS counted,
				   CASE me.status_kind WHEN 'flag' THEN '{true}'::text[] WHEN 'point' THEN '{set}'::text[]
						ELSE coalesce(v.moved, CASE WHEN me.status_kind = 'text' THEN '{done}'::text[] END) END AS moved,
				   CASE me.status_kind WHEN 'flag' THEN '{false}'::text[] WHEN 'point' THEN '{}'::text[] ELSE coalesce(v.void, '{}') END AS void
			  FROM me, (SELECT array_agg(v.word ORDER BY v.word) FILTER (WHERE v.word ~* '^(captured|paid|settled|succeeded|success|completed|complete|confirmed)$') AS captured,
							   array_agg(v.word ORDER BY v.word) FILTER (WHERE v.word ~* '^(approved|sent|processing|processed|executed|transferred|transit|succeeded|success|completed|complete|done|paid|refunded|confirmed)$') AS gated,
							   array_agg(v.word ORDER BY v.word) FILTER (WHERE v.word ~* '^(success|succeeded|completed|complete|done|settled|paid)$') AS counted,
							   array_agg(v.word ORDER BY v.word) FILTER (WHERE v.word ~* '^(sent|processing|success|succeeded|completed|complete|done|settled|paid)$') AS moved,
							   array_agg(v.word ORDER BY v.word) FILTER (WHERE v.word ~* '(void|cancel|reject|declin|fail|expire|denied|abort)') AS void
						  FROM value v) v
		), shape AS MATERIALIZED (
			-- entries that are no transactions
			SELECT me.transaction IS NULL AND (me.amount IS NOT NULL OR num_nulls(me.debit, me.credit) = 0) AND me.keyed AND me.plain AND NOT me.updated AND NOT me.deleted_from
				   AND me.name ~ 'gift_?card|voucher|store_credit|credit|point|loyalty|wallet|balance|savings'
				   AND me.name ~ '_(entry|entries|transactions?|history|histories|movements?|usage|operations?|ledger)($|_)' AS entries
			  FROM me
		), log AS MATERIALIZED (
			-- rows that are added and stay; or that go some day, and do not change meanwhile
			SELECT me.deleted_from OR EXISTS (SELECT 1 FROM col c WHERE c.rel = relation AND c.word ~ '^(expires?|expiry|purge|delete|deleted|retain|keep)_?(at|on|after|until|date)$') AS goes
			  FROM me WHERE me.name ~ '(_log|_logs|_event|_events|_history|_histories|_audit)$' AND me.plain AND NOT me.updated AND NOT (SELECT shape.entries FROM shape)
		)
		SELECT 'audit', format('SELECT paysafe.audit(%L%s);', relation, CASE WHEN r.columns IS NOT NULL THEN format(', %L', r.columns) END),
			   'every change on record' || CASE WHEN r.columns IS NOT NULL THEN ', without what looks personal or secret' ELSE '' END, 'high'
		  FROM (SELECT array_agg(c.name ORDER BY c.attnum) AS columns FROM col c
				 WHERE c.rel = relation AND c.word ~* '(card_number|^pan$|cvc|cvv|iban|email|phone|birth|ssn|passw|secret|token)') r
		 WHERE EXISTS (SELECT 1 FROM me)
		   AND NOT EXISTS (SELECT 1 FROM paysafe.protection p WHERE p.relation = suggest.relation AND p.rule = 'audit')
		UNION ALL
		SELECT 'status', format('SELECT paysafe.protect_status(%L, %L, %L%s, mode => ''observe'');', relation, me.status, m.words, me.named),
			   format('column %I looks like a status; %s', me.status, CASE WHEN m.words LIKE '% : %' THEN 'the moves are those that have been seen' ELSE 'no move has been seen: audit the table for a while, or name a history' END),
			   CASE WHEN m.words !~ ' : ' THEN 'low' WHEN m.words ~ 'rare|has not been seen' THEN 'medium' ELSE 'high' END
		  FROM me, machine m, col s WHERE m.words ~ '\[\*\] -->' AND s.rel = relation AND s.name = me.status AND (NOT s.opaque OR me.named IS NOT NULL)
		UNION ALL
		SELECT 'payment', format('SELECT paysafe.protect_payment(%L, %L, %L, %L, %L, %L%s, mode => ''observe'');', relation, me.status, me.amount, me.captured, me.currency, w.captured, concat(me.named, me.decimals)),
			   format('%I and %I in %I look like what was asked for and captured', me.amount, me.captured, me.currency),
			   CASE WHEN me.name ~ 'payment|charge|order|invoice' THEN 'high' ELSE 'low' END
		  FROM me, word w
		 WHERE num_nulls(me.status, me.amount, me.captured, me.currency, w.captured) = 0 AND me.amount <> me.captured AND me.keyed
		   AND (SELECT count(DISTINCT c.minor) FROM col c WHERE c.rel = relation AND c.name IN (me.amount, me.captured)) = 1
		UNION ALL
		-- the amount itself, in a captured status; the currency here, or where the row refers to
		SELECT 'payment', format('SELECT paysafe.protect_payment(%L, %L, %L, captured => %L, %s%s, mode => ''observe'');', relation, me.status, me.amount, w.captured,
								 CASE WHEN me.currency IS NOT NULL THEN 'currency_column => ' || quote_literal(me.currency)
									  ELSE 'currency_path => ' || quote_literal(ARRAY[o.first::text, o.currency]::text) END, concat(me.named, me.decimals)),
			   format('in a captured status, %I looks like what was captured', me.amount), 'medium'
		  FROM me, word w LEFT JOIN path o ON true
		 WHERE num_nulls(me.status, me.amount, coalesce(me.currency, o.currency), w.captured) = 0 AND me.captured IS NULL AND me.keyed
		   AND me.name ~ 'payment|charge' AND me.name !~ 'refund|chargeback|capture|log|event|history|method|type|refusal'
		UNION ALL
		SELECT 'movements', format('SELECT paysafe.protect_movements(%L, %L, %L, %L, %L, %L%s%s, mode => ''observe'');', relation, fk.other::regclass, fk.name, me.kind, me.amount, me.currency,
								   concat(', authorize => ' || quote_literal(k.authorize), ', capture => ' || quote_literal(k.capture), ', cancel => ' || quote_literal(k.cancel),
										  ', refund => ' || quote_literal(k.refund), ', chargeback => ' || quote_literal(k.chargeback),
										  CASE WHEN me.status IS NOT NULL THEN format(', status_column => %L, counted => %L, gated => %L, void => %L', me.status, w.counted, w.moved, w.void) END, me.named), me.decimals),
			   format('%I says which rows capture and which refund what %s has', me.kind, fk.other::regclass), 'medium'
		  FROM me, kind k, fk, word w
		 WHERE num_nulls(me.amount, me.currency, k.capture, k.refund) = 0 AND (me.status IS NULL OR num_nulls(w.counted, w.moved) = 0) AND me.keyed AND fk.other <> relation AND fk.columns = 1
		   AND me.kind IS DISTINCT FROM me.status
		   AND fk.name = (SELECT min(o.name) FROM fk o WHERE o.other <> relation)
		UNION ALL
		SELECT 'refund', format('SELECT paysafe.protect_refund(%L, NULL, %L, %L, %L, %L, %L, %L%s, mode => ''observe'');', relation, me.payee, me.amount, me.currency, me.status, w.gated, w.void, concat(me.named, me.decimals)),
			   format('it pays out to %I, without a payment', me.payee), 'medium'
		  FROM me, word w
		 WHERE num_nulls(me.status, me.amount, me.currency, me.payee, w.gated) = 0 AND me.keyed AND me.name ~ 'payout|disbursement|withdrawal'
		   AND me.name !~ '_(log|logs|event|events|history|audit)$'
		UNION ALL
		SELECT 'captures', format('SELECT paysafe.protect_captures(%L, %L, %L, %L%s%s%s, limit_column => %L%s, mode => ''observe'');', relation, fk.other::regclass, fk.name, me.amount,
								  ', currency_column => ' || quote_literal(me.currency),
								  CASE WHEN me.currency IS NULL THEN ', currency_path => ' || quote_literal(ARRAY[fk.name::text, o.currency]::text) END,
								  CASE WHEN me.status IS NOT NULL THEN format(', status_column => %L, counted => %L%s', me.status, w.captured, me.named)
									   WHEN me.deleted IS NOT NULL THEN format(', status_column => %L, counted => ''{unset}''', me.deleted) END, o.amount, me.decimals),
			   format('its rows look like captures of what %s has, to which %I refers', fk.other::regclass, fk.name), 'medium'
		  FROM me, word w, fk JOIN best o ON o.rel = fk.other
		 WHERE num_nulls(me.amount, o.amount, coalesce(me.currency, o.currency)) = 0 AND (me.status IS NULL OR w.captured IS NOT NULL)
		   AND me.name ~ 'capture' AND me.name !~ 'refund' AND fk.other <> relation AND me.keyed
		   AND (me.currency IS NOT NULL OR fk.columns = 1)
		   AND (SELECT count(DISTINCT c.minor) FROM col c WHERE (c.rel, c.name) IN ((relation, me.amount::name), (fk.other, o.amount::name))) = 1
		UNION ALL
		-- where it refers to several, each is a rule, of the rows that name one
		SELECT CASE WHEN row_number() OVER refers = 1 THEN 'refund' ELSE n.rule END,
			   format('SELECT paysafe.protect_refund(%L, %L, %L, %L%s, payment_amount_column => %L, payment_currency_column => %L%s, mode => ''observe'');', relation, fk.other::regclass, fk.name, me.amount,
								concat(', currency_column => ' || quote_literal(me.currency),
									   CASE WHEN me.status IS NOT NULL THEN format(', status_column => %L%s, gated => %L, void => %L', me.status, me.named, w.gated, w.void)
											WHEN me.deleted IS NOT NULL THEN format(', status_column => %L, gated => ''{unset}'', void => ''{set}''', me.deleted) END),
								coalesce(o.captured, o.amount), o.currency,
								concat(me.decimals, CASE WHEN row_number() OVER refers > 1 THEN ', rule => ' || quote_literal(n.rule) END,
									   CASE WHEN n.nullable AND count(*) OVER () > 1 THEN ', rows => ' || quote_literal(format('{%s: {"not": [null]}}', to_jsonb(fk.first))) END)),
			   format('it pays back what %s has, to which %I refers', fk.other::regclass, fk.name),
			   CASE WHEN o.captured IS NOT NULL THEN 'high' ELSE 'medium' END
		  FROM me, word w, fk JOIN best o ON o.rel = fk.other,
			   LATERAL (SELECT 'refund_' || substr(btrim(regexp_replace(lower(c.relname), '[^a-z0-9]+', '_', 'g'), '_'), 1, 50) AS rule,
							   EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = relation AND a.attname = fk.first AND NOT a.attnotnull) AS nullable
						  FROM pg_class c WHERE c.oid = fk.other) n
		 WHERE num_nulls(me.amount, coalesce(o.captured, o.amount), o.currency) = 0 AND (me.status IS NULL OR w.gated IS NOT NULL) AND me.keyed
		   AND me.name ~ 'refund|chargeback|payback|reversal' AND fk.other <> relation
		   AND (SELECT count(DISTINCT c.minor) FROM col c WHERE (c.rel, c.name) IN ((relation, me.amount::name), (fk.other, coalesce(o.captured, o.amount)::name))) = 1
		WINDOW refers AS (ORDER BY fk.columns DESC, fk.first ROWS UNBOUNDED PRECEDING)
		UNION ALL
		-- a type and an id: each type is a rule
		SELECT CASE WHEN q.first THEN 'refund' ELSE q.rule END,
			   format('SELECT paysafe.protect_refund(%L, %L, %L, %L%s, payment_amount_column => %L, payment_currency_column => %L, payment_key => %L%s, rows => %L, mode => ''observe'');', relation, m.other::regclass, m.id, me.amount,
								concat(', currency_column => ' || quote_literal(me.currency),
									   CASE WHEN me.status IS NOT NULL THEN format(', status_column => %L%s, gated => %L, void => %L', me.status, me.named, w.gated, w.void)
											WHEN me.deleted IS NOT NULL THEN format(', status_column => %L, gated => ''{unset}'', void => ''{set}''', me.deleted) END),
								coalesce(o.captured, o.amount), o.currency, k.name, concat(me.decimals, CASE WHEN NOT q.first THEN ', rule => ' || quote_literal(q.rule) END),
								format('{%s: [%s]}', to_jsonb(m.type::text), to_jsonb(m.word))),
			   format('it pays back what %s has, to which %I refers where %I is %L', m.other::regclass, m.id, m.type, m.word), 'medium'
		  FROM me, word w, morph m JOIN best o ON o.rel = m.other JOIN col mine ON mine.rel = relation AND mine.name = m.id
			   JOIN pg_index x ON x.indrelid = m.other AND x.indisprimary AND x.indnkeyatts = 1 JOIN col k ON k.rel = m.other AND k.attnum = x.indkey[0],
			   LATERAL (SELECT m.word = (SELECT min(n.word) FROM morph n) AND NOT EXISTS (SELECT 1 FROM fk WHERE fk.other <> relation) AS first,
							   'refund_' || substr(btrim(regexp_replace(lower(c.relname), '[^a-z0-9]+', '_', 'g'), '_'), 1, 50) AS rule FROM pg_class c WHERE c.oid = m.other) q
		 WHERE num_nulls(me.amount, coalesce(o.captured, o.amount), o.currency) = 0 AND (me.status IS NULL OR w.gated IS NOT NULL) AND me.keyed
		   AND (mine.type = k.type OR mine.minor AND k.minor OR mine.text AND k.text)
		   AND (SELECT count(DISTINCT c.minor) FROM col c WHERE (c.rel, c.name) IN ((relation, me.amount::name), (m.other, coalesce(o.captured, o.amount)::name))) = 1
		UNION ALL
		-- a column that rises, and no table of refunds
		SELECT 'refund', format('SELECT paysafe.protect_refund(%L, %L, %L, %L, currency_column => %L, amounts => ''running''%s, mode => ''observe'');', relation, relation, me.key, me.refunded, me.currency, me.decimals),
			   format('%I says what has been paid back so far', me.refunded), 'medium'
		  FROM me
		 WHERE num_nulls(me.key, me.refunded, me.currency, me.amount) = 0 AND me.keyed AND me.name ~ 'payment|charge|order|invoice|booking|purchase' AND me.name !~ 'refund|log|event|history'
		   AND (SELECT count(DISTINCT c.minor) FROM col c WHERE c.rel = relation AND c.name IN (me.amount, me.refunded)) = 1
		   AND NOT EXISTS (SELECT 1 FROM pg_constraint f JOIN pg_class o ON o.oid = f.conrelid WHERE f.confrelid = relation AND f.contype = 'f' AND o.relname ~* 'refund')
		UNION ALL
		SELECT 'ledger', format('SELECT paysafe.protect_ledger(%L, %L, %L, %L, %s%s, mode => ''observe'');', relation, me.transaction, me.account, me.amount, coalesce(quote_literal(me.currency), e.words),
								concat(', direction_column => ' || quote_literal(d.direction), CASE WHEN r.same THEN ', reverses_column => ' || quote_literal(me.reverses) END, ', posting_date_column => ' || quote_literal(me.posting_date),
									   CASE WHEN me.currency IS NOT NULL THEN me.decimals END)),
			   format('%I moves on %I by %I', me.amount, me.account, me.transaction) || e.hint,
			   CASE WHEN me.currency IS NOT NULL AND me.name ~ 'ledger|entr(y|ies)|posting|journal' THEN 'high' ELSE 'medium' END
		  FROM me, entry_currency e, LATERAL (SELECT count(DISTINCT c.type) = 1 AS same FROM col c WHERE c.rel = relation AND c.name IN (me.transaction, me.reverses)) r,
			   LATERAL (SELECT coalesce(me.direction, (SELECT me.kind FROM kind k WHERE k.sides)) AS direction) d
		 WHERE num_nulls(me.transaction, me.account, me.amount) = 0 AND me.keyed AND me.plain
		   AND (me.currency IS NOT NULL OR me.name ~ 'ledger|entr(y|ies)|posting|journal|split|operation')
		UNION ALL
		SELECT 'ledger', format('SELECT paysafe.protect_ledger(%L, %L, %L, %L, credit_column => %L, %s, mode => ''observe'');', relation, me.transaction, me.account, me.debit, me.credit, e.words),
			   format('%I and %I move by %I', me.debit, me.credit, me.transaction) || e.hint, 'medium'
		  FROM me, entry_currency e
		 WHERE num_nulls(me.transaction, me.account, me.debit, me.credit) = 0 AND me.amount IS NULL AND me.keyed AND me.plain
		UNION ALL
		-- transfers: both accounts in one row
		SELECT 'ledger', format('SELECT paysafe.protect_entries(%L, %L, %L, %s, credit_account_column => %L, mode => ''observe'');', relation, me.target, me.amount, e.words, me.source),
			   format('%I moves from %I to %I; protect_balance with kept_by => ''application'' is for balances that the application writes', me.amount, me.source, me.target) || e.hint, 'medium'
		  FROM me, entry_currency e
		 WHERE num_nulls(me.source, me.target, me.amount) = 0 AND me.keyed AND me.plain
		   AND (SELECT count(DISTINCT c.type) FROM col c WHERE c.rel = relation AND c.name IN (me.source, me.target)) = 1
		UNION ALL
		-- gift cards, store credit, points: entries that are no transactions
		SELECT 'ledger', format('SELECT paysafe.protect_entries(%L, %L, %L%s, mode => ''observe'');', relation, o.account, coalesce(me.amount, me.debit),
								concat(CASE WHEN me.amount IS NULL THEN ', credit_column => ' || quote_literal(me.credit) END, ', ', e.words)),
			   format('entries of %s that are no transactions; minimum => 0 keeps them from summing below zero', o.account) || e.hint, 'low'
		  FROM me JOIN shape ON shape.entries, entry_currency e,
			   LATERAL (SELECT coalesce(me.account, (SELECT min(fk.name) FROM fk WHERE fk.other <> relation AND (SELECT count(DISTINCT f.name) FROM fk f WHERE f.other <> relation) = 1), me.payee) AS account) o
		 WHERE o.account IS NOT NULL AND num_nulls(me.source, me.target) > 0
		UNION ALL
		SELECT 'balance', format('SELECT paysafe.protect_balance(%L, %L, %L, %L%s%s, mode => ''observe'');', relation, me.key, me.balance, o.rel::regclass,
								 ', minimum_column => ' || quote_literal(me.minimum), ', currency_column => ' || quote_literal(me.currency)),
			   format('entries of %s refer to it', o.rel::regclass), 'medium'
		  FROM me, best o
		 WHERE num_nulls(me.key, me.balance) = 0 AND num_nulls(o.transaction, o.account, o.amount, o.currency) = 0 AND o.rel <> relation
		   AND EXISTS (SELECT 1 FROM pg_constraint f WHERE f.conrelid = o.rel AND f.confrelid = relation AND f.contype = 'f')
		UNION ALL
		SELECT 'row_lock', format('SELECT paysafe.protect_row_lock(%L, %L, mode => ''observe'');', relation, r.columns), 'two who write at a time would overwrite each other', 'medium'
		  FROM (SELECT array_agg(c.name ORDER BY c.attnum) AS columns FROM col c
				 WHERE c.rel = relation AND c.number AND c.word ~ '(^|_)(balance|stock|quantity|available|remaining|credit)(_cents|_minor)?$|(^|_)(refunded)(_amount|_total|_value|_cents|_minor)?$'
				   AND NOT EXISTS (SELECT 1 FROM me WHERE me.debit IS NOT NULL AND me.credit = c.name)) r
		 WHERE r.columns IS NOT NULL AND EXISTS (SELECT 1 FROM me WHERE me.keyed AND num_nulls(me.transaction, me.account, coalesce(me.amount, me.debit)) > 0)
		UNION ALL
		SELECT 'append_only', format('SELECT paysafe.protect_append_only(%L, mode => ''observe'');', relation), 'its name says that rows are added and stay', 'medium'
		  FROM log WHERE NOT log.goes
		UNION ALL
		SELECT 'columns', format('SELECT paysafe.protect_columns(%L, %L, mode => ''observe'');', relation, r.columns),
			   CASE WHEN l.goes THEN 'its rows go some day, but do not change' ELSE 'whose a row is, and when it came, is said once' END, CASE WHEN l.goes THEN 'medium' ELSE 'low' END
		  FROM (SELECT coalesce((SELECT log.goes FROM log), false) AS goes) l,
			   LATERAL (SELECT array_agg(c.name ORDER BY c.attnum) AS columns FROM col c
						 WHERE c.rel = relation AND (l.goes OR c.word ~ '^(created|inserted)(_|$)|^(public_id|external_id|provider_(id|reference)|idempotency_key)$' OR c.name IN (SELECT fk.first FROM fk WHERE fk.columns = 1 AND fk.other <> relation))) r
		 WHERE r.columns IS NOT NULL AND EXISTS (SELECT 1 FROM me);
	END;
COMMENT ON FUNCTION paysafe.suggest(regclass) IS 'declarations that would fit the table, by its catalog, its rows and its audit log: proposals to be read, not to be run unseen';

CREATE FUNCTION paysafe.suggest_schema(schema regnamespace) RETURNS text
	LANGUAGE sql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	BEGIN ATOMIC
		-- no name or value ends a comment
		SELECT format(E'-- Proposals for schema %s: read, correct, and run what is right.\n-- What is of low confidence is commented out.  Rules observe first: see doc/rollout.md.\n',
					  regexp_replace(schema::text, '[\n\r]', ' ', 'g'))
			   || coalesce(string_agg(format(E'\n-- %s, %s (%s): %s\n%s\n', regexp_replace(t.relation::text, '[\n\r]', ' ', 'g'), t.rule, t.confidence,
											 regexp_replace(t.why, '[\n\r]', ' ', 'g'),
											 CASE WHEN t.confidence = 'low' THEN regexp_replace(replace(t.declaration, E'\r', ' '), '^', '-- ', 'gn') ELSE t.declaration END), ''
									  ORDER BY array_position('{audit,status,columns,payment,captures,movements,ledger,balance,refund,row_lock,append_only}', t.rule), t.relation::text COLLATE "C"),
						   E'\n-- there are no tables that the caller may read\n')
		  FROM (SELECT c.oid::regclass AS relation, s.rule, s.declaration, s.why, s.confidence
				  FROM pg_class c, LATERAL (SELECT g.* FROM paysafe.suggest(c.oid::regclass) g OFFSET 0) s
				 WHERE c.relnamespace = schema AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence = 'p'
				   AND has_table_privilege(c.oid, 'SELECT')) t;
	END;
COMMENT ON FUNCTION paysafe.suggest_schema(regnamespace) IS 'a migration for the tables of a schema, as text, to be read and run';
