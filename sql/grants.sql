-- Privileges: what is not granted here, the DBA grants

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA paysafe FROM PUBLIC;
REVOKE ALL ON ALL TABLES IN SCHEMA paysafe FROM PUBLIC;

-- triggers are cloned by whoever creates a partition
GRANT EXECUTE ON FUNCTION paysafe.enforce() TO PUBLIC;
GRANT EXECUTE ON FUNCTION paysafe.enforce_statement() TO PUBLIC;

-- what a policy calls runs as whoever reads; these say no more than what the session has said
GRANT EXECUTE ON FUNCTION paysafe.current_tenant_int2(), paysafe.current_tenant_int4(), paysafe.current_tenant_int8(), paysafe.current_tenant_uuid(), paysafe.current_tenant_text(), paysafe.acts_across_tenants() TO PUBLIC;
GRANT EXECUTE ON FUNCTION paysafe.of_tenant(smallint, smallint, boolean), paysafe.of_tenant(int, int, boolean), paysafe.of_tenant(bigint, bigint, boolean), paysafe.of_tenant(uuid, uuid, boolean), paysafe.of_tenant(text, text, boolean) TO PUBLIC;

-- pure, and needed by whoever writes into a table with such a constraint
GRANT EXECUTE ON FUNCTION paysafe.redact(text) TO PUBLIC;
GRANT EXECUTE ON FUNCTION paysafe.redact(jsonb) TO PUBLIC;
GRANT EXECUTE ON FUNCTION paysafe.has_card_number(text) TO PUBLIC;
GRANT EXECUTE ON FUNCTION paysafe.json_valid(paysafe.payload, paysafe.payload), paysafe.json_fault(paysafe.payload, paysafe.payload) TO PUBLIC;

