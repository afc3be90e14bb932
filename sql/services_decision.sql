-- Decisions in one view, and one story

CREATE VIEW paysafe.decision AS
	SELECT 1 AS v, d.at, d.name, d.outcome, d.input_sha256, d.version, NULL::text AS table_name, NULL::text COLLATE "C" AS key,
		   d.detail, d.actor, d.request_id, d.business_id, d.count
	  FROM paysafe.decision_record d
	UNION ALL
	SELECT 1, a.at, 'approval', 'approved', a.digest, NULL, a.relation::text, a.key,
		   jsonb_strip_nulls(jsonb_build_object('approval', a.id, 'rule', a.rule, 'payment', a.payment, 'amount', a.amount, 'currency', a.currency,
				'identity', a.identity, 'reason', a.reason, 'ticket', a.ticket)),
		   a.actor COLLATE "C", a.request_id COLLATE "C", NULL, 1
	  FROM paysafe.approval_record a
	UNION ALL
	SELECT 1, j.at, 'approval', 'rejected', NULL, NULL, j.relation::text, j.key,
		   jsonb_strip_nulls(jsonb_build_object('rejection', j.id, 'rule', j.rule, 'payment', j.payment, 'amount', j.amount, 'currency', j.currency,
				'identity', j.identity, 'reason', j.reason, 'ticket', j.ticket)),
		   j.actor COLLATE "C", j.request_id COLLATE "C", NULL, 1
	  FROM paysafe.rejection_record j
	UNION ALL
	SELECT 1, r.at, r.rule COLLATE "C", CASE WHEN r.observed THEN 'observed' ELSE 'refused' END, NULL, NULL,
		   CASE WHEN r.table_name IS NOT NULL THEN format('%I.%I', r.schema_name, r.table_name) END, r.key COLLATE "C",
		   jsonb_strip_nulls(jsonb_build_object('sqlstate', r.sqlstate, 'statement', r.statement, 'column', r.column_name, 'message', r.message,
				'row_sha256', encode(r.row_hash, 'hex'))),
		   r.actor COLLATE "C", r.request_id COLLATE "C", r.business_id COLLATE "C", r.count
	  FROM paysafe.refusal_record r
	UNION ALL
	SELECT 1, s.at, 'throttle', 'throttled', NULL, NULL, NULL, NULL,
		   jsonb_strip_nulls(jsonb_build_object('subject', encode(s.subject, 'hex'), 'figures', s.figures)),
		   s.actor, s.request_id, s.business_id, s.count
	  FROM paysafe.signal_record s WHERE s.kind IN ('throttled', 'throttled_many', 'throttle_full')
	UNION ALL
	SELECT 1, w.at, 'webhook', 'verified', NULL, NULL, NULL, NULL,
		   jsonb_strip_nulls(jsonb_build_object('inbox', e.id, 'endpoint', e.source, 'event_id', e.event_id, 'event_type', e.event_type)),
		   NULL, NULL, e.business_id, 1
	  FROM paysafe.webhook_seen w JOIN paysafe.inbox_event e ON e.id = w.inbox_id;
COMMENT ON VIEW paysafe.decision IS 'decisions: of the application, and paysafe''s own (approved, rejected, refused, observed, throttled, verified); v is the version of its columns';

-- Each part finds its rows by an index: of the audit log, of the business id, of the requests
CREATE FUNCTION paysafe.story(
	business_id text,
	OUT at timestamptz,
	OUT source text,
	OUT name text,
	OUT outcome text,
	OUT table_name text,
	OUT key text,
	OUT detail jsonb,
	OUT actor text,
	OUT request_id text,
	OUT count bigint
) RETURNS SETOF record
	LANGUAGE sql STABLE STRICT PARALLEL UNSAFE
	SET search_path = pg_catalog, pg_temp
	BEGIN ATOMIC
		WITH wanted AS MATERIALIZED (
			SELECT paysafe.redact($1) COLLATE "C" AS id
		), change AS MATERIALIZED (
			SELECT h.* FROM paysafe.history_of_business_id((SELECT w.id FROM wanted w)) h
		), request AS MATERIALIZED (
			SELECT coalesce(array_agg(q.id), '{}') AS ids
			  FROM (SELECT c.request_id COLLATE "C" AS id FROM change c
					UNION SELECT s.request_id FROM paysafe.signal s WHERE s.business_id = (SELECT w.id FROM wanted w)
					UNION SELECT d.request_id FROM paysafe.decision d WHERE d.business_id = (SELECT w.id FROM wanted w)) q
			 WHERE q.id IS NOT NULL
		)
		SELECT c.at, 'change', c.op, NULL::text, coalesce(format('%I.%I', c.schema_name, c.table_name), c.subject), c.key,
			   jsonb_strip_nulls(jsonb_build_object('before', c.before, 'after', c.after, 'reason', c.reason, 'ticket', c.ticket)),
			   c.actor, c.request_id, 1::bigint
		  FROM change c
		 WHERE c.subject <> ALL ('{paysafe.signal_record,paysafe.decision_record,paysafe.refusal_record,paysafe.approval_record,paysafe.rejection_record}')
		UNION ALL
		SELECT s.at, 'signal', s.kind, s.severity, NULL, NULL,
			   jsonb_strip_nulls(jsonb_build_object('segment', s.segment, 'subject', encode(s.subject, 'hex'), 'figures', s.figures)),
			   s.actor, s.request_id, s.count
		  FROM paysafe.signal s
		 WHERE s.business_id = (SELECT w.id FROM wanted w)
			OR s.request_id = ANY ((SELECT q.ids FROM request q)::text[]) AND s.business_id IS NULL
		UNION ALL
		SELECT d.at, 'decision', d.name, d.outcome, d.table_name, d.key,
			   jsonb_strip_nulls(d.detail || jsonb_build_object('input_sha256', encode(d.input_sha256, 'hex'), 'version', d.version)),
			   d.actor, d.request_id, d.count
		  FROM paysafe.decision d
		 WHERE (d.business_id = (SELECT w.id FROM wanted w)
				OR d.request_id = ANY ((SELECT q.ids FROM request q)::text[]) AND d.business_id IS NULL)
		   AND d.outcome <> 'throttled'
		UNION ALL
		SELECT e.created_at, 'inbox', e.event_type, e.state, NULL, NULL,
			   jsonb_strip_nulls(jsonb_build_object('inbox', e.id, 'endpoint', e.endpoint, 'event_id', e.event_id, 'ended_at', e.ended_at, 'last_error', e.last_error)),
			   NULL, NULL, 1
		  FROM paysafe.inbox e WHERE e.business_id = (SELECT w.id FROM wanted w)
		UNION ALL
		SELECT e.created_at, 'outbox', e.event_type, e.state, NULL, NULL,
			   jsonb_strip_nulls(jsonb_build_object('outbox', e.id, 'destination', e.destination, 'webhook_id', e.webhook_id, 'ended_at', e.ended_at, 'last_error', e.last_error)),
			   NULL, NULL, 1
		  FROM paysafe.outbox e WHERE e.business_id = (SELECT w.id FROM wanted w)
		 ORDER BY 1;
	END;
COMMENT ON FUNCTION paysafe.story(text) IS 'everything about one business id, in order: changes, decisions, refusals, approvals, signals, webhooks, of it and of its requests';
