-- Every member of the extension, its owner, its privileges, and how its
-- functions are declared.  A member that is not here is one that nobody has
-- thought about.
BEGIN;
SELECT plan(8);

-- row types of tables and arrays are members from PostgreSQL 17 on
CREATE TEMP VIEW member AS
	SELECT d.classid, d.objid, pg_describe_object(d.classid, d.objid, 0) AS description
	  FROM pg_depend d LEFT JOIN pg_type t ON d.classid = 'pg_type'::regclass AND d.objid = t.oid
		   LEFT JOIN pg_type e ON e.oid = t.typelem
	 WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
	   AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'paysafe')
	   AND coalesce(nullif(t.typrelid, 0), e.oid) IS NULL;

SELECT set_eq(
	$$SELECT description FROM member WHERE classid <> 'pg_proc'::regclass$$,
	ARRAY[
		'schema paysafe',
		'sequence paysafe.api_key_id_seq',
		'sequence paysafe.approval_id_seq',
		'sequence paysafe.proposal_id_seq',
		'table paysafe.proposal_record',
		'view paysafe.pending_change',
		'sequence paysafe.balance_stripe_id_seq',
		'sequence paysafe.maintenance_id_seq',
		'sequence paysafe.reservation_id_seq',
		'sequence paysafe.inbox_event_id_seq',
		'sequence paysafe.outbox_event_id_seq',
		'sequence paysafe.queue_note_id_seq',
		'table paysafe.inbox_event',
		'table paysafe.inbox_payload',
		'table paysafe.outbox_event',
		'table paysafe.outbox_payload',
		'table paysafe.outbox_attempt',
		'table paysafe.queue_note',
		'table paysafe.queue_setting',
		'table paysafe.webhook_destination',
		'table paysafe.destination_key',
		'view paysafe.inbox',
		'view paysafe.outbox',
		'view paysafe.destination',
		'view paysafe.destination_keys',
		'table paysafe.activation',
		'table paysafe.dumped_row',
		'table paysafe.api_key_end',
		'table paysafe.api_key_record',
		'table paysafe.api_key_use',
		'table paysafe.approval_end',
		'table paysafe.approval_record',
		'table paysafe.audit_row',
		'table paysafe.audit_shape',
		'table paysafe.balance_move',
		'table paysafe.balance_stripe',
		'table paysafe.closed_period',
		'table paysafe.maintenance_change',
		'table paysafe.maintenance_end',
		'table paysafe.maintenance_record',
		'table paysafe.refusal_record',
		'view paysafe.maintenance',
		'view paysafe.protected_table',
		'view paysafe.refusal_log',
		'table paysafe.data_key',
		'view paysafe.data_keys',
		'table paysafe.idempotency_endpoint',
		'table paysafe.idempotency_key',
		'table paysafe.idempotency_response',
		'table paysafe.webhook_scheme',
		'table paysafe.webhook_endpoint',
		'table paysafe.webhook_key',
		'table paysafe.webhook_seen',
		'table paysafe.webhook_latest',
		'view paysafe.idempotency',
		'view paysafe.webhook_schemes',
		'view paysafe.webhook_endpoints',
		'view paysafe.webhook_keys',
		'type paysafe.payload',
		'cast from paysafe.payload to bytea',
		'cast from bytea to paysafe.payload',
		'cast from text to paysafe.payload',
		'cast from character varying to paysafe.payload',
		'cast from character to paysafe.payload',
		'cast from json to paysafe.payload',
		'cast from jsonb to paysafe.payload',
		'type paysafe.webhook_url',
		'table paysafe.currency',
		'table paysafe.redaction_key',
		'table paysafe.refund_event',
		'table paysafe.refund_request',
		'sequence paysafe.refund_request_id_seq',
		'table paysafe.reservation_end',
		'table paysafe.row_mark',
		'sequence paysafe.breach_id_seq',
		'table paysafe.breach_record',
		'table paysafe.breach_settlement',
		'view paysafe.breach',
		'table paysafe.reservation_post',
		'table paysafe.reservation_record',
		'table paysafe.captured_total',
		'table paysafe.reservation_total',
		'table paysafe.rule',
		'table paysafe.test_database',
		'table paysafe.fixture_block',
		'table paysafe.threshold',
		'view paysafe.api_key',
		'view paysafe.approval',
		'view paysafe.audit_log',
		'view paysafe.balance_history',
		'view paysafe.pending_approval',
		'view paysafe.protection',
		'view paysafe.reservation'],
	'members that are not functions');

