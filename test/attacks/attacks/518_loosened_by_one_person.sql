-- id: 518
-- role: owner
-- category: config-tamper
-- expect: must be blocked
-- how: the front door: the table's owner alone declares a laxer machine, a higher threshold, fewer gated states, or drops the rule
-- counter: loosening needs the approval of a second person
SELECT to_regprocedure('paysafe.unprotect(regclass, text, text)') IS NOT NULL AS there \gset
\if :there
SELECT paysafe.protect_status('pay.payment', 'status', paysafe.status_diagram('pay.payment') || E'\ncreated --> captured');
SELECT paysafe.set_refund_threshold('pay.refund', 'USD', 1000000);
SELECT paysafe.protect_refund('pay.refund', 'pay.payment', 'payment_id', 'amount', 'currency', 'status',
	gated => '{processed}', void => '{rejected,failed,approved}', payment_amount_column => 'captured_amount', payment_currency_column => 'currency');
SELECT paysafe.unprotect('pay.payment', 'status', 'in the way');
SELECT paysafe.unprotect('pay.payment', 'audit', 'in the way');
UPDATE pay.payment SET status = 'captured' WHERE id = 2;
UPDATE pay.refund SET status = 'approved' WHERE id = 1;
SELECT CASE WHEN (SELECT status FROM pay.payment WHERE id = 2) = 'created' AND (SELECT status FROM pay.refund WHERE id = 1) = 'requested' THEN 'HELD' ELSE 'BYPASSED' END;
\else
SELECT 'N/A';
\endif
