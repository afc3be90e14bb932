-- Signed checkpoints of the sealed log, and who has them

CREATE TABLE paysafe.seal_checkpoint (
	incarnation int NOT NULL,
	size bigint NOT NULL,
	root bytea NOT NULL,
	at timestamptz NOT NULL,
	note text NOT NULL,
	published_at timestamptz,
	PRIMARY KEY (incarnation, size)
);
COMMENT ON TABLE paysafe.seal_checkpoint IS 'signed checkpoints, one for each size that was signed; paysafe.checkpoint shows them';
COMMENT ON COLUMN paysafe.seal_checkpoint.note IS 'as signed, without cosignatures';

--@own_table paysafe.seal_checkpoint

CREATE TABLE paysafe.seal_cosignature (
	incarnation int NOT NULL,
	size bigint NOT NULL,
	line text COLLATE "C" NOT NULL,
	witness text NOT NULL,
	at timestamptz NOT NULL
);
CREATE INDEX seal_cosignature_size ON paysafe.seal_cosignature (incarnation, size);
COMMENT ON TABLE paysafe.seal_cosignature IS 'cosignatures of witnesses, each a line of the checkpoint''s note';

--@own_table paysafe.seal_cosignature

CREATE TABLE paysafe.seal_policy (
	version int PRIMARY KEY,
	policy text NOT NULL,
	reason text NOT NULL,
	actor text NOT NULL,
	at timestamptz NOT NULL
);
COMMENT ON TABLE paysafe.seal_policy IS 'which witnesses there are, and which of them make a checkpoint good (c2sp.org/tlog-policy); the newest version is in force';

--@own_table paysafe.seal_policy

CREATE TABLE paysafe.seal_publisher (
	incarnation int NOT NULL,
	state text NOT NULL,
	detail text,
	since timestamptz NOT NULL,
	outside text
);
COMMENT ON TABLE paysafe.seal_publisher IS 'one row: how the publisher is doing, and the checkpoint that it found outside when it refused to sign; never dumped';

--@own_table paysafe.seal_publisher