-- signature, returns, language, volatility, strict, parallel, security
-- definer, leakproof, settings, executed by everybody
CREATE TEMP TABLE function_expected (
	signature text, result text, language text, volatile "char", strict bool,
	parallel "char", definer bool, leakproof bool, settings text, everybody bool
);
INSERT INTO function_expected VALUES
	('act_as(text,text,text,text,text)', 'void', 'c', 'v', false, 'u', false, false, NULL, false),
	('api_key_failures(interval)', 'SETOF record', 'sql', 's', true, 's', true, false, '{"search_path=pg_catalog, pg_temp"}', false),
	('api_key_is_well_formed(text)', 'boolean', 'c', 'i', true, 's', false, false, NULL, true),
	('api_key_issue(text,text[],timestamp with time zone,text)', 'text', 'c', 'v', false, 'u', false, false, NULL, false),
	('api_key_revoke(bigint,text)', 'boolean', 'c', 'v', false, 'u', false, false, NULL, false),
	('api_key_revoke_all(text,text)', 'integer', 'c', 'v', false, 'u', false, false, NULL, false),
	('api_key_revoke_everything(text)', 'void', 'c', 'v', false, 'u', false, false, NULL, false),
	('api_key_verify(text,text,text)', 'record', 'c', 'v', false, 'u', false, false, NULL, false),
	('api_key_verify_digest(bytea,text,text)', 'record', 'c', 'v', false, 'u', false, false, NULL, false),
	('approval_state(regclass,text,bytea,timestamp with time zone)', 'text', 'c', 's', true, 'u', false, false, NULL, true),
	('approve(regclass,text,text,text,timestamp with time zone)', 'bigint', 'c', 'v', false, 'u', false, false, NULL, false),
	('approve_refund(regclass,text,numeric,text,text,text,timestamp with time zone)', 'bigint', 'c', 'v', false, 'u', false, false, NULL, false),
	('request_refund(regclass,text,numeric,text,text,text)', 'bigint', 'c', 'v', false, 'u', false, false, NULL, false),
	('refund_approval_state(regclass,text,numeric,text,bytea,timestamp with time zone)', 'text', 'c', 's', true, 'u', false, false, NULL, true),
	('settle_breach(bigint,text,text)', 'boolean', 'c', 'v', false, 'u', false, false, NULL, false),
	('audit(regclass,name[],boolean,boolean,text)', 'void', 'c', 'v', false, 'u', false, false, NULL, true),
	('audit_context(bytea,name)', 'record', 'c', 's', true, 's', false, false, NULL, true),
	('audit_image(jsonb,name,bytea,bytea)', 'jsonb', 'c', 's', false, 's', false, false, NULL, true),
	('audit_leaf_hash(paysafe.audit_row,bytea)', 'bytea', 'c', 's', true, 's', false, false, NULL, false),
	('balance_on(text,date,regclass,text,text)', 'record', 'c', 's', false, 'u', false, false, NULL, true),
	('trial_balance_on(regclass,date,text)', 'TABLE(account text, currency text, debit numeric, credit numeric, balance numeric, final boolean)', 'c', 's', false, 'u', false, false, NULL, true),
	('statement_on(text,date,date,regclass,text,text)', 'TABLE(line text, day date, transaction text, amount numeric, balance numeric, final boolean)', 'c', 's', false, 'u', false, false, NULL, true),
	('available_balance(text,regclass,text)', 'record', 'c', 's', false, 'u', false, false, NULL, true),
	('trial_balance(regclass,timestamp with time zone)', 'TABLE(account text, currency text, debit numeric, credit numeric, balance numeric, settled boolean)', 'c', 's', false, 'u', false, false, NULL, true),
	('statement(text,timestamp with time zone,timestamp with time zone,regclass,text)', 'TABLE(line text, at timestamp with time zone, amount numeric, balance numeric, settled boolean)', 'c', 's', false, 'u', false, false, NULL, true),
	('balance(text,timestamp with time zone,regclass,text)', 'numeric', 'c', 's', false, 'u', false, false, NULL, true),
	('paysafe."check"(boolean)', 'SETOF record', 'c', 'v', true, 'u', true, false, '{"search_path=pg_catalog, pg_temp"}', false),
	('close_maintenance()', 'integer', 'c', 'v', false, 'u', false, false, NULL, true),
	('close_period(regclass,date,text)', 'void', 'c', 'v', true, 'u', false, false, NULL, true),
	('adopt_dumped_rows()', 'integer', 'c', 'v', false, 'u', false, false, NULL, false),
	('trust_subscription(name,regclass[],text)', 'void', 'c', 'v', true, 'u', false, false, NULL, true),
	('distrust_subscription(name,regclass[],text)', 'void', 'c', 'v', true, 'u', false, false, NULL, true),
	('subscription_trouble(name)', 'text', 'c', 'v', true, 'u', false, false, NULL, false),
	('begin_fixtures(text)', 'void', 'c', 'v', false, 'u', false, false, NULL, true),
	('end_fixtures()', 'void', 'c', 'v', false, 'u', false, false, NULL, true),
	('declare_test_database()', 'void', 'c', 'v', false, 'u', false, false, NULL, false),
	('enforce()', 'trigger', 'c', 'v', false, 'u', false, false, NULL, true),
	('enforce_statement()', 'trigger', 'c', 'v', false, 'u', false, false, NULL, true),
	('extend_audit(integer)', 'integer', 'c', 'v', true, 'u', false, false, NULL, false),
	('has_card_number(text)', 'boolean', 'c', 'i', true, 's', false, false, NULL, true),
	('history(regclass,text)', 'SETOF paysafe.audit_log', 'sql', 's', true, 's', false, false, '{"search_path=pg_catalog, pg_temp"}', false),
	('library_state()', 'SETOF record', 'c', 'v', false, 'u', false, false, NULL, false),
	('open_maintenance(text,text,interval,regclass[])', 'bigint', 'c', 'v', false, 'u', false, false, NULL, true),
	('own_table()', 'trigger', 'c', 'v', false, 'u', false, false, NULL, false),
	('pending_approvals()', 'SETOF record', 'c', 's', false, 'u', false, false, NULL, true),
	('post_reservation(bigint,numeric,boolean,text)', 'numeric', 'c', 'v', false, 'u', false, false, NULL, true),
	('propose(text,text)', 'void', 'c', 'v', false, 'u', false, false, NULL, true),
	('protect_append_only(regclass,text)', 'void', 'c', 'v', false, 'u', false, false, NULL, true),
	('protect_balance(regclass,name[],name,regclass,name,name,name,name,name,text[],text[],text[],text[],text)', 'void', 'c', 'v', false, 'u', false, false, NULL, true),
	('protect_balance(regclass,text,name,regclass,name,name,name,name,name,text[],text[],text[],text[],text)', 'void', 'c', 'v', false, 'u', false, false, NULL, true),
	('protect_columns(regclass,name[],text[],text)', 'void', 'c', 'v', false, 'u', false, false, NULL, true),
	('protect_entries(regclass,text,name,name,name,name,name,text[],text[],text,integer,boolean,name[],jsonb,numeric,name[],text)', 'void', 'c', 'v', false, 'u', false, false, NULL, true),
	('protect_ledger(regclass,name[],name[],name,name,name,name[],name,name,text[],text[],text,integer,boolean,name[],boolean,jsonb,name[],text)', 'void', 'c', 'v', false, 'u', false, false, NULL, true),
	('protect_ledger(regclass,text,text,name,name,name,text,name,name,text[],text[],text,integer,boolean,name[],boolean,jsonb,name[],text)', 'void', 'c', 'v', false, 'u', false, false, NULL, true),
	('protect_payment(regclass,name,name,name,name,text[],text[],text,name[],text,name,numeric,text[],jsonb,text)', 'void', 'c', 'v', false, 'u', false, false, NULL, true),
	('protect_refund(regclass,regclass,name[],name,name,name,text[],text[],name,name,name[],name[],text[],jsonb,text,text,text[],text,text)', 'void', 'c', 'v', false, 'u', false, false, NULL, true),
	('protect_refund(regclass,regclass,text,name,name,name,text[],text[],name,name,name[],text,text[],jsonb,text,text,text[],text,text)', 'void', 'c', 'v', false, 'u', false, false, NULL, true),
	('protect_row_lock(regclass,name[],text)', 'void', 'c', 'v', false, 'u', false, false, NULL, true),
	('protect_status(regclass,name,text,text[],text[],text)', 'void', 'c', 'v', false, 'u', false, false, NULL, true),
	('redact(jsonb)', 'jsonb', 'c', 'i', true, 's', false, false, NULL, true),
	('redact(text)', 'text', 'c', 'i', true, 's', false, false, NULL, true),
	('reserve(regclass,text,numeric,interval,text,text)', 'bigint', 'c', 'v', false, 'u', false, false, NULL, true),
	('rule_columns(text,jsonb)', 'text[]', 'c', 's', true, 's', false, false, NULL, true),
	('rule_text(text,regclass,jsonb)', 'text', 'c', 's', false, 's', false, false, NULL, true),
	('set_currency(text,integer)', 'void', 'c', 'v', true, 'u', false, false, NULL, false),
	('set_refund_threshold(regclass,text,numeric,integer,interval,interval)', 'void', 'c', 'v', true, 'u', false, false, NULL, true),
	('status_diagram(regclass)', 'text', 'c', 's', true, 'u', false, false, NULL, true),
	('transition(regclass,text,text,text)', 'boolean', 'c', 'v', true, 'u', false, false, NULL, true),
	('reconcile(regclass)', 'SETOF record', 'c', 's', true, 'u', true, false, '{"search_path=pg_catalog, pg_temp"}', false),
	('check_extension()', 'SETOF record', 'sql', 'v', false, 'u', false, false, '{"search_path=pg_catalog, pg_temp"}', false),
	('check_library()', 'SETOF record', 'sql', 'v', false, 'u', false, false, '{"search_path=pg_catalog, pg_temp"}', false),
	('seen_statuses(regclass,name,regclass,name,name,name)', 'SETOF record', 'c', 'v', false, 'u', false, false, '{"search_path=pg_catalog, pg_temp"}', true),
	('suggest_machine(regclass,name,regclass,name,name,name)', 'text', 'sql', 'v', false, 'u', false, false, '{"search_path=pg_catalog, pg_temp"}', true),
	('suggest(regclass)', 'SETOF record', 'sql', 'v', false, 'u', false, false, '{"search_path=pg_catalog, pg_temp"}', true),
	('suggest_schema(regnamespace)', 'text', 'sql', 'v', false, 'u', false, false, '{"search_path=pg_catalog, pg_temp"}', true),
	('check_names()', 'SETOF record', 'sql', 'v', false, 'u', false, false, '{"search_path=pg_catalog, pg_temp"}', false),
	('check_partitions()', 'SETOF record', 'sql', 'v', false, 'u', false, false, '{"search_path=pg_catalog, pg_temp"}', false),
	('check_roles()', 'SETOF record', 'sql', 'v', false, 'u', false, false, '{"search_path=pg_catalog, pg_temp"}', false),
	('check_rules()', 'SETOF record', 'sql', 'v', false, 'u', false, false, '{"search_path=pg_catalog, pg_temp"}', false),
	('check_settings()', 'SETOF record', 'sql', 'v', false, 'u', false, false, '{"search_path=pg_catalog, pg_temp"}', false),
	('check_tables()', 'SETOF record', 'sql', 'v', false, 'u', false, false, '{"search_path=pg_catalog, pg_temp"}', false),
	('check_work()', 'SETOF record', 'sql', 'v', false, 'u', false, false, '{"search_path=pg_catalog, pg_temp"}', false),
	('has_rows(regclass)', 'boolean', 'c', 'v', true, 'u', false, false, NULL, false),
	('key_trouble(integer)', 'text', 'c', 'v', true, 'u', false, false, NULL, false),
	('refusal_expire(interval)', 'bigint', 'c', 'v', true, 'u', false, false, NULL, false),
	('rule_trouble(regclass)', 'text', 'c', 'v', true, 'u', false, false, NULL, false),
	('trigger_trouble(regclass,boolean)', 'text', 'c', 'v', true, 'u', false, false, NULL, false),
	('table_definition(regclass)', 'jsonb', 'sql', 's', true, 's', false, false, '{"search_path=pg_catalog, pg_temp"}', true),
	('set_idempotency(text,text[],interval,interval,boolean)', 'void', 'c', 'v', false, 'u', false, false, NULL, false),
	('payload_in(cstring)', 'paysafe.payload', 'c', 's', true, 's', false, false, NULL, true),
	('payload_out(paysafe.payload)', 'cstring', 'c', 's', true, 's', false, false, NULL, true),
	('payload_recv(internal)', 'paysafe.payload', 'c', 's', true, 's', false, false, NULL, true),
	('payload_send(paysafe.payload)', 'bytea', 'c', 's', true, 's', false, false, NULL, true),
	('payload_of_text(text)', 'paysafe.payload', 'c', 's', true, 's', false, false, NULL, true),
	('payload_of_text(character)', 'paysafe.payload', 'c', 's', true, 's', false, false, NULL, true),
	('payload_of_text(json)', 'paysafe.payload', 'c', 's', true, 's', false, false, NULL, true),
	('payload_of_jsonb(jsonb)', 'paysafe.payload', 'c', 's', true, 's', false, false, NULL, true),
	('idempotency_begin(text,text,paysafe.payload,text,text,boolean)', 'record', 'c', 'v', false, 'u', false, false, NULL, false),
	('idempotency_step(text,text,integer,text,paysafe.payload,text)', 'void', 'c', 'v', false, 'u', false, false, NULL, false),
	('idempotency_finish(text,text,integer,integer,json,paysafe.payload,text)', 'boolean', 'c', 'v', false, 'u', false, false, NULL, false),
	('idempotency_fail(text,text,integer,text,text)', 'void', 'c', 'v', false, 'u', false, false, NULL, false),
	('idempotency_expire()', 'integer', 'c', 'v', false, 'u', false, false, NULL, false),
	('set_webhook_scheme(text,jsonb)', 'void', 'c', 'v', false, 'u', false, false, NULL, false),
	('set_webhook_endpoint(text,text,interval,text[],integer,integer,text,text,text,boolean,boolean,boolean)', 'void', 'c', 'v', false, 'u', false, false, NULL, false),
	('add_webhook_key(text,text,interval)', 'integer', 'c', 'v', false, 'u', false, false, NULL, false),
	('retire_webhook_key(text,integer,timestamp with time zone)', 'void', 'c', 'v', false, 'u', false, false, NULL, false),
	('webhook_accept(text,jsonb,paysafe.payload,text)', 'record', 'c', 'v', false, 'u', false, false, NULL, false),
	('webhook_verify(text,jsonb,paysafe.payload,timestamp with time zone)', 'record', 'c', 's', false, 'u', false, false, NULL, false),
	('protect_secret(regclass,name[],text)', 'void', 'c', 'v', false, 'u', false, false, NULL, true),
	('encrypt(regclass,name,text,bytea)', 'bytea', 'c', 'v', false, 'u', false, false, NULL, false),
	('encrypt_text(regclass,name,text,text)', 'bytea', 'c', 'v', false, 'u', false, false, NULL, false),
	('decrypt(regclass,name,text,bytea)', 'bytea', 'c', 's', false, 'u', false, false, NULL, false),
	('decrypt_text(regclass,name,text,bytea)', 'text', 'c', 's', false, 'u', false, false, NULL, false),
	('blind_index(regclass,name,text)', 'bytea', 'c', 's', false, 'u', false, false, NULL, false),
	('rotate_data_key(boolean)', 'integer', 'c', 'v', true, 'u', false, false, NULL, false),
	('rewrap_data_keys()', 'integer', 'c', 'v', false, 'u', false, false, NULL, false),
	('reencrypt(regclass,name,integer)', 'integer', 'c', 'v', false, 'u', false, false, NULL, false),
	('fernet_decrypt(text,text,interval,timestamp with time zone)', 'bytea', 'c', 's', false, 'u', false, false, NULL, false),
	('sealed_by(bytea)', 'integer', 'c', 'i', true, 's', false, false, NULL, true),
	('webhook_failures(interval)', 'SETOF record', 'sql', 's', true, 's', true, false, '{"search_path=pg_catalog, pg_temp"}', false),
	('ip_is_public(inet)', 'boolean', 'c', 'i', true, 's', false, false, NULL, true),
	('mask_url(text)', 'text', 'c', 'i', true, 's', false, false, NULL, true),
	('url_check(text)', 'record', 'c', 'i', true, 's', false, false, NULL, true),
	('set_queue(text,text,integer,interval,interval)', 'void', 'c', 'v', false, 'u', false, false, NULL, false),
	('queue_expire(interval)', 'integer', 'c', 'v', false, 'u', false, false, NULL, false),
	('inbox_add(text,text,text,jsonb,paysafe.payload)', 'bigint', 'c', 'v', false, 'u', false, false, NULL, false),
	('inbox_claim(text,integer,interval)', 'SETOF record', 'c', 'v', false, 'u', false, false, NULL, false),
	('inbox_done(bigint,integer)', 'void', 'c', 'v', false, 'u', false, false, NULL, false),
	('inbox_retry(bigint,integer,text,boolean)', 'timestamp with time zone', 'c', 'v', false, 'u', false, false, NULL, false),
	('inbox_revive(bigint,text)', 'void', 'c', 'v', false, 'u', false, false, NULL, false),
	('inbox_dismiss(bigint,text)', 'void', 'c', 'v', false, 'u', false, false, NULL, false),
	('set_webhook_destination(text,paysafe.webhook_url,text,boolean)', 'void', 'c', 'v', false, 'u', false, false, NULL, false),
	('add_destination_key(text,text,interval)', 'record', 'c', 'v', false, 'u', false, false, NULL, false),
	('retire_destination_key(text,integer,timestamp with time zone)', 'void', 'c', 'v', false, 'u', false, false, NULL, false),
	('webhook_sign(text,text,timestamp with time zone,paysafe.payload)', 'text', 'c', 'v', false, 'u', false, false, NULL, false),
	('outbox_add(text,text,paysafe.payload,text)', 'text', 'c', 'v', false, 'u', false, false, NULL, false),
	('outbox_claim(text,integer,interval)', 'SETOF record', 'c', 'v', false, 'u', false, false, NULL, false),
	('outbox_done(bigint,integer,integer)', 'void', 'c', 'v', false, 'u', false, false, NULL, false),
	('outbox_retry(bigint,integer,text,integer,boolean)', 'timestamp with time zone', 'c', 'v', false, 'u', false, false, NULL, false),
	('outbox_revive(bigint,text)', 'void', 'c', 'v', false, 'u', false, false, NULL, false),
	('outbox_dismiss(bigint,text)', 'void', 'c', 'v', false, 'u', false, false, NULL, false),
	('void_reservation(bigint,text)', 'void', 'c', 'v', false, 'u', false, false, NULL, true),
	('unprotect(regclass,text,text)', 'void', 'c', 'v', true, 'u', false, false, NULL, true),
	('withdraw_approval(bigint,text)', 'void', 'c', 'v', true, 'u', false, false, NULL, false);

