-- Ledgers

CREATE TABLE paysafe.closed_period (
	relation regclass NOT NULL,
	until date NOT NULL,
	at timestamptz NOT NULL,
	actor text NOT NULL,
	session_user_name text NOT NULL,
	reason text,
	ticket text,
	time_zone text,
	ended_at timestamptz,
	PRIMARY KEY (relation, until)
);
COMMENT ON TABLE paysafe.closed_period IS 'periods of ledgers that take no more entries; written by paysafe.close_period only';
COMMENT ON COLUMN paysafe.closed_period.until IS 'last day that is closed';
COMMENT ON COLUMN paysafe.closed_period.time_zone IS 'where that day ended; NULL: in UTC';
COMMENT ON COLUMN paysafe.closed_period.ended_at IS 'when it ended';

CREATE TABLE paysafe.entry_total (
	relation regclass NOT NULL,
	account text COLLATE "C" NOT NULL,
	currency text COLLATE "C" NOT NULL,
	id bigint NOT NULL,
	stamp bigint,
	total numeric,
	more numeric
);
CREATE INDEX entry_total_account ON paysafe.entry_total (relation, account, currency, id);
CREATE INDEX entry_total_newest ON paysafe.entry_total (relation, account, currency, id) WHERE stamp IS NOT NULL;
COMMENT ON TABLE paysafe.entry_total IS 'what the entries of accounts that have many sum to; the last total of an account counts, with what follows it, as numbered by refund_total_id_seq';
COMMENT ON COLUMN paysafe.entry_total.stamp IS 'of the tables, rules and triggers as they were: where they have changed, entries are added up anew; NULL: this is no total';
COMMENT ON COLUMN paysafe.entry_total.total IS 'at most what they sum to: somebody may have given meanwhile; NULL: they are to be added up';
COMMENT ON COLUMN paysafe.entry_total.more IS 'what an entry has given';

--@own_table paysafe.closed_period
--@own_table paysafe.entry_total

--@keys
CREATE FUNCTION paysafe.protect_ledger(
	relation regclass,
	transaction_column @key,
	account_column @key,
	amount_column name,
	currency_column name DEFAULT NULL,
	direction_column name DEFAULT NULL,
	reverses_column @key DEFAULT NULL,
	posting_date_column name DEFAULT NULL,
	credit_column name DEFAULT NULL,
	debits text[] DEFAULT NULL,
	credits text[] DEFAULT NULL,
	currency text DEFAULT NULL,
	decimals int DEFAULT NULL,
	zero_amounts boolean DEFAULT false,
	mutable_columns name[] DEFAULT NULL,
	closed boolean DEFAULT true,
	rows jsonb DEFAULT NULL,
	currency_path name[] DEFAULT NULL,
	mode text DEFAULT 'enforce'
) RETURNS void
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_protect_ledger';
COMMENT ON FUNCTION paysafe.protect_ledger(regclass, @key, @key, name, name, name, @key, name, name, text[], text[], text, int, boolean, name[], boolean, jsonb, name[], text) IS 'keeps a ledger append-only, each transaction balanced at COMMIT and closed afterwards';
--@end

CREATE FUNCTION paysafe.protect_entries(
	relation regclass,
	account_column text,
	amount_column name,
	currency_column name DEFAULT NULL,
	direction_column name DEFAULT NULL,
	posting_date_column name DEFAULT NULL,
	credit_column name DEFAULT NULL,
	debits text[] DEFAULT NULL,
	credits text[] DEFAULT NULL,
	currency text DEFAULT NULL,
	decimals int DEFAULT NULL,
	zero_amounts boolean DEFAULT false,
	mutable_columns name[] DEFAULT NULL,
	rows jsonb DEFAULT NULL,
	minimum numeric DEFAULT NULL,
	currency_path name[] DEFAULT NULL,
	credit_account_column text DEFAULT NULL,
	mode text DEFAULT 'enforce'
) RETURNS void
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_protect_entries';
COMMENT ON FUNCTION paysafe.protect_entries(regclass, text, name, name, name, name, name, text[], text[], text, int, boolean, name[], jsonb, numeric, name[], text, text) IS 'keeps entries of accounts append-only that are no transactions: gift cards, store credit, transfers from one account to another';

CREATE FUNCTION paysafe.close_period(ledger regclass, until date, time_zone text DEFAULT 'UTC') RETURNS void
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_close_period';
COMMENT ON FUNCTION paysafe.close_period(regclass, date, text) IS 'no posting date up to this day any more; needs a second person, and cannot be taken back';

CREATE FUNCTION paysafe.post_entries(ledger regclass, entries jsonb) RETURNS jsonb
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_post_entries';
COMMENT ON FUNCTION paysafe.post_entries(regclass, jsonb) IS 'adds the entries of a transaction, or finds them added before; returns them as stored';
