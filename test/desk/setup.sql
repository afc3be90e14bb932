-- The application's role names nobody: it shows tokens, and hands on what passkeys sign.
CREATE ROLE desk_app LOGIN;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO desk_app;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO desk_app;
GRANT USAGE ON SCHEMA paysafe TO desk_app;
GRANT EXECUTE ON FUNCTION paysafe.act_as_token, paysafe.approval_challenge, paysafe.approve_with_passkey,
	paysafe.reject, paysafe.withdraw_rejection, paysafe.review_challenge, paysafe.review_break_glass_with_passkey,
	paysafe.add_passkey TO desk_app;
-- what the pages show
GRANT SELECT ON paysafe.passkey, paysafe.approval, paysafe.rejection, paysafe.break_glass_use, paysafe.audit_log TO desk_app;
GRANT EXECUTE ON FUNCTION paysafe.history TO desk_app;
-- the admin's page of signals and stories
GRANT SELECT ON paysafe.signal, paysafe.decision, paysafe.inbox, paysafe.outbox TO desk_app;
GRANT EXECUTE ON FUNCTION paysafe.story, paysafe.history_of_business_id TO desk_app;
-- the proof
GRANT SELECT ON paysafe.audit_row TO desk_app;
GRANT EXECUTE ON FUNCTION paysafe.evidence, paysafe.proof(xid8, int), paysafe.audit_shape_bytes TO desk_app;

SELECT paysafe.audit('shop_refund');
SELECT paysafe.set_refund_threshold('shop_refund', 'EUR', 500, approver_identity => 'passkey');