-- declaring is for owners: the functions check it
GRANT EXECUTE ON FUNCTION paysafe.protect_status(regclass, name, text, text[], text[], text[], text) TO PUBLIC;
GRANT EXECUTE ON FUNCTION paysafe.protect_columns(regclass, name[], text[], text) TO PUBLIC;
GRANT EXECUTE ON FUNCTION paysafe.protect_append_only(regclass, text) TO PUBLIC;
GRANT EXECUTE ON FUNCTION paysafe.protect_tenant(regclass, name, int, text) TO PUBLIC;
GRANT EXECUTE ON FUNCTION paysafe.protect_owner(regclass, name, text, text, text) TO PUBLIC;
GRANT EXECUTE ON FUNCTION paysafe.protect_schedule(regclass, name, jsonb, name, name, name, name, text[], text), paysafe.cron_distance(text) TO PUBLIC;
--@keys
GRANT EXECUTE ON FUNCTION paysafe.protect_velocity(regclass, @key, numeric, interval, text, name, numeric, numeric, jsonb, text, text) TO PUBLIC;
--@end
GRANT EXECUTE ON FUNCTION paysafe.protect_test_rows(regclass, name[], text[], regclass, text) TO PUBLIC;
GRANT EXECUTE ON FUNCTION paysafe.protect_secret(regclass, name[], text) TO PUBLIC;
GRANT EXECUTE ON FUNCTION paysafe.protect_payload(regclass, name, paysafe.payload, text) TO PUBLIC;
GRANT EXECUTE ON FUNCTION paysafe.protect_payment(regclass, name, name, name, name, text[], text[], text, name[], text, name, numeric, text[], jsonb, text, text[], regclass[], int, text) TO PUBLIC;
--@keys
GRANT EXECUTE ON FUNCTION paysafe.protect_refund(regclass, regclass, @key, name, name, name, text[], text[], name, name, name[], @key, text[], jsonb, text, text, text[], boolean, text, int, text, name, text) TO PUBLIC;
--@end
--@keys
GRANT EXECUTE ON FUNCTION paysafe.protect_captures(regclass, regclass, @key, name, name, name, text[], name, numeric, text, name[], @key, text[], boolean, jsonb, regclass[], int, text[], text) TO PUBLIC;
--@end
--@keys
GRANT EXECUTE ON FUNCTION paysafe.protect_movements(regclass, regclass, @key, name, name, name, text[], text[], text[], text[], text[], name, text[], text[], text[], numeric, name[], @key, text[], jsonb, int, text[], text) TO PUBLIC;
--@end
GRANT EXECUTE ON FUNCTION paysafe.set_refund_threshold(regclass, text, numeric, int, interval, interval, text, text, text, text, text, text, text, interval, text) TO PUBLIC;
--@keys
GRANT EXECUTE ON FUNCTION paysafe.protect_ledger(regclass, @key, @key, name, name, name, @key, name, name, text[], text[], text, int, boolean, name[], boolean, jsonb, name[], text) TO PUBLIC;
--@end
GRANT EXECUTE ON FUNCTION paysafe.protect_entries(regclass, text, name, name, name, name, name, text[], text[], text, int, boolean, name[], jsonb, numeric, name[], text, text) TO PUBLIC;
GRANT EXECUTE ON FUNCTION paysafe.set_break_glass(regclass, interval, text, text) TO PUBLIC;
GRANT EXECUTE ON FUNCTION paysafe.close_period(regclass, date, text) TO PUBLIC;
--@keys
GRANT EXECUTE ON FUNCTION paysafe.protect_balance(regclass, @key, name, regclass, name, name, name, name, name, text[], text[], text[], text[], text, name, text) TO PUBLIC;
--@end
GRANT EXECUTE ON FUNCTION paysafe.protect_row_lock(regclass, name[], text) TO PUBLIC;
GRANT EXECUTE ON FUNCTION paysafe.audit(regclass, name[], boolean, boolean, text) TO PUBLIC;
-- what the caller may read, proposed
GRANT EXECUTE ON FUNCTION paysafe.seen_statuses(regclass, name, regclass, name, name, name, name) TO PUBLIC;
GRANT EXECUTE ON FUNCTION paysafe.suggest_machine(regclass, name, regclass, name, name, name, name) TO PUBLIC;
GRANT EXECUTE ON FUNCTION paysafe.check_suggestible(regclass) TO PUBLIC;
GRANT EXECUTE ON FUNCTION paysafe.suggest(regclass) TO PUBLIC;
GRANT EXECUTE ON FUNCTION paysafe.suggest_schema(regnamespace) TO PUBLIC;
-- does nothing but in a test database
GRANT EXECUTE ON FUNCTION paysafe.begin_fixtures(text) TO PUBLIC;
GRANT EXECUTE ON FUNCTION paysafe.end_fixtures() TO PUBLIC;
GRANT EXECUTE ON FUNCTION paysafe.unprotect(regclass, text, text) TO PUBLIC;
GRANT EXECUTE ON FUNCTION paysafe.defer_validation() TO PUBLIC;
GRANT EXECUTE ON FUNCTION paysafe.validate_rows(regclass, text) TO PUBLIC;
GRANT EXECUTE ON PROCEDURE paysafe.validate_in_parts(regclass, text, bigint) TO PUBLIC;
GRANT EXECUTE ON FUNCTION paysafe.declaration_cost(regclass) TO PUBLIC;
GRANT EXECUTE ON FUNCTION paysafe.accept_rows(regclass, text, text, text) TO PUBLIC;
GRANT EXECUTE ON FUNCTION paysafe.trust_subscription(name, regclass[], text) TO PUBLIC;
GRANT EXECUTE ON FUNCTION paysafe.distrust_subscription(name, regclass[], text) TO PUBLIC;
GRANT EXECUTE ON FUNCTION paysafe.propose(text, text) TO PUBLIC;
GRANT EXECUTE ON FUNCTION paysafe.open_maintenance(text, text, interval, regclass[]) TO PUBLIC;
GRANT EXECUTE ON FUNCTION paysafe.close_maintenance() TO PUBLIC;

