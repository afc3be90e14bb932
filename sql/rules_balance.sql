-- Balances

CREATE SEQUENCE paysafe.balance_stripe_id_seq;
COMMENT ON SEQUENCE paysafe.balance_stripe_id_seq IS 'numbers stripes';

CREATE TABLE paysafe.balance_stripe (
	id bigint NOT NULL,
	relation regclass NOT NULL,
	account text COLLATE "C" NOT NULL,
	currency text COLLATE "C" NOT NULL,
	number int NOT NULL,
	PRIMARY KEY (relation, account, currency, number)
);
COMMENT ON TABLE paysafe.balance_stripe IS 'parts of accounts that move one transaction at a time';
COMMENT ON COLUMN paysafe.balance_stripe.number IS '0: the account''s row has the balance; otherwise it is the sum of the stripes';

CREATE TABLE paysafe.balance_move (
	stripe bigint NOT NULL,
	at timestamptz NOT NULL,
	number int NOT NULL,
	amount numeric NOT NULL,
	balance numeric NOT NULL,
	PRIMARY KEY (stripe, at, number)
);
COMMENT ON TABLE paysafe.balance_move IS 'what moved stripes of accounts';
COMMENT ON COLUMN paysafe.balance_move.at IS 'one moment for all moves of a transaction';
COMMENT ON COLUMN paysafe.balance_move.number IS 'of the transaction''s moves of the stripe';
COMMENT ON COLUMN paysafe.balance_move.balance IS 'of the stripe, after it moved';

CREATE VIEW paysafe.balance_history AS
	SELECT s.relation, s.account, s.currency, m.at, m.amount,
		   CASE WHEN s.number = 0 THEN m.balance END AS balance
	  FROM paysafe.balance_stripe s
		   JOIN paysafe.balance_move m ON m.stripe = s.id;
COMMENT ON VIEW paysafe.balance_history IS 'what moved accounts, and the balance after it where the account''s row has one';

CREATE SEQUENCE paysafe.reservation_id_seq;
COMMENT ON SEQUENCE paysafe.reservation_id_seq IS 'numbers reservations';

CREATE TABLE paysafe.reservation_record (
	id bigint PRIMARY KEY,
	relation regclass NOT NULL,
	account text COLLATE "C" NOT NULL,
	amount numeric NOT NULL,
	expires_at timestamptz NOT NULL,
	at timestamptz NOT NULL,
	actor text NOT NULL,
	session_user_name text NOT NULL,
	reason text,
	ticket text,
	request_id text,
	own_key text COLLATE "C",
	to_account text COLLATE "C"
);
CREATE INDEX reservation_record_account ON paysafe.reservation_record (relation, account, expires_at);
-- most reservations have neither
CREATE UNIQUE INDEX reservation_record_own_key ON paysafe.reservation_record (relation, own_key) WHERE own_key IS NOT NULL;
CREATE INDEX reservation_record_to_account ON paysafe.reservation_record (relation, to_account, expires_at) WHERE to_account IS NOT NULL;
COMMENT ON TABLE paysafe.reservation_record IS 'reservations as made; paysafe.reservation shows what became of them';
COMMENT ON COLUMN paysafe.reservation_record.own_key IS 'by which a repeated call is known';
COMMENT ON COLUMN paysafe.reservation_record.to_account IS 'whom the amount is meant for';

CREATE TABLE paysafe.reservation_post (
	reservation bigint NOT NULL,
	number int NOT NULL,
	own_key text COLLATE "C",
	amount numeric NOT NULL,
	posted numeric NOT NULL,
	final boolean NOT NULL,
	actor text NOT NULL,
	session_user_name text NOT NULL,
	at timestamptz NOT NULL,
	PRIMARY KEY (reservation, number)
);
CREATE UNIQUE INDEX reservation_post_own_key ON paysafe.reservation_post (reservation, own_key) WHERE own_key IS NOT NULL;
COMMENT ON TABLE paysafe.reservation_post IS 'parts of reservations that were posted, unless one was posted once, for all, and without a key';
COMMENT ON COLUMN paysafe.reservation_post.posted IS 'of the reservation up to then';

