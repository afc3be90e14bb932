-- Outcomes, counted by the minute, and alarms when their shape is not what it was

CREATE TABLE paysafe.outcome_minute (
	at timestamptz NOT NULL,
	series text COLLATE "C" NOT NULL,
	segment text COLLATE "C" NOT NULL,
	good bigint NOT NULL,
	bad bigint NOT NULL
);
CREATE INDEX outcome_minute_series ON paysafe.outcome_minute (series, segment, at);
COMMENT ON TABLE paysafe.outcome_minute IS 'outcomes of a week, by the minute; nothing stands for a minute without any';

CREATE TABLE paysafe.outcome_hour (
	at timestamptz NOT NULL,
	series text COLLATE "C" NOT NULL,
	segment text COLLATE "C" NOT NULL,
	good bigint NOT NULL,
	bad bigint NOT NULL
);
CREATE INDEX outcome_hour_series ON paysafe.outcome_hour (series, segment, at);
COMMENT ON TABLE paysafe.outcome_hour IS 'older outcomes, by the hour';

CREATE TABLE paysafe.alarm_state (
	series text COLLATE "C" NOT NULL,
	segment text COLLATE "C" NOT NULL,
	at timestamptz NOT NULL,
	state bytea NOT NULL,
	PRIMARY KEY (series, segment)
);
COMMENT ON TABLE paysafe.alarm_state IS 'what is usual of each series, as it was known within the last hour';

CREATE TABLE paysafe.alarm_record (
	at timestamptz NOT NULL,
	series text COLLATE "C" NOT NULL,
	segment text COLLATE "C" NOT NULL,
	kind text COLLATE "C" NOT NULL,
	event text COLLATE "C" NOT NULL,
	figures jsonb NOT NULL
);
CREATE INDEX alarm_record_series ON paysafe.alarm_record (series, segment, kind, at);
COMMENT ON TABLE paysafe.alarm_record IS 'alarms that have opened and closed; paysafe.alarm has them together';

--@own_table paysafe.outcome_minute
--@own_table paysafe.outcome_hour
--@own_table paysafe.alarm_state
--@own_table paysafe.alarm_record

CREATE FUNCTION paysafe.note_outcome(
	series text,
	segment text,
	ok boolean,
	count int DEFAULT 1
) RETURNS void
	LANGUAGE C VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'paysafe_note_outcome';
COMMENT ON FUNCTION paysafe.note_outcome(text, text, boolean, int) IS 'counts how something came out, for alarms; it stays counted when the transaction rolls back';

CREATE FUNCTION paysafe.alarms_in(
	good bigint[],
	bad bigint[],
	series int DEFAULT 1,
	OUT minute int,
	OUT kind text,
	OUT event text,
	OUT figures jsonb
) RETURNS SETOF record
	LANGUAGE C IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'paysafe_alarms_in';
COMMENT ON FUNCTION paysafe.alarms_in(bigint[], bigint[], int) IS 'what alarms would have said of outcomes, a number a minute from a Monday''s 0 o''clock on, as one of so many series';

CREATE VIEW paysafe.outcome AS
	SELECT m.at, interval '1 minute' AS period, m.series, m.segment, m.good, m.bad FROM paysafe.outcome_minute m
	UNION ALL
	SELECT h.at, interval '1 hour', h.series, h.segment, h.good, h.bad FROM paysafe.outcome_hour h;
COMMENT ON VIEW paysafe.outcome IS 'how often things came out well and badly, by the minute, and what is older by the hour';

CREATE VIEW paysafe.alarm AS
	SELECT o.series, o.segment, o.kind, o.at AS opened_at, o.figures AS opened_by,
		   c.at AS closed_at, c.event = 'learned' AS learned, c.figures AS closed_by
	  FROM paysafe.alarm_record o
	  LEFT JOIN LATERAL (SELECT r.at, r.event, r.figures FROM paysafe.alarm_record r
			WHERE r.series = o.series AND r.segment = o.segment AND r.kind = o.kind AND r.at > o.at AND r.event <> 'opened'
			ORDER BY r.at LIMIT 1) c ON true
	 WHERE o.event = 'opened';
COMMENT ON VIEW paysafe.alarm IS 'alarms, with the figures that opened and closed them; those without closed_at are open';
