-- Payments and refunds

CREATE TABLE paysafe.currency (
	code text PRIMARY KEY,
	decimals smallint NOT NULL,
	iso boolean NOT NULL
);
COMMENT ON TABLE paysafe.currency IS 'decimals of currencies: ISO 4217 and what paysafe.set_currency added';
INSERT INTO paysafe.currency
	SELECT code, 2, true FROM unnest(string_to_array(
		'AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN BZD '
		'CAD CDF CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL '
		'GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR '
		'LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD '
		'PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC '
		'SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XAD XCD XCG YER ZAR '
		'ZMW ZWG', ' ')) AS code
	UNION ALL
	SELECT code, 0, true FROM unnest(string_to_array(
		'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF', ' ')) AS code
	UNION ALL
	SELECT code, 3, true FROM unnest(string_to_array('BHD IQD JOD KWD LYD OMR TND', ' ')) AS code
	UNION ALL
	SELECT code, 4, true FROM unnest(string_to_array('CLF UYW', ' ')) AS code;

CREATE TABLE paysafe.threshold (
	relation regclass NOT NULL,
	currency text NOT NULL,
	version int NOT NULL,
	amount numeric,
	approvers int NOT NULL,
	within interval NOT NULL,
	valid_for interval NOT NULL,
	since timestamptz NOT NULL,
	actor text NOT NULL,
	session_user_name text NOT NULL,
	reason text,
	ticket text,
	rule text COLLATE "C" NOT NULL,
	approver_identity text COLLATE "C",
	requester_identity text COLLATE "C",
	approver_group text COLLATE "C",
	band text COLLATE "C" NOT NULL,
	per text COLLATE "C" NOT NULL,
	approved_during text COLLATE "C",
	escalation_after interval,
	escalation_group text COLLATE "C",
	PRIMARY KEY (relation, rule, currency, band, version)
);
COMMENT ON COLUMN paysafe.threshold.amount IS 'NULL: the band was taken away';
COMMENT ON COLUMN paysafe.threshold.band IS 'which of the currency''s thresholds; empty: the one without a name';
COMMENT ON COLUMN paysafe.threshold.approved_during IS 'when approvals are given that count: times of the week in a time zone; NULL: at any time';
COMMENT ON COLUMN paysafe.threshold.escalation_after IS 'what has waited for so long, members of escalation_group may approve as well as those of approver_group';
COMMENT ON COLUMN paysafe.threshold.escalation_group IS 'NULL: nobody else, however long it waits';
COMMENT ON COLUMN paysafe.threshold.per IS 'what the sum is of: payment, beneficiary, requester';
COMMENT ON COLUMN paysafe.threshold.requester_identity IS 'how well requesters must be known: session, proven; NULL: however they are';
COMMENT ON COLUMN paysafe.threshold.approver_group IS 'of the registry: only approvals of its members count; NULL: of everybody';
COMMENT ON COLUMN paysafe.threshold.rule IS 'of refunds: a table may have several';
COMMENT ON COLUMN paysafe.threshold.approver_identity IS 'how well approvers must be known: proven, passkey; NULL: however they are';
COMMENT ON TABLE paysafe.threshold IS 'all versions of the refund thresholds; written by paysafe.set_refund_threshold only';