CREATE TABLE paysafe.reservation_end (
	reservation bigint PRIMARY KEY,
	outcome text NOT NULL,
	amount numeric NOT NULL,
	actor text NOT NULL,
	session_user_name text NOT NULL,
	reason text,
	at timestamptz NOT NULL
);
COMMENT ON TABLE paysafe.reservation_end IS 'the one end of a reservation: posted or voided';
COMMENT ON COLUMN paysafe.reservation_end.amount IS 'what was posted';

CREATE TABLE paysafe.reservation_total (
	relation regclass NOT NULL,
	account text COLLATE "C" NOT NULL,
	number bigint NOT NULL,
	reserved numeric NOT NULL,
	expired_until timestamptz NOT NULL,
	PRIMARY KEY (relation, account, number)
);
COMMENT ON TABLE paysafe.reservation_total IS 'what is reserved of accounts; the last row of an account counts';
COMMENT ON COLUMN paysafe.reservation_total.expired_until IS 'what expired by then is not in it; what expired later is';

--@own_table paysafe.balance_stripe
--@own_table paysafe.balance_move
--@own_table paysafe.reservation_record
--@own_table paysafe.reservation_post
--@own_table paysafe.reservation_end
--@own_table paysafe.reservation_total

--@keys
CREATE FUNCTION paysafe.protect_balance(
	accounts regclass,
	key_column @key,
	balance_column name,
	ledger regclass,
	minimum_column name DEFAULT NULL,
	currency_column name DEFAULT NULL,
	side_column name DEFAULT NULL,
	maximum_column name DEFAULT NULL,
	status_column name DEFAULT NULL,
	frozen text[] DEFAULT '{}',
	in_only text[] DEFAULT '{}',
	out_only text[] DEFAULT '{}',
	closed text[] DEFAULT '{}',
	kept_by text DEFAULT 'entries',
	credit_column name DEFAULT NULL,
	mode text DEFAULT 'enforce'
) RETURNS void
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_protect_balance';
COMMENT ON FUNCTION paysafe.protect_balance(regclass, @key, name, regclass, name, name, name, name, name, text[], text[], text[], text[], text, name, text) IS 'moves balances by ledger entries only, or compares them with these at COMMIT; within their limits';
--@end

CREATE FUNCTION paysafe.balance(
	account text,
	at timestamptz DEFAULT now(),
	accounts regclass DEFAULT NULL,
	currency text DEFAULT NULL
) RETURNS numeric
	LANGUAGE C STABLE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_balance';
COMMENT ON FUNCTION paysafe.balance(text, timestamptz, regclass, text) IS 'balance of an account, now or at a time that has passed';

CREATE FUNCTION paysafe.available_balance(
	account text,
	accounts regclass DEFAULT NULL,
	currency text DEFAULT NULL,
	OUT posted numeric,
	OUT pending_in numeric,
	OUT pending_out numeric,
	OUT available numeric
) RETURNS record
	LANGUAGE C STABLE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_available_balance';
COMMENT ON FUNCTION paysafe.available_balance(text, regclass, text) IS 'what an account has, and what is set aside of it and for it';

CREATE FUNCTION paysafe.trial_balance(relation regclass, at timestamptz DEFAULT now())
RETURNS TABLE (account text, currency text, debit numeric, credit numeric, balance numeric, settled boolean)
	LANGUAGE C STABLE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_trial_balance';
COMMENT ON FUNCTION paysafe.trial_balance(regclass, timestamptz) IS 'the balances of all accounts of a table or a ledger, now or at a time that has passed';

CREATE FUNCTION paysafe.statement(
	account text,
	starts_at timestamptz,
	ends_at timestamptz DEFAULT now(),
	accounts regclass DEFAULT NULL,
	currency text DEFAULT NULL
) RETURNS TABLE (line text, at timestamptz, amount numeric, balance numeric, settled boolean)
	LANGUAGE C STABLE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_statement';
