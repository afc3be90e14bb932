# Requests of one client of the shop, for psql: kind = checkout | refund | desk | job |
# support.  A file without end; psql leaves it when traffic.state says stop.

function timed(sql) { print sql }

# a payment of :amount from its beginning to a status, as an ORM saves it: all columns
function payment(last) {
	timed("INSERT INTO shop.payment (amount, customer) VALUES (:amount, 'somebody') RETURNING id AS payment \\gset")
	print "BEGIN;"
	timed("SELECT status, amount, currency, customer FROM shop.payment WHERE id = :payment FOR UPDATE;")
	timed("UPDATE shop.payment SET status = 'authorized', amount = :amount, captured = NULL, currency = 'EUR', customer = 'somebody', updated_at = now() WHERE id = :payment;")
	print "COMMIT;"
	if (last == "captured")
		timed("UPDATE shop.payment SET status = 'captured', amount = :amount, captured = :amount, currency = 'EUR', customer = 'somebody', updated_at = now() WHERE id = :payment;")
	else if (last != "authorized")
		timed("UPDATE shop.payment SET status = '" last "' WHERE id = :payment;")
}

function refund(amount) {
	timed("INSERT INTO shop.refund (payment_id, amount) VALUES (:payment, " amount ") RETURNING id AS refund \\gset")
}

function pay_back(amount) {
	timed("UPDATE shop.refund SET payment_id = :payment, amount = " amount ", currency = 'EUR', status = 'approved', note = 'calling' WHERE id = :refund;")
	timed("UPDATE shop.refund SET status = 'paid', note = 'done' WHERE id = :refund;")
}

# more than one person may give: since the release another one approves it
function large_refund() {
	print "\\if :released"
	print "BEGIN;"
	timed("SELECT paysafe.act_as('agent:17', reason => 'returned');")
	refund(80)
	print "COMMIT;"
	print "BEGIN;"
	timed("SELECT paysafe.act_as('lead:23');")
	timed("SELECT paysafe.approve('shop.refund', :'refund', 'seen');")
	print "COMMIT;"
	print "\\else"
	refund(80)
	print "\\endif"
	pay_back(80)
}

# one that was there before, opened at the desk and saved as a whole
function save_old() {
	print "SELECT CASE WHEN random() < 0.2 THEN 300 * (1 + (random() > 0.5)::int) ELSE 7 * (random() * 4000)::int + 1 END AS old \\gset"
	print "BEGIN;"
	timed("SELECT status, amount, coalesce(captured::text, '') AS captured, currency FROM shop.payment WHERE id = :old FOR UPDATE \\gset")
	timed("UPDATE shop.payment SET status = :'status', amount = :amount, captured = nullif(:'captured', '')::numeric, currency = :'currency', customer = 'met ' || now(), updated_at = now() WHERE id = :old;")
	print "COMMIT;"
}

# what nobody should do, each by itself
function wrong(i,    one) {
	one = "(SELECT p.id FROM shop.payment p WHERE p.id %% 7 = 0 AND p.id <= 30000 AND p.status = '%s' AND NOT EXISTS (SELECT 1 FROM shop.refund r WHERE r.payment_id = p.id) ORDER BY random() LIMIT 1)"
	if (i % 5 == 0) return "UPDATE shop.payment SET status = 'captured', captured = amount WHERE id = " sprintf(one, "voided")
	if (i % 5 == 1) return "UPDATE shop.payment SET amount = amount + 1 WHERE id = " sprintf(one, "captured")
	if (i % 5 == 2) return "INSERT INTO shop.refund (payment_id, amount) SELECT id, 150 FROM shop.payment WHERE id = " sprintf(one, "captured")
	if (i % 5 == 3) return "DELETE FROM shop.payment WHERE id = " sprintf(one, "captured")
	return "INSERT INTO shop.refund (payment_id, amount, status) SELECT id, 60, 'paid' FROM shop.payment WHERE id = " sprintf(one, "captured")
}

BEGIN {
	print "\\set ON_ERROR_STOP off"
	for (i = 0; i < 100000; i++) {
		print "\\timing off"
		print "SELECT stop, released, CASE WHEN enforced THEN 'enforced' ELSE 'free' END AS phase, pg_sleep(" (kind == "support" ? 0.15 : kind == "job" ? 0.5 : 0.03) ") FROM traffic.state \\gset"
		print "\\if :stop"
		print "\\q"
		print "\\endif"
		print "\\set amount 100"
		if (kind == "support") {
			print "\\echo act :phase"
			print wrong(i) ";"
			print "\\if :ERROR"
			print "\\else"
			print "\\echo act :phase':passed'"
			print "\\endif"
			continue
		}
		print "\\timing on"
		if (kind == "checkout") payment(i % 5 == 0 ? "voided" : "captured")
		if (kind == "job") payment("expired")
		if (kind == "desk") save_old()
		if (kind == "refund") {
			payment("captured")
			if (i % 4 == 3) large_refund()
			else { refund(5); pay_back(5) }
			if (i % 8 == 7) timed("UPDATE shop.payment SET status = 'refunded' WHERE id = :payment;")
		}
		print "\\echo done"
	}
}