CREATE TABLE paysafe.refund_event (
	relation regclass NOT NULL,
	payment text COLLATE "C" NOT NULL,
	refund text COLLATE "C" NOT NULL,
	whole_key text COLLATE "C" NOT NULL,
	step int NOT NULL,
	event text NOT NULL,
	declaration int NOT NULL,
	amount numeric,
	currency text,
	actor text,
	login text NOT NULL,
	session_user_name text NOT NULL,
	approvals int NOT NULL,
	at timestamptz NOT NULL,
	columns text[],
	content bytea,
	ended_at timestamptz,
	passed_at timestamptz,
	rule text COLLATE "C" NOT NULL,
	identity text NOT NULL,
	bands text[]
);
CREATE INDEX refund_event_payment ON paysafe.refund_event (relation, rule, payment, whole_key, step);
CREATE INDEX refund_event_ended ON paysafe.refund_event (relation, rule, payment, ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX refund_event_passed ON paysafe.refund_event (relation, rule, payment, passed_at) WHERE passed_at IS NOT NULL;
COMMENT ON TABLE paysafe.refund_event IS 'the lives of refunds: who requested one, when it passed the approval gate, when it was void or deleted';
COMMENT ON COLUMN paysafe.refund_event.refund IS 'the key, as paysafe.approve takes it';
COMMENT ON COLUMN paysafe.refund_event.currency IS 'its own, or that of its payment then';
COMMENT ON COLUMN paysafe.refund_event.ended_at IS '"at" of what was void or went back before the gate: has anything been, lately?';
COMMENT ON COLUMN paysafe.refund_event.passed_at IS '"at" of what passed the gate, or was paid out without: what has, lately?';
COMMENT ON COLUMN paysafe.refund_event.whole_key IS 'the whole primary key, partition key included';
COMMENT ON COLUMN paysafe.refund_event.step IS 'counts the events of a key';
COMMENT ON COLUMN paysafe.refund_event.declaration IS 'the first version of the refund rule that was in force then';
COMMENT ON COLUMN paysafe.refund_event.columns IS 'those that the approvals were of and that had a value';
COMMENT ON COLUMN paysafe.refund_event.content IS 'SHA-256 of what they said';
COMMENT ON COLUMN paysafe.refund_event.identity IS 'how well it was known who acted: none, claimed, session, proven';
COMMENT ON COLUMN paysafe.refund_event.bands IS 'of what passed: the thresholds that it was above; empty: the one without a name';
COMMENT ON COLUMN paysafe.refund_event.rule IS 'by which the row is a refund, of the payment that it says';

CREATE SEQUENCE paysafe.refund_request_id_seq;
COMMENT ON SEQUENCE paysafe.refund_request_id_seq IS 'numbers requests';

CREATE TABLE paysafe.refund_request (
	id bigint PRIMARY KEY,
	relation regclass NOT NULL,
	payment text COLLATE "C" NOT NULL,
	amount numeric NOT NULL,
	currency text NOT NULL,
	actor text,
	login text NOT NULL,
	session_user_name text NOT NULL,
	reason text NOT NULL,
	ticket text,
	request_id text,
	at timestamptz NOT NULL,
	rule text COLLATE "C" NOT NULL,
	identity text NOT NULL
);
CREATE INDEX refund_request_payment ON paysafe.refund_request (relation, rule, payment);
COMMENT ON TABLE paysafe.refund_request IS 'refunds that were asked for before their rows are there; paysafe.pending_approval shows those that wait';

CREATE SEQUENCE paysafe.refund_total_id_seq;
COMMENT ON SEQUENCE paysafe.refund_total_id_seq IS 'numbers what is kept of sums of refunds, captures and entries, in the order in which it is written';

CREATE TABLE paysafe.refund_total (
	relation regclass NOT NULL,
	payment text COLLATE "C" NOT NULL,
	id bigint NOT NULL,
	stamp bigint,
	total numeric,
	less numeric,
	rule text COLLATE "C" NOT NULL
);
CREATE INDEX refund_total_payment ON paysafe.refund_total (relation, rule, payment, id);
CREATE INDEX refund_total_newest ON paysafe.refund_total (relation, rule, payment, id) WHERE stamp IS NOT NULL;
COMMENT ON TABLE paysafe.refund_total IS 'what the refunds of payments that have many total; the last total of a payment counts, less what follows it';
COMMENT ON COLUMN paysafe.refund_total.stamp IS 'of the tables, rules and triggers as they were: where they have changed, refunds are added up anew; NULL: this is no total';
COMMENT ON COLUMN paysafe.refund_total.total IS 'at least what they total: a refund may have been voided meanwhile; NULL: they are to be added up';
COMMENT ON COLUMN paysafe.refund_total.less IS 'what a refund was of that is void, or gone';

CREATE TABLE paysafe.refund_flow (
	relation regclass NOT NULL,
	rule text COLLATE "C" NOT NULL,
	per text COLLATE "C" NOT NULL,
	of bytea NOT NULL,
	currency text COLLATE "C" NOT NULL,
	at timestamptz NOT NULL,
	amount numeric NOT NULL,
	total numeric NOT NULL,
	whole_key text COLLATE "C"
);
CREATE INDEX refund_flow_sum ON paysafe.refund_flow (relation, rule, per, of, currency, at);
CREATE INDEX refund_flow_row ON paysafe.refund_flow (relation, rule, whole_key, at);
COMMENT ON TABLE paysafe.refund_flow IS 'what has passed the gate to each beneficiary and at the request of each person, where a threshold is judged over that';
COMMENT ON COLUMN paysafe.refund_flow.per IS 'what the sum is of: beneficiary, requester';
COMMENT ON COLUMN paysafe.refund_flow.of IS 'whose it is: SHA-256 of what all spellings have in common';
COMMENT ON COLUMN paysafe.refund_flow.at IS 'when it passed; of one sum each has its own';
COMMENT ON COLUMN paysafe.refund_flow.total IS 'all of the sum until then';
COMMENT ON COLUMN paysafe.refund_flow.whole_key IS 'the whole primary key of the refund; NULL: it has no row';

CREATE TABLE paysafe.capture_total (
	relation regclass NOT NULL,
	payment text COLLATE "C" NOT NULL,
	id bigint NOT NULL,
	stamp bigint NOT NULL,
	captured numeric,
	authorized numeric,
	counted int,
	cancels int,
	currency text,
	settled boolean
);
CREATE INDEX capture_total_payment ON paysafe.capture_total (relation, payment, id);
COMMENT ON TABLE paysafe.capture_total IS 'what the captures of payments that have many come to; the last row of a payment counts, as numbered by refund_total_id_seq';
COMMENT ON COLUMN paysafe.capture_total.stamp IS 'of the tables, rules and triggers as they were: where they have changed, captures are added up anew';
COMMENT ON COLUMN paysafe.capture_total.captured IS 'NULL: they are to be added up';
COMMENT ON COLUMN paysafe.capture_total.counted IS 'how many rows count';
COMMENT ON COLUMN paysafe.capture_total.cancels IS 'how many of them cancel all that is left';
COMMENT ON COLUMN paysafe.capture_total.currency IS 'of what counts, where the rows say it';
COMMENT ON COLUMN paysafe.capture_total.settled IS 'the refunds of the group are in it, too';

CREATE TABLE paysafe.captured_total (
	relation regclass NOT NULL,
	whole_key text COLLATE "C" NOT NULL,
	step int NOT NULL,
	amount numeric,
	at timestamptz NOT NULL
);
CREATE INDEX captured_total_row ON paysafe.captured_total (relation, whole_key, step);
COMMENT ON TABLE paysafe.captured_total IS 'what payments have captured whose column falls with their refunds; the last row of a payment counts';
COMMENT ON COLUMN paysafe.captured_total.whole_key IS 'the whole primary key, partition key included';
COMMENT ON COLUMN paysafe.captured_total.amount IS 'NULL: the column says it, or the payment is gone';

--@own_table paysafe.captured_total
--@own_table paysafe.capture_total
--@own_table paysafe.refund_request
--@own_table paysafe.refund_total
--@own_table paysafe.refund_flow
--@own_table paysafe.currency
--@own_table paysafe.threshold
--@own_table paysafe.refund_event

CREATE FUNCTION paysafe.protect_payment(
	payment regclass,
	status_column name,
	amount_column name,
	captured_column name DEFAULT NULL,
	currency_column name DEFAULT NULL,
	captured text[] DEFAULT NULL,
	recorded text[] DEFAULT '{}',
	currency text DEFAULT NULL,
	currency_path name[] DEFAULT NULL,
	changes text DEFAULT NULL,
	limit_column name DEFAULT NULL,
	over_percent numeric DEFAULT NULL,
	adjustable text[] DEFAULT NULL,
	rows jsonb DEFAULT NULL,
	units text DEFAULT NULL,
	status_path text[] DEFAULT NULL,
	currency_tables regclass[] DEFAULT NULL,
	decimals int DEFAULT NULL,
	mode text DEFAULT 'enforce'
) RETURNS void
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_protect_payment';
COMMENT ON FUNCTION paysafe.protect_payment(regclass, name, name, name, name, text[], text[], text, name[], text, name, numeric, text[], jsonb, text, text[], regclass[], int, text) IS 'declares a table of payments: possible amounts, captured when captured, then frozen';

--@keys
CREATE FUNCTION paysafe.protect_refund(
	refund regclass,
	payment regclass,
	payment_column @key,
	amount_column name,
	currency_column name DEFAULT NULL,
	status_column name DEFAULT NULL,
	gated text[] DEFAULT NULL,
	void text[] DEFAULT NULL,
	payment_amount_column name DEFAULT NULL,
	payment_currency_column name DEFAULT NULL,
	unapproved_columns name[] DEFAULT NULL,
	payment_key @key DEFAULT NULL,
	recorded text[] DEFAULT '{}',
	rows jsonb DEFAULT NULL,
	amounts text DEFAULT NULL,
	units text DEFAULT NULL,
	status_path text[] DEFAULT NULL,
	deletable boolean DEFAULT false,
	currency text DEFAULT NULL,
	decimals int DEFAULT NULL,
	rule text DEFAULT NULL,
	beneficiary_column name DEFAULT NULL,
	mode text DEFAULT 'enforce'
) RETURNS void
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_protect_refund';
COMMENT ON FUNCTION paysafe.protect_refund(regclass, regclass, @key, name, name, name, text[], text[], name, name, name[], @key, text[], jsonb, text, text, text[], boolean, text, int, text, name, text) IS 'declares a table of refunds: never more than captured, a second person above a threshold; without payments, of payouts';
--@end

--@keys
CREATE FUNCTION paysafe.protect_captures(
	captures regclass,
	payment regclass,
	payment_column @key,
	amount_column name,
	currency_column name DEFAULT NULL,
	status_column name DEFAULT NULL,
	counted text[] DEFAULT NULL,
	limit_column name DEFAULT NULL,
	over_percent numeric DEFAULT NULL,
	currency text DEFAULT NULL,
	currency_path name[] DEFAULT NULL,
	payment_key @key DEFAULT NULL,
	recorded text[] DEFAULT '{}',
	deletable boolean DEFAULT false,
	rows jsonb DEFAULT NULL,
	currency_tables regclass[] DEFAULT NULL,
	decimals int DEFAULT NULL,
	status_path text[] DEFAULT NULL,
	mode text DEFAULT 'enforce'
) RETURNS void
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_protect_captures';
COMMENT ON FUNCTION paysafe.protect_captures(regclass, regclass, @key, name, name, name, text[], name, numeric, text, name[], @key, text[], boolean, jsonb, regclass[], int, text[], text) IS 'declares a table of captures: what is captured of a payment is their sum';
--@end

--@keys
CREATE FUNCTION paysafe.protect_movements(
	movements regclass,
	payment regclass,
	payment_column @key,
	type_column name,
	amount_column name,
	currency_column name,
	authorize text[] DEFAULT NULL,
	capture text[] DEFAULT NULL,
	cancel text[] DEFAULT NULL,
	refund text[] DEFAULT NULL,
	chargeback text[] DEFAULT NULL,
	status_column name DEFAULT NULL,
	counted text[] DEFAULT NULL,
	gated text[] DEFAULT NULL,
	void text[] DEFAULT NULL,
	over_percent numeric DEFAULT NULL,
	unapproved_columns name[] DEFAULT NULL,
	payment_key @key DEFAULT NULL,
	recorded text[] DEFAULT '{}',
	rows jsonb DEFAULT NULL,
	decimals int DEFAULT NULL,
	status_path text[] DEFAULT NULL,
	mode text DEFAULT 'enforce'
) RETURNS void
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_protect_movements';
COMMENT ON FUNCTION paysafe.protect_movements(regclass, regclass, @key, name, name, name, text[], text[], text[], text[], text[], name, text[], text[], text[], numeric, name[], @key, text[], jsonb, int, text[], text) IS 'declares a table of all movements of payments: refunded at most captured at most authorized';
--@end

CREATE FUNCTION paysafe.set_refund_threshold(
	refund regclass,
	currency text,
	amount numeric,
	approvers int DEFAULT 1,
	within interval DEFAULT '24 hours',
	valid_for interval DEFAULT '1 hour',
	rule text DEFAULT NULL,
	approver_identity text DEFAULT NULL,
	requester_identity text DEFAULT NULL,
	approver_group text DEFAULT NULL,
	band text DEFAULT NULL,
	per text DEFAULT 'payment',
	approved_during text DEFAULT NULL,
	escalation_after interval DEFAULT NULL,
	escalation_group text DEFAULT NULL
) RETURNS void
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_set_refund_threshold';
COMMENT ON FUNCTION paysafe.set_refund_threshold(regclass, text, numeric, int, interval, interval, text, text, text, text, text, text, text, interval, text) IS 'sets above which rolling sum approvals are needed, of a payment''s refunds, of what goes to one beneficiary or of what one person asks for, in one currency, and whose; a currency may have several bands';

CREATE FUNCTION paysafe.is_during(hours text, at timestamptz) RETURNS boolean
	LANGUAGE C STABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'paysafe_is_during';
COMMENT ON FUNCTION paysafe.is_during(text, timestamptz) IS 'is it within these times of the week, such as Mon-Fri 08:00-20:00 Europe/Berlin?';

CREATE FUNCTION paysafe.spoken_amount(refund regclass, amount numeric, currency text, rule text DEFAULT NULL) RETURNS text
	LANGUAGE C STABLE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_spoken_amount';
COMMENT ON FUNCTION paysafe.spoken_amount(regclass, numeric, text, text) IS 'an amount in the unit of a rule of refunds, as people say it: 900.00 USD, where the table has 90000';

CREATE FUNCTION paysafe.set_currency(code text, decimals int) RETURNS void
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_set_currency';
COMMENT ON FUNCTION paysafe.set_currency(text, int) IS 'declares a currency that ISO 4217 does not have';

CREATE FUNCTION paysafe.request_refund(
	refund regclass,
	payment text,
	amount numeric,
	currency text,
	reason text,
	ticket text DEFAULT NULL,
	rule text DEFAULT NULL
) RETURNS bigint
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_request_refund';
COMMENT ON FUNCTION paysafe.request_refund(regclass, text, numeric, text, text, text, text) IS 'asks for the approval of a refund before its row is there; it waits in paysafe.pending_approval';

CREATE FUNCTION paysafe.approve_refund(
	refund regclass,
	payment text,
	amount numeric,
	currency text,
	reason text,
	ticket text DEFAULT NULL,
	expires_at timestamptz DEFAULT NULL,
	rule text DEFAULT NULL
) RETURNS bigint
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_approve_refund';
COMMENT ON FUNCTION paysafe.approve_refund(regclass, text, numeric, text, text, text, timestamptz, text) IS 'approves a refund of a payment, of at most this amount, before its row is there; grant EXECUTE to application roles only';

CREATE FUNCTION paysafe.reject_refund(
	refund regclass,
	payment text,
	amount numeric,
	currency text,
	reason text,
	ticket text DEFAULT NULL,
	rule text DEFAULT NULL
) RETURNS bigint
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_reject_refund';
COMMENT ON FUNCTION paysafe.reject_refund(regclass, text, numeric, text, text, text, text) IS 'says no to refunds of a payment of this amount or more, before their rows are there; grant EXECUTE to application roles only';

CREATE FUNCTION paysafe.refund_challenge(
	refund regclass,
	payment text,
	amount numeric,
	currency text,
	rp_id text DEFAULT NULL,
	rule text DEFAULT NULL
) RETURNS jsonb
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_refund_challenge';
COMMENT ON FUNCTION paysafe.refund_challenge(regclass, text, numeric, text, text, text) IS 'as paysafe.approval_challenge, of a refund before its row is there';

CREATE FUNCTION paysafe.approve_refund_with_passkey(
	refund regclass,
	payment text,
	amount numeric,
	currency text,
	assertion jsonb,
	reason text,
	ticket text DEFAULT NULL,
	expires_at timestamptz DEFAULT NULL,
	rule text DEFAULT NULL
) RETURNS bigint
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_approve_refund_with_passkey';
COMMENT ON FUNCTION paysafe.approve_refund_with_passkey(regclass, text, numeric, text, jsonb, text, text, timestamptz, text) IS 'as paysafe.approve_refund, signed by a passkey';

CREATE FUNCTION paysafe.pending_approvals(
	OUT relation regclass,
	OUT key text,
	OUT payment text,
	OUT amount numeric,
	OUT currency text,
	OUT status text,
	OUT total_within numeric,
	OUT threshold numeric,
	OUT approvals_needed int,
	OUT approvals_given int,
	OUT requested_by text,
	OUT requested_at timestamptz,
	OUT rule text,
	OUT band text,
	OUT approver_identity text,
	OUT approver_groups text[],
	OUT requester_identity text,
	OUT rejected_by text,
	OUT changed_by text[],
	OUT per text,
	OUT approved_during text[],
	OUT escalates_at timestamptz,
	OUT escalation_groups text[]
) RETURNS SETOF record
	LANGUAGE C STABLE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_pending_approvals';
COMMENT ON FUNCTION paysafe.pending_approvals() IS 'refunds that cannot go on without approval, of the tables the caller may read';