COMMENT ON FUNCTION paysafe.statement(text, timestamptz, timestamptz, regclass, text) IS 'what moved an account after one time and up to another, between its balances then';

CREATE FUNCTION paysafe.balance_on(
	account text,
	day date,
	accounts regclass DEFAULT NULL,
	currency text DEFAULT NULL,
	time_zone text DEFAULT NULL,
	OUT balance numeric,
	OUT final boolean
) RETURNS record
	LANGUAGE C STABLE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_balance_on';
COMMENT ON FUNCTION paysafe.balance_on(text, date, regclass, text, text) IS 'balance of an account by posting date, at the end of a day';

CREATE FUNCTION paysafe.trial_balance_on(relation regclass, day date, time_zone text DEFAULT NULL)
RETURNS TABLE (account text, currency text, debit numeric, credit numeric, balance numeric, final boolean)
	LANGUAGE C STABLE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_trial_balance_on';
COMMENT ON FUNCTION paysafe.trial_balance_on(regclass, date, text) IS 'the balances of all accounts by posting date, at the end of a day';

CREATE FUNCTION paysafe.statement_on(
	account text,
	first_day date,
	last_day date,
	accounts regclass DEFAULT NULL,
	currency text DEFAULT NULL,
	time_zone text DEFAULT NULL
) RETURNS TABLE (line text, day date, transaction text, amount numeric, balance numeric, final boolean)
	LANGUAGE C STABLE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_statement_on';
COMMENT ON FUNCTION paysafe.statement_on(text, date, date, regclass, text, text) IS 'the entries of an account by posting date, between its balances';

CREATE FUNCTION paysafe.reserve(
	accounts regclass,
	account text,
	amount numeric,
	valid_for interval DEFAULT '7 days',
	key text DEFAULT NULL,
	to_account text DEFAULT NULL
) RETURNS bigint
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_reserve';
COMMENT ON FUNCTION paysafe.reserve(regclass, text, numeric, interval, text, text) IS 'sets an amount of an account aside until it is posted, voided or expires';

CREATE FUNCTION paysafe.post_reservation(
	id bigint,
	amount numeric DEFAULT NULL,
	final boolean DEFAULT true,
	key text DEFAULT NULL
) RETURNS numeric
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_post_reservation';
COMMENT ON FUNCTION paysafe.post_reservation(bigint, numeric, boolean, text) IS 'frees what was reserved for entries of the same transaction, which take this amount';

CREATE FUNCTION paysafe.void_reservation(id bigint, reason text DEFAULT NULL) RETURNS void
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_void_reservation';
COMMENT ON FUNCTION paysafe.void_reservation(bigint, text) IS 'gives back what was reserved';

CREATE VIEW paysafe.reservation AS
	SELECT r.id, r.relation, r.account, r.amount,
		   CASE WHEN e.outcome IS NOT NULL THEN e.outcome
				WHEN r.expires_at <= clock_timestamp() THEN 'expired'
				ELSE 'open' END AS state,
		   CASE WHEN e.outcome = 'posted' OR e.amount > 0 THEN e.amount ELSE p.posted END AS posted,
		   r.at, r.expires_at, r.actor AS by, r.session_user_name, r.reason, r.ticket, r.request_id,
		   e.at AS ended_at, e.actor AS ended_by, e.reason AS end_reason, r.own_key AS key, r.to_account,
		   CASE WHEN e.outcome IS NOT NULL OR r.expires_at <= clock_timestamp() THEN 0
				ELSE r.amount - coalesce(p.posted, 0) END AS held
	  FROM paysafe.reservation_record r
		   LEFT JOIN paysafe.reservation_end e ON e.reservation = r.id
		   LEFT JOIN LATERAL (SELECT p.posted FROM paysafe.reservation_post p WHERE p.reservation = r.id
							   ORDER BY p.number DESC LIMIT 1) p ON true;
COMMENT ON VIEW paysafe.reservation IS 'all reservations and what became of them';
