-- What rows have been through, where their values do not say

CREATE TABLE paysafe.row_mark (
	relation regclass NOT NULL,
	whole_key text COLLATE "C" NOT NULL,
	mark text NOT NULL,
	ended boolean NOT NULL,
	at timestamptz NOT NULL
);
CREATE INDEX row_mark_row ON paysafe.row_mark (relation, whole_key, mark);
COMMENT ON TABLE paysafe.row_mark IS 'rows that came back to a status from which their frozen columns could not be told';
COMMENT ON COLUMN paysafe.row_mark.whole_key IS 'the whole primary key, partition key included';
COMMENT ON COLUMN paysafe.row_mark.ended IS 'the row was deleted, or got another key';

--@own_table paysafe.row_mark