CREATE TEMP VIEW function_found AS
	SELECT replace(p.oid::regprocedure::text, 'paysafe.' || p.proname, p.proname) AS signature,
		   pg_get_function_result(p.oid) AS result, l.lanname::text AS language,
		   p.provolatile AS volatile, p.proisstrict AS strict, p.proparallel AS parallel,
		   p.prosecdef AS definer, p.proleakproof AS leakproof, p.proconfig::text AS settings,
		   EXISTS (SELECT 1 FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
					WHERE a.grantee = 0) AS everybody
	  FROM member m JOIN pg_proc p ON m.classid = 'pg_proc'::regclass AND m.objid = p.oid
		   JOIN pg_language l ON l.oid = p.prolang;

SELECT set_eq('SELECT signature FROM function_found', 'SELECT signature FROM function_expected', 'functions');
SELECT set_eq(
	'SELECT f::text COLLATE "C" FROM function_found f',
	'SELECT f::text COLLATE "C" FROM function_expected f',
	'each function as it should be declared');
SELECT is_empty(
	$$SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = 'paysafe'::regnamespace
	   AND NOT EXISTS (SELECT 1 FROM member m WHERE m.classid = 'pg_proc'::regclass AND m.objid = p.oid)$$,
	'no function in the schema that is not a member');

