-- What could be declared: proposals from the catalog, and machines from what has happened

CREATE FUNCTION paysafe.seen_statuses(
	relation regclass, status_column name, history regclass DEFAULT NULL, history_key name DEFAULT NULL,
	history_status name DEFAULT NULL, history_order name DEFAULT NULL,
	OUT from_status text, OUT to_status text, OUT n bigint
) RETURNS SETOF record
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'paysafe_seen_statuses';
COMMENT ON FUNCTION paysafe.seen_statuses(regclass, name, regclass, name, name, name) IS 'how often rows got from one status to another, by the audit log or a history of the application''s own; from NULL: added; the same twice: rows that are there now';

CREATE FUNCTION paysafe.suggest_machine(
	relation regclass, status_column name, history regclass DEFAULT NULL, history_key name DEFAULT NULL,
	history_status name DEFAULT NULL, history_order name DEFAULT NULL
) RETURNS text
	LANGUAGE sql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	BEGIN ATOMIC
		WITH seen AS MATERIALIZED (
			SELECT s.from_status, s.to_status, s.n
			  FROM paysafe.seen_statuses(relation, status_column, history, history_key, history_status, history_order) s
		), move AS (
			SELECT s.from_status, s.to_status, s.n, sum(s.n) OVER (PARTITION BY s.from_status) AS leaving
			  FROM seen s WHERE s.from_status IS DISTINCT FROM s.to_status
		), name AS (
			SELECT s.to_status AS name FROM seen s
			UNION SELECT s.from_status FROM seen s WHERE s.from_status IS NOT NULL
			UNION SELECT e.enumlabel FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
				JOIN pg_enum e ON e.enumtypid IN (t.oid, t.typbasetype)
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
COMMENT ON FUNCTION paysafe.suggest_machine(regclass, name, regclass, name, name, name) IS 'a status machine as it has been seen, as a Mermaid diagram with counts: a draft to be read';

CREATE FUNCTION paysafe.suggest(
	relation regclass, OUT rule text, OUT declaration text, OUT why text, OUT confidence text
) RETURNS SETOF record
	LANGUAGE sql VOLATILE PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	BEGIN ATOMIC
		WITH col AS MATERIALIZED (
			SELECT a.attrelid AS rel, a.attname AS name, a.attnum,
				   b.typname IN ('int2', 'int4', 'int8', 'numeric') AS number,
				   b.typname IN ('text', 'varchar', 'bpchar') AS text,
				   b.typtype = 'e' AS enum, b.oid AS type,
				   b.typname IN ('int2', 'int4', 'int8') AS minor,
				   CASE WHEN b.typname = 'numeric' AND m.typmod >= 0 THEN ((m.typmod - 4) & 2047 # 1024) - 1024 END AS scale
			  FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
				   JOIN pg_type b ON b.oid = CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END,
				   LATERAL (SELECT CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE a.atttypmod END AS typmod) m
			 WHERE a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated <> 'v'
			   AND EXISTS (SELECT 1 FROM pg_class c WHERE c.oid = a.attrelid AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence = 'p')
			   AND (a.attrelid = relation
					OR a.attrelid IN (SELECT f.confrelid FROM pg_constraint f WHERE f.conrelid = relation AND f.contype = 'f')
					OR a.attrelid IN (SELECT f.conrelid FROM pg_constraint f WHERE f.confrelid = relation AND f.contype = 'f'))
		), pick AS MATERIALIZED (
			-- the best column of a table for each purpose
			SELECT DISTINCT ON (c.rel, p.purpose) c.rel, p.purpose, c.name, p.rank
			  FROM col c JOIN (VALUES
				('status', '^(status|state)$', 'status', 1), ('status', '_(status|state)$', 'status', 2), ('status', '', 'enum', 3),
				('currency', '^currency(_code)?$', 'text', 1), ('currency', '(^|_)(currency|ccy)(_|$)', 'text', 2),
				('captured', '^(captured|amount_captured|captured_amount)', 'number', 1), ('captured', '(captured|settled|paid|received)', 'number', 2),
				('amount', '^amount(_cents|_minor)?$', 'number', 1), ('amount', '^(total|gross|value|sum)(_|$)|_(amount|total)$', 'number', 2),
				('transaction', '^(transaction|txn|tx|journal|transfer|posting)(_(id|no|uuid|key))?$', 'any', 1),
				('account', '^(account|acct|wallet)(_(id|no|uuid|key))?$', 'any', 1),
				('direction', '^(direction|side|debit_credit)$', 'status', 1),
				('reverses', '^revers(es|al_of|ed)', 'any', 1),
				('posting_date', '^(posting|booking|value|effective)_?(date|at|on)$', 'any', 1),
				('kind', '^(kind|type|action|operation|(transaction|movement|entry)_(type|kind))$', 'status', 1),
				('debit', '^(debit|debit_amount|dr)$', 'number', 1), ('credit', '^(credit|credit_amount|cr)$', 'number', 1),
				('payee', '^(merchant|payee|recipient|beneficiary|seller|vendor|customer|account|wallet)(_(id|no|uuid|key))?$', 'any', 1),
				('balance', '^(balance|current_balance)(_cents|_minor)?$', 'number', 1),
				('minimum', '^(minimum|min_balance|minimum_balance|floor)$', 'number', 1)
			  ) p (purpose, pattern, kind, rank)
				ON c.name ~ p.pattern
			   AND CASE p.kind WHEN 'number' THEN c.number WHEN 'text' THEN c.text OR c.enum WHEN 'enum' THEN c.enum
								WHEN 'status' THEN c.text OR c.enum OR c.number ELSE true END
			 ORDER BY c.rel, p.purpose, p.rank, c.attnum
		), best AS MATERIALIZED (
			SELECT p.rel, max(p.name::text) FILTER (WHERE p.purpose = 'status') AS status,
				   max(p.name::text) FILTER (WHERE p.purpose = 'currency') AS currency,
				   max(p.name::text) FILTER (WHERE p.purpose = 'captured') AS captured,
				   max(p.name::text) FILTER (WHERE p.purpose = 'amount') AS amount,
				   max(p.name::text) FILTER (WHERE p.purpose = 'transaction') AS transaction,
				   max(p.name::text) FILTER (WHERE p.purpose = 'account') AS account,
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
			SELECT b.*, c.relname AS name,
				   -- more decimals than any currency has but two
				   (SELECT ', decimals => ' || max(l.scale) FROM col l
					 WHERE l.rel = relation AND l.name IN (b.amount, b.captured, b.debit, b.credit) HAVING max(l.scale) BETWEEN 4 AND 30) AS decimals,
				   (SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
					 WHERE i.indrelid = relation AND i.indisprimary AND i.indnkeyatts = 1) AS key,
				   -- without a key that names rows, those rules that remember them cannot be declared
				   EXISTS (SELECT 1 FROM pg_index i WHERE i.indrelid = relation AND i.indisprimary) AS keyed,
				   -- what changes rows before they are stored
				   NOT EXISTS (SELECT 1 FROM pg_trigger g WHERE g.tgrelid = relation AND NOT g.tgisinternal AND g.tgtype & 1 <> 0 AND g.tgtype & 2 <> 0) AS plain
			  FROM pg_class c LEFT JOIN best b ON b.rel = c.oid
			 WHERE c.oid = relation AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence = 'p'
			   AND NOT EXISTS (SELECT 1 FROM pg_rewrite w WHERE w.ev_class = relation AND w.is_instead)
		), fk AS MATERIALIZED (
			SELECT f.confrelid AS other, CASE WHEN cardinality(f.conkey) = 1 THEN n.names[1]::text ELSE n.names::text END AS name,
				   n.names[1] AS first, cardinality(f.conkey) AS columns
			  FROM pg_constraint f,
				   LATERAL (SELECT array_agg(a.attname ORDER BY k.n) AS names FROM unnest(f.conkey) WITH ORDINALITY k(attnum, n)
							  JOIN pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = k.attnum) n
			 WHERE f.conrelid = relation AND f.contype = 'f'
			   AND EXISTS (SELECT 1 FROM pg_class c WHERE c.oid = f.confrelid AND c.relkind IN ('r', 'p') AND NOT c.relispartition)
		), seen AS MATERIALIZED (
			SELECT paysafe.suggest_machine(relation, me.status::name) AS words FROM me WHERE me.status IS NOT NULL
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
				   array_agg(w.word ORDER BY w.word) FILTER (WHERE w.word ~* '^(chargeback|charge_back|dispute)$') AS chargeback
			  FROM (SELECT DISTINCT coalesce(x.found[1], x.found[2]) AS word
					  FROM me, regexp_matches(paysafe.suggest_machine(relation, me.kind::name), '"([^"]+)" as|state ([A-Za-z0-9_./]+)$', 'gn') x(found)
					 WHERE me.kind IS NOT NULL) w
		), value AS MATERIALIZED (
			SELECT DISTINCT w.word FROM machine m, regexp_matches(m.words, '"([^"]+)" as|state ([A-Za-z0-9_./]+)$|([A-Za-z0-9_./]+) --> |--> ([A-Za-z0-9_./]+)', 'gn') x(found),
				   LATERAL (SELECT coalesce(x.found[1], x.found[2], x.found[3], x.found[4]) AS word) w
			 WHERE w.word IS NOT NULL
		), word AS MATERIALIZED (
			SELECT coalesce(array_agg(v.word ORDER BY v.word) FILTER (WHERE v.word ~* '^(captured|paid|settled|succeeded|success|completed|complete|confirmed)$'), '{captured}') AS captured,
				   coalesce(array_agg(v.word ORDER BY v.word) FILTER (WHERE v.word ~* '^(approved|sent|processing|processed|executed|transferred|transit|succeeded|success|completed|complete|done|paid|refunded|confirmed)$'), '{sent}') AS gated,
				   coalesce(array_agg(v.word ORDER BY v.word) FILTER (WHERE v.word ~* '(void|cancel|reject|declin|fail|expire|denied|abort)'), '{}') AS void
			  FROM value v
		)
		SELECT 'audit', format('SELECT paysafe.audit(%L%s);', relation, CASE WHEN r.columns IS NOT NULL THEN format(', %L', r.columns) END),
			   'every change on record' || CASE WHEN r.columns IS NOT NULL THEN ', without what looks personal or secret' ELSE '' END, 'high'
		  FROM (SELECT array_agg(c.name ORDER BY c.attnum) AS columns FROM col c
				 WHERE c.rel = relation AND c.name ~* '(card_number|^pan$|cvc|cvv|iban|email|phone|birth|ssn|passw|secret|token)') r
		 WHERE EXISTS (SELECT 1 FROM me)
		   AND NOT EXISTS (SELECT 1 FROM paysafe.protection p WHERE p.relation = suggest.relation AND p.rule = 'audit')
		UNION ALL
		SELECT 'status', format('SELECT paysafe.protect_status(%L, %L, %L, mode => ''observe'');', relation, me.status, m.words),
			   format('column %I looks like a status; %s', me.status, CASE WHEN m.words LIKE '% : %' THEN 'the moves are those that have been seen' ELSE 'no move has been seen: audit the table for a while, or name a history' END),
			   CASE WHEN m.words !~ ' : ' THEN 'low' WHEN m.words ~ 'rare|has not been seen' THEN 'medium' ELSE 'high' END
		  FROM me, machine m WHERE m.words ~ '\[\*\] -->'
		UNION ALL
		SELECT 'payment', format('SELECT paysafe.protect_payment(%L, %L, %L, %L, %L, %L%s, mode => ''observe'');', relation, me.status, me.amount, me.captured, me.currency, w.captured, me.decimals),
			   format('%I and %I in %I look like what was asked for and captured', me.amount, me.captured, me.currency),
			   CASE WHEN me.name ~* 'payment|charge|order|invoice' THEN 'high' ELSE 'low' END
		  FROM me, word w
		 WHERE num_nulls(me.status, me.amount, me.captured, me.currency) = 0 AND me.amount <> me.captured AND me.keyed
		   AND (SELECT count(DISTINCT c.minor) FROM col c WHERE c.rel = relation AND c.name IN (me.amount, me.captured)) = 1
		UNION ALL
		-- the amount itself, in a captured status; the currency here, or where the row refers to
		SELECT 'payment', format('SELECT paysafe.protect_payment(%L, %L, %L, captured => %L, %s%s, mode => ''observe'');', relation, me.status, me.amount, w.captured,
								 CASE WHEN me.currency IS NOT NULL THEN 'currency_column => ' || quote_literal(me.currency)
									  ELSE 'currency_path => ' || quote_literal(ARRAY[o.first::text, o.currency]::text) END, me.decimals),
			   format('in a captured status, %I looks like what was captured', me.amount), 'medium'
		  FROM me, word w LEFT JOIN (SELECT fk.first, b.currency FROM fk JOIN best b ON b.rel = fk.other
									  WHERE fk.columns = 1 AND fk.other <> relation AND b.currency IS NOT NULL ORDER BY fk.first LIMIT 1) o ON true
		 WHERE num_nulls(me.status, me.amount, coalesce(me.currency, o.currency)) = 0 AND me.captured IS NULL AND me.keyed
		   AND me.name ~* 'payment|charge' AND me.name !~* 'refund|chargeback|capture|log|event|history|method|type|refusal'
		UNION ALL
		SELECT 'movements', format('SELECT paysafe.protect_movements(%L, %L, %L, %L, %L, %L%s%s, mode => ''observe'');', relation, fk.other::regclass, fk.name, me.kind, me.amount, me.currency,
								   concat(', authorize => ' || quote_literal(k.authorize), ', capture => ' || quote_literal(k.capture), ', cancel => ' || quote_literal(k.cancel),
										  ', refund => ' || quote_literal(k.refund), ', chargeback => ' || quote_literal(k.chargeback),
										  CASE WHEN me.status IS NOT NULL THEN format(', status_column => %L, counted => %L, gated => %L, void => %L', me.status, w.counted, w.gated, w.void) END), me.decimals),
			   format('%I says which rows capture and which refund what %s has', me.kind, fk.other::regclass), 'medium'
		  FROM me, kind k, fk, LATERAL (SELECT coalesce(nullif(array(SELECT v.word FROM value v WHERE v.word ~* '^(success|succeeded|completed|complete|done|settled|paid)$' ORDER BY 1), '{}'), '{done}') AS counted,
				   coalesce(nullif(array(SELECT v.word FROM value v WHERE v.word ~* '^(sent|processing|success|succeeded|completed|complete|done|settled|paid)$' ORDER BY 1), '{}'), '{done}') AS gated, x.void
			  FROM word x) w
		 WHERE num_nulls(me.amount, me.currency, k.capture, k.refund) = 0 AND me.keyed AND fk.other <> relation AND fk.columns = 1
		   AND me.kind IS DISTINCT FROM me.status
		   AND fk.name = (SELECT min(o.name) FROM fk o WHERE o.other <> relation)
		UNION ALL
		SELECT 'refund', format('SELECT paysafe.protect_refund(%L, NULL, %L, %L, %L, %L, %L, %L%s, mode => ''observe'');', relation, me.payee, me.amount, me.currency, me.status, w.gated, w.void, me.decimals),
			   format('it pays out to %I, without a payment', me.payee), 'medium'
		  FROM me, word w
		 WHERE num_nulls(me.status, me.amount, me.currency, me.payee) = 0 AND me.keyed AND me.name ~* 'payout|disbursement|withdrawal'
		   AND me.name !~* '_(log|logs|event|events|history|audit)$'
		UNION ALL
		SELECT 'captures', format('SELECT paysafe.protect_captures(%L, %L, %L, %L%s%s%s, limit_column => %L%s, mode => ''observe'');', relation, fk.other::regclass, fk.name, me.amount,
								  ', currency_column => ' || quote_literal(me.currency),
								  CASE WHEN me.currency IS NULL THEN ', currency_path => ' || quote_literal(ARRAY[fk.name::text, o.currency]::text) END,
								  CASE WHEN me.status IS NOT NULL THEN format(', status_column => %L, counted => %L', me.status, w.captured) END, o.amount, me.decimals),
			   format('its rows look like captures of what %s has, to which %I refers', fk.other::regclass, fk.name), 'medium'
		  FROM me, word w, fk JOIN best o ON o.rel = fk.other
		 WHERE num_nulls(me.amount, o.amount, coalesce(me.currency, o.currency)) = 0 AND me.name ~* 'capture' AND fk.other <> relation AND me.keyed
		   AND (me.currency IS NOT NULL OR fk.columns = 1)
		   AND (SELECT count(DISTINCT c.minor) FROM col c WHERE (c.rel, c.name) IN ((relation, me.amount::name), (fk.other, o.amount::name))) = 1
		UNION ALL
		SELECT 'refund', format('SELECT paysafe.protect_refund(%L, %L, %L, %L%s, payment_amount_column => %L, payment_currency_column => %L%s, mode => ''observe'');', relation, fk.other::regclass, fk.name, me.amount,
								concat(', currency_column => ' || quote_literal(me.currency),
									   CASE WHEN me.status IS NOT NULL THEN format(', status_column => %L, gated => %L, void => %L', me.status, w.gated, w.void) END),
								coalesce(o.captured, o.amount), o.currency, me.decimals),
			   format('it pays back what %s has, to which %I refers', fk.other::regclass, fk.name),
			   CASE WHEN o.captured IS NOT NULL THEN 'high' ELSE 'medium' END
		  FROM me, word w, fk JOIN best o ON o.rel = fk.other
		 WHERE num_nulls(me.amount, coalesce(o.captured, o.amount), o.currency) = 0 AND me.keyed
		   AND me.name ~* 'refund|chargeback|payback|reversal' AND fk.other <> relation
		   AND (SELECT count(DISTINCT c.minor) FROM col c WHERE (c.rel, c.name) IN ((relation, me.amount::name), (fk.other, coalesce(o.captured, o.amount)::name))) = 1
		UNION ALL
		SELECT 'ledger', format('SELECT paysafe.protect_ledger(%L, %L, %L, %L, %L%s%s%s%s, mode => ''observe'');', relation, me.transaction, me.account, me.amount, me.currency,
								', direction_column => ' || quote_literal(me.direction), CASE WHEN r.same THEN ', reverses_column => ' || quote_literal(me.reverses) END, ', posting_date_column => ' || quote_literal(me.posting_date), me.decimals),
			   format('%I moves on %I by %I', me.amount, me.account, me.transaction),
			   CASE WHEN me.name ~* 'ledger|entr(y|ies)|posting|journal' THEN 'high' ELSE 'medium' END
		  FROM me, LATERAL (SELECT count(DISTINCT c.type) = 1 AS same FROM col c WHERE c.rel = relation AND c.name IN (me.transaction, me.reverses)) r
		 WHERE num_nulls(me.transaction, me.account, me.amount, me.currency) = 0 AND me.keyed AND me.plain
		UNION ALL
		SELECT 'ledger', format('SELECT paysafe.protect_ledger(%L, %L, %L, %L, credit_column => %L, currency_column => %L%s, mode => ''observe'');', relation, me.transaction, me.account, me.debit, me.credit, me.currency, me.decimals),
			   format('%I and %I move by %I', me.debit, me.credit, me.transaction), 'medium'
		  FROM me WHERE num_nulls(me.transaction, me.account, me.debit, me.credit, me.currency) = 0 AND me.amount IS NULL AND me.keyed AND me.plain
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
				 WHERE c.rel = relation AND c.number AND c.name ~* '(^|_)(balance|stock|quantity|available|remaining|credit)(_cents|_minor)?$'
				   AND NOT EXISTS (SELECT 1 FROM me WHERE me.debit IS NOT NULL AND me.credit = c.name)) r
		 WHERE r.columns IS NOT NULL AND EXISTS (SELECT 1 FROM me WHERE me.keyed)
		UNION ALL
		SELECT 'append_only', format('SELECT paysafe.protect_append_only(%L, mode => ''observe'');', relation), 'its name says that rows are added and stay', 'medium'
		  FROM me WHERE me.name ~* '(_log|_logs|_event|_events|_history|_audit)$' AND me.plain
		UNION ALL
		SELECT 'columns', format('SELECT paysafe.protect_columns(%L, %L, mode => ''observe'');', relation, r.columns), 'whose a row is, and when it came, is said once', 'low'
		  FROM (SELECT array_agg(c.name ORDER BY c.attnum) AS columns FROM col c
				 WHERE c.rel = relation AND (c.name ~* '^(created|inserted)(_|$)|^(public_id|external_id|provider_(id|reference)|idempotency_key)$' OR c.name IN (SELECT fk.first FROM fk WHERE fk.columns = 1))) r
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
