-- Everything paysafe knows, as text that must not depend on the version of
-- PostgreSQL or on being restored.
\pset footer off
\pset format unaligned
SET timezone = 'UTC';
SET datestyle = 'ISO';
-- a log that is restored shows every row as it was
SELECT * FROM paysafe.audit_log ORDER BY at, xid, seq;
SELECT count(*) AS rows, count(*) FILTER (WHERE paysafe.audit_leaf_check(r, s.digest) = r.leaf_check) AS verified
  FROM paysafe.audit_row r
	   CROSS JOIN LATERAL (SELECT digest FROM paysafe.audit_shape s WHERE s.id = r.shape LIMIT 1) s;
SELECT op, after FROM paysafe.history('shop.payment', '1');
SELECT relation, rule, definition, columns, reference, version, since, by, reason, ticket
  FROM paysafe.protection ORDER BY relation::text, rule;
SELECT relation, key, amount, total_within, threshold, approvals_needed, approvals_given, requested_by, requested_at
  FROM paysafe.pending_approval ORDER BY key;
SELECT id, approved_as, key, relation, rule, version, difference, before, after, requested_by, reason, ticket, requested_at FROM paysafe.pending_change;
SELECT id, relation, key, state, approver, reason, at, valid_until, payment, amount, currency, rule, identity FROM paysafe.approval ORDER BY id;
SELECT id, relation, key, payment, amount, currency, rule, state, rejected_by, reason, at, ended_at, ended_by, end_reason FROM paysafe.rejection ORDER BY id;
SELECT * FROM paysafe.person ORDER BY id;
SELECT * FROM paysafe.person_alias ORDER BY person, kind, value;
SELECT relation, rule, version, definition, valid_from, valid_until, by, approved_by FROM paysafe.rule_history h
 WHERE EXISTS (SELECT FROM pg_class c WHERE c.oid = h.relation) ORDER BY relation::text, rule, version;
SELECT * FROM paysafe.breach ORDER BY id;
SELECT * FROM paysafe.accepted ORDER BY fault;
SELECT * FROM paysafe.approval_limit ORDER BY relation::text, rule, currency, above;
SELECT * FROM paysafe.refund_event ORDER BY at, relation::text, rule, refund, whole_key, step;
SELECT * FROM paysafe.refund_flow ORDER BY relation::text, rule, per, of, at;
SELECT * FROM paysafe.captured_total ORDER BY at;
SELECT relation, until, actor, reason, ticket FROM paysafe.closed_period ORDER BY relation::text, until;
SELECT code, balance, paysafe.balance(code, accounts => 'shop.account') FROM shop.account ORDER BY code;
SELECT tenant, code, balance, paysafe.balance(tenant || ',' || code, accounts => 'shop.purse') FROM shop.purse ORDER BY tenant, code;
SELECT * FROM paysafe.balance_history ORDER BY at, account, currency, amount;
SELECT * FROM paysafe.reservation ORDER BY id;
SELECT * FROM paysafe.reservation_post ORDER BY reservation, number;
SELECT * FROM paysafe.available_balance('cash', 'shop.account');
SELECT * FROM paysafe.available_balance('sales', 'shop.account');
SELECT * FROM paysafe.currency WHERE NOT iso;
SELECT paysafe.status_diagram('shop.refund');
-- whoever is no superuser sees what its transaction's tenant may see
SELECT c.relname, c.relrowsecurity, c.relforcerowsecurity, p.polname, p.polpermissive, paysafe.tenant_trouble(c.oid)
  FROM pg_class c JOIN pg_policy p ON p.polrelid = c.oid WHERE c.relnamespace = 'shop'::regnamespace ORDER BY 1, 4;
SELECT * FROM shop.lease ORDER BY id;