-- the rules in force are no secret; these act with the caller's privileges on
-- the tables themselves: reservations need INSERT on the ledger, balances SELECT
-- on the accounts
GRANT EXECUTE ON FUNCTION paysafe.status_diagram(regclass) TO PUBLIC;
GRANT EXECUTE ON FUNCTION paysafe.table_definition(regclass) TO PUBLIC;
GRANT EXECUTE ON FUNCTION paysafe.rule_text(text, regclass, jsonb) TO PUBLIC;
GRANT EXECUTE ON FUNCTION paysafe.rule_columns(text, jsonb) TO PUBLIC;
GRANT EXECUTE ON FUNCTION paysafe.spoken_amount(regclass, numeric, text, text) TO PUBLIC;
GRANT EXECUTE ON FUNCTION paysafe.is_during(text, timestamptz) TO PUBLIC;
GRANT EXECUTE ON FUNCTION paysafe.may_approve_as(regclass, text) TO PUBLIC;
GRANT EXECUTE ON FUNCTION paysafe.transition(regclass, text, text, text) TO PUBLIC;
GRANT EXECUTE ON FUNCTION paysafe.pending_approvals() TO PUBLIC;
-- shows each session to whoever may see what it does
GRANT EXECUTE ON FUNCTION paysafe.progress_of_sessions() TO PUBLIC;
GRANT EXECUTE ON FUNCTION paysafe.balance(text, timestamptz, regclass, text) TO PUBLIC;
GRANT EXECUTE ON FUNCTION paysafe.available_balance(text, regclass, text) TO PUBLIC;
GRANT EXECUTE ON FUNCTION paysafe.trial_balance(regclass, timestamptz) TO PUBLIC;
GRANT EXECUTE ON FUNCTION paysafe.statement(text, timestamptz, timestamptz, regclass, text) TO PUBLIC;
GRANT EXECUTE ON FUNCTION paysafe.balance_on(text, date, regclass, text, text) TO PUBLIC;
GRANT EXECUTE ON FUNCTION paysafe.trial_balance_on(regclass, date, text) TO PUBLIC;
GRANT EXECUTE ON FUNCTION paysafe.statement_on(text, date, date, regclass, text, text) TO PUBLIC;
GRANT EXECUTE ON FUNCTION paysafe.post_entries(regclass, jsonb) TO PUBLIC;
GRANT EXECUTE ON FUNCTION paysafe.reserve(regclass, text, numeric, interval, text, text) TO PUBLIC;
GRANT EXECUTE ON FUNCTION paysafe.post_reservation(bigint, numeric, boolean, text) TO PUBLIC;
GRANT EXECUTE ON FUNCTION paysafe.void_reservation(bigint, text) TO PUBLIC;
GRANT SELECT ON paysafe.rule, paysafe.protection, paysafe.approval_limit, paysafe.pending_approval, paysafe.pending_change, paysafe.currency, paysafe.test_database, paysafe.fixture_block, paysafe.progress TO PUBLIC;

-- what a view calls runs as its reader; these compute from what they are given
GRANT EXECUTE ON FUNCTION paysafe.audit_image(jsonb, name, bytea, bytea) TO PUBLIC;
GRANT EXECUTE ON FUNCTION paysafe.audit_context(bytea, name) TO PUBLIC;
GRANT EXECUTE ON FUNCTION paysafe.login_state(oid, text, bytea) TO PUBLIC;
GRANT EXECUTE ON FUNCTION paysafe.required_approver_identity() TO PUBLIC;
GRANT EXECUTE ON FUNCTION paysafe.change_rejected_by(regclass, text) TO PUBLIC;
GRANT EXECUTE ON FUNCTION paysafe.approver_counts(bigint) TO PUBLIC;
GRANT EXECUTE ON FUNCTION paysafe.approval_state(regclass, text, bytea, timestamptz) TO PUBLIC;
GRANT EXECUTE ON FUNCTION paysafe.refund_approval_state(regclass, text, numeric, text, bytea, timestamptz, text) TO PUBLIC;

-- these look at nothing but their arguments
GRANT EXECUTE ON FUNCTION paysafe.payload_in(cstring), paysafe.payload_out(paysafe.payload), paysafe.payload_recv(internal), paysafe.payload_send(paysafe.payload) TO PUBLIC;
GRANT EXECUTE ON FUNCTION paysafe.payload_of_text(text), paysafe.payload_of_text(char), paysafe.payload_of_text(json), paysafe.payload_of_jsonb(jsonb) TO PUBLIC;
GRANT EXECUTE ON FUNCTION paysafe.url_check(text) TO PUBLIC;
GRANT EXECUTE ON FUNCTION paysafe.ip_is_public(inet) TO PUBLIC;
GRANT EXECUTE ON FUNCTION paysafe.mask_url(text) TO PUBLIC;
GRANT EXECUTE ON FUNCTION paysafe.api_key_is_well_formed(text) TO PUBLIC;
GRANT EXECUTE ON FUNCTION paysafe.sealed_by(bytea) TO PUBLIC;
GRANT EXECUTE ON FUNCTION paysafe.verify_assertion(bytea, bytea, bytea, bytea, bytea, text, text[], boolean, text[]) TO PUBLIC;