-- who may do what with tables, views and the sequence, beside the owner
SELECT set_eq(
	$$SELECT c.relname || ': ' || a.privilege_type
		FROM member m JOIN pg_class c ON m.classid = 'pg_class'::regclass AND m.objid = c.oid,
			 aclexplode(coalesce(c.relacl, acldefault(CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", c.relowner))) a
	   WHERE a.grantee <> c.relowner$$,
	ARRAY[
		'currency: SELECT',
		'pending_approval: SELECT',
		'pending_change: SELECT',
		'protection: SELECT',
		'refusal_log: SELECT',
		'rule: SELECT',
		'test_database: SELECT',
		'fixture_block: SELECT'],
	'privileges on tables and views beside the owner''s');
SELECT is_empty(
	$$SELECT c.relname, a.attname FROM member m JOIN pg_class c ON m.classid = 'pg_class'::regclass AND m.objid = c.oid
		JOIN pg_attribute a ON a.attrelid = c.oid WHERE a.attacl IS NOT NULL$$,
	'no privileges on columns');
SELECT set_eq(
	$$SELECT CASE WHEN a.grantee = 0 THEN 'public' ELSE 'owner' END || ': ' || a.privilege_type
		FROM pg_namespace n, aclexplode(n.nspacl) a WHERE n.nspname = 'paysafe'$$,
	ARRAY['owner: CREATE', 'owner: USAGE', 'public: USAGE'],
	'privileges on the schema');

SELECT is_empty(
	$$SELECT m.description FROM member m
		LEFT JOIN pg_proc p ON m.classid = 'pg_proc'::regclass AND m.objid = p.oid
		LEFT JOIN pg_class c ON m.classid = 'pg_class'::regclass AND m.objid = c.oid
		LEFT JOIN pg_namespace n ON m.classid = 'pg_namespace'::regclass AND m.objid = n.oid
		LEFT JOIN pg_type t ON m.classid = 'pg_type'::regclass AND m.objid = t.oid
	   WHERE m.classid <> 'pg_cast'::regclass /* which has no owner */
		 AND coalesce(p.proowner, c.relowner, n.nspowner, t.typowner) IS DISTINCT FROM
			 (SELECT extowner FROM pg_extension WHERE extname = 'paysafe')$$,
	'the owner of the extension owns every member');

SELECT * FROM finish();
ROLLBACK;