GRANT EXECUTE ON FUNCTION paysafe.wait_sealed(interval) TO PUBLIC;

-- monitoring
GRANT EXECUTE ON FUNCTION paysafe.check(boolean) TO pg_monitor;
GRANT SELECT ON paysafe.refusal_log, paysafe.seal_status TO pg_monitor;
GRANT EXECUTE ON FUNCTION paysafe.seal_progress(), paysafe.throttle_state(), paysafe.locked_rows(interval), paysafe.row_key_at(regclass, tid), paysafe.meter(), paysafe.metric_line(text, text[], numeric), paysafe.metrics() TO pg_monitor;
GRANT SELECT ON paysafe.metric TO pg_monitor;
GRANT SELECT ON paysafe.checkpoint TO pg_monitor;
GRANT EXECUTE ON FUNCTION paysafe.checkpoint_is_good(text) TO pg_monitor;

-- Dumps: without these lines pg_dump would lose rules and evidence.  Rules of
-- tables that no longer exist would meet other tables under their OIDs.
--
-- What is about tables of users goes through paysafe.dumped_row (src/store/dumped.c):
-- pg_dump puts the condition behind its own SELECT, so that these rows are its too.
SELECT pg_extension_config_dump('paysafe.dumped_row', 'WHERE true
	UNION ALL SELECT ''rule'', pg_catalog.to_jsonb(r) FROM paysafe.rule r WHERE EXISTS (SELECT 1 FROM pg_catalog.pg_class c WHERE c.oid = r.relation)
	UNION ALL SELECT ''threshold'', pg_catalog.to_jsonb(r) FROM paysafe.threshold r WHERE EXISTS (SELECT 1 FROM pg_catalog.pg_class c WHERE c.oid = r.relation)
	UNION ALL SELECT ''refund_event'', pg_catalog.to_jsonb(r) FROM paysafe.refund_event r WHERE EXISTS (SELECT 1 FROM pg_catalog.pg_class c WHERE c.oid = r.relation)
	UNION ALL SELECT ''row_mark'', pg_catalog.to_jsonb(r) FROM paysafe.row_mark r WHERE EXISTS (SELECT 1 FROM pg_catalog.pg_class c WHERE c.oid = r.relation)
	UNION ALL SELECT ''closed_period'', pg_catalog.to_jsonb(r) FROM paysafe.closed_period r WHERE EXISTS (SELECT 1 FROM pg_catalog.pg_class c WHERE c.oid = r.relation)
	UNION ALL SELECT ''balance_stripe'', pg_catalog.to_jsonb(r) FROM paysafe.balance_stripe r WHERE EXISTS (SELECT 1 FROM pg_catalog.pg_class c WHERE c.oid = r.relation)
	UNION ALL SELECT ''reservation_record'', pg_catalog.to_jsonb(r) FROM paysafe.reservation_record r WHERE EXISTS (SELECT 1 FROM pg_catalog.pg_class c WHERE c.oid = r.relation)
	UNION ALL SELECT ''captured_total'', pg_catalog.to_jsonb(r) FROM paysafe.captured_total r WHERE EXISTS (SELECT 1 FROM pg_catalog.pg_class c WHERE c.oid = r.relation)
	UNION ALL SELECT ''reservation_total'', pg_catalog.to_jsonb(r) FROM paysafe.reservation_total r WHERE EXISTS (SELECT 1 FROM pg_catalog.pg_class c WHERE c.oid = r.relation)
	UNION ALL SELECT ''approval_record'', pg_catalog.to_jsonb(r) FROM paysafe.approval_record r WHERE EXISTS (SELECT 1 FROM pg_catalog.pg_class c WHERE c.oid = r.relation)
	UNION ALL SELECT ''rejection_record'', pg_catalog.to_jsonb(r) FROM paysafe.rejection_record r WHERE EXISTS (SELECT 1 FROM pg_catalog.pg_class c WHERE c.oid = r.relation)
	UNION ALL SELECT ''break_glass_setting'', pg_catalog.to_jsonb(r) FROM paysafe.break_glass_setting r WHERE EXISTS (SELECT 1 FROM pg_catalog.pg_class c WHERE c.oid = r.relation)
	UNION ALL SELECT ''break_glass_record'', pg_catalog.to_jsonb(r) FROM paysafe.break_glass_record r WHERE EXISTS (SELECT 1 FROM pg_catalog.pg_class c WHERE c.oid = r.relation)
	UNION ALL SELECT ''breach_record'', pg_catalog.to_jsonb(r) FROM paysafe.breach_record r WHERE EXISTS (SELECT 1 FROM pg_catalog.pg_class c WHERE c.oid = r.relation)
	UNION ALL SELECT ''accepted_row'', pg_catalog.to_jsonb(r) FROM paysafe.accepted_row r WHERE EXISTS (SELECT 1 FROM pg_catalog.pg_class c WHERE c.oid = r.relation)
	UNION ALL SELECT ''refund_request'', pg_catalog.to_jsonb(r) FROM paysafe.refund_request r WHERE EXISTS (SELECT 1 FROM pg_catalog.pg_class c WHERE c.oid = r.relation)
	UNION ALL SELECT ''refund_flow'', pg_catalog.to_jsonb(r) FROM paysafe.refund_flow r WHERE EXISTS (SELECT 1 FROM pg_catalog.pg_class c WHERE c.oid = r.relation)
	UNION ALL SELECT ''proposal_record'', pg_catalog.to_jsonb(r) FROM paysafe.proposal_record r WHERE r.relation IS NULL OR EXISTS (SELECT 1 FROM pg_catalog.pg_class c WHERE c.oid = r.relation)
	UNION ALL SELECT ''maintenance_record'', pg_catalog.to_jsonb(r) FROM paysafe.maintenance_record r');
SELECT pg_extension_config_dump('paysafe.balance_move', '');
SELECT pg_extension_config_dump('paysafe.balance_stripe_id_seq', '');
SELECT pg_extension_config_dump('paysafe.reservation_end', '');
SELECT pg_extension_config_dump('paysafe.reservation_post', '');
SELECT pg_extension_config_dump('paysafe.reservation_id_seq', '');
SELECT pg_extension_config_dump('paysafe.proposal_id_seq', '');
SELECT pg_extension_config_dump('paysafe.approval_end', '');
SELECT pg_extension_config_dump('paysafe.rejection_end', '');
SELECT pg_extension_config_dump('paysafe.rejection_id_seq', '');
SELECT pg_extension_config_dump('paysafe.approver_setting', '');
SELECT pg_extension_config_dump('paysafe.break_glass_review', '');
SELECT pg_extension_config_dump('paysafe.break_glass_setting_id_seq', '');
SELECT pg_extension_config_dump('paysafe.approver_setting_id_seq', '');
SELECT pg_extension_config_dump('paysafe.breach_settlement', '');
SELECT pg_extension_config_dump('paysafe.breach_id_seq', '');
SELECT pg_extension_config_dump('paysafe.refund_request_id_seq', '');
SELECT pg_extension_config_dump('paysafe.approval_id_seq', '');
SELECT pg_extension_config_dump('paysafe.currency', 'WHERE NOT iso');
SELECT pg_extension_config_dump('paysafe.audit_shape', '');
SELECT pg_extension_config_dump('paysafe.audit_key', '');
SELECT pg_extension_config_dump('paysafe.seal_log', '');
SELECT pg_extension_config_dump('paysafe.seal_transaction', '');
SELECT pg_extension_config_dump('paysafe.seal_tile', '');
SELECT pg_extension_config_dump('paysafe.seal_finding', '');
SELECT pg_extension_config_dump('paysafe.refusal_record', '');
SELECT pg_extension_config_dump('paysafe.retention_record', '');
SELECT pg_extension_config_dump('paysafe.hold_record', '');
SELECT pg_extension_config_dump('paysafe.hold_end', '');
SELECT pg_extension_config_dump('paysafe.retention_id_seq', '');
SELECT pg_extension_config_dump('paysafe.maintenance_end', '');
SELECT pg_extension_config_dump('paysafe.maintenance_change', '');
SELECT pg_extension_config_dump('paysafe.maintenance_id_seq', '');
SELECT pg_extension_config_dump('paysafe.data_key', '');
SELECT pg_extension_config_dump('paysafe.idempotency_endpoint', '');
SELECT pg_extension_config_dump('paysafe.idempotency_key', '');
SELECT pg_extension_config_dump('paysafe.api_key_record', '');
SELECT pg_extension_config_dump('paysafe.api_key_end', '');
SELECT pg_extension_config_dump('paysafe.api_key_use', '');
SELECT pg_extension_config_dump('paysafe.api_key_id_seq', '');
SELECT pg_extension_config_dump('paysafe.passkey_record', '');
SELECT pg_extension_config_dump('paysafe.passkey_end', '');
SELECT pg_extension_config_dump('paysafe.passkey_use', '');
SELECT pg_extension_config_dump('paysafe.passkey_assertion', '');
SELECT pg_extension_config_dump('paysafe.passkey_id_seq', '');
SELECT pg_extension_config_dump('paysafe.inbox_event', '');
SELECT pg_extension_config_dump('paysafe.inbox_event_id_seq', '');
SELECT pg_extension_config_dump('paysafe.outbox_event', '');
SELECT pg_extension_config_dump('paysafe.outbox_event_id_seq', '');
SELECT pg_extension_config_dump('paysafe.queue_setting', '');
SELECT pg_extension_config_dump('paysafe.queue_note', '');
SELECT pg_extension_config_dump('paysafe.queue_note_id_seq', '');
SELECT pg_extension_config_dump('paysafe.webhook_destination', '');
SELECT pg_extension_config_dump('paysafe.destination_key', '');
SELECT pg_extension_config_dump('paysafe.outbox_attempt', '');
SELECT pg_extension_config_dump('paysafe.webhook_scheme', 'WHERE NOT builtin');
SELECT pg_extension_config_dump('paysafe.webhook_endpoint', '');
SELECT pg_extension_config_dump('paysafe.webhook_key', '');
SELECT pg_extension_config_dump('paysafe.webhook_schema_record', '');
SELECT pg_extension_config_dump('paysafe.webhook_seen', '');
SELECT pg_extension_config_dump('paysafe.webhook_latest', '');
SELECT pg_extension_config_dump('paysafe.seal_checkpoint', '');
SELECT pg_extension_config_dump('paysafe.seal_cosignature', '');
SELECT pg_extension_config_dump('paysafe.seal_policy', '');
SELECT pg_extension_config_dump('paysafe.person_record', '');
SELECT pg_extension_config_dump('paysafe.person_alias_record', '');
SELECT pg_extension_config_dump('paysafe.person_state', '');
SELECT pg_extension_config_dump('paysafe.person_group', '');
SELECT pg_extension_config_dump('paysafe.person_setting', '');
SELECT pg_extension_config_dump('paysafe.delegation_record', '');
SELECT pg_extension_config_dump('paysafe.delegation_end', '');
SELECT pg_extension_config_dump('paysafe.delegation_id_seq', '');
SELECT pg_extension_config_dump('paysafe.person_id_seq', '');
SELECT pg_extension_config_dump('paysafe.token_issuer_record', '');
SELECT pg_extension_config_dump('paysafe.token_key_record', '');
SELECT pg_extension_config_dump('paysafe.token_use', '');
SELECT pg_extension_config_dump('paysafe.throttle_limit_record', '');
SELECT pg_extension_config_dump('paysafe.signal_record', '');
SELECT pg_extension_config_dump('paysafe.decision_record', '');
SELECT pg_extension_config_dump('paysafe.throttle_counter', '');
SELECT pg_extension_config_dump('paysafe.request_client_record', '');
SELECT pg_extension_config_dump('paysafe.request_key', '');
