package shop;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.IntStream;

import jakarta.persistence.LockModeType;
import org.hibernate.SessionFactory;
import org.junit.jupiter.api.Test;

import shop.Database.Actor;

/** Every way in which Hibernate writes: what is right passes. */
class WritesTest extends Fixture {
	@Test
	void unitOfWork() {
		Long key = captured("100");
		DATABASE.run(Actor.NOBODY, entities -> {
			Payment payment = entities.find(Payment.class, key);
			payment.setNote("called the customer");
			payment.refund(money("30"));
			return null;
		});
		Payment payment = find(Payment.class, key);
		assertEquals("called the customer", payment.getNote());
		assertEquals(PaymentStatus.CAPTURED, payment.getStatus());
	}

	@Test
	void mergeOfAWholeRow() {
		Payment detached = find(Payment.class, captured("100"));
		detached.setNote("from a form");
		DATABASE.run(Actor.NOBODY, entities -> entities.merge(detached));
		assertEquals("from a form", find(Payment.class, detached.getId()).getNote());
	}

	@Test
	void batchInsert() {
		List<Long> wallets = wallets();
		DATABASE.run(Actor.NOBODY, entities -> {
			List<Wallet> rows = wallets.stream().map(id -> entities.getReference(Wallet.class, id)).toList();
			for (int i = 0; i < 300; i++) {
				UUID transaction = UUID.randomUUID();
				entities.persist(new LedgerEntry(transaction, rows.get(0), money("-1")));
				entities.persist(new LedgerEntry(transaction, rows.get(1), money("0.75")));
				entities.persist(new LedgerEntry(transaction, rows.get(2), money("0.25")));
			}
			return null;
		});
		assertEquals(money("-300.00"), balance(wallets.get(0)));
		Object fees = DATABASE.run(Actor.NOBODY,
				entities -> Database.call(entities, "SELECT paysafe.balance(?1)", wallets.get(2).toString()));
		assertEquals(money("75.00"), fees);
	}

	@Test
	void statelessInsertOfMany() {
		List<Long> wallets = wallets();
		UUID transaction = UUID.randomUUID();
		FACTORY.unwrap(SessionFactory.class).inStatelessTransaction(session -> {
			session.setJdbcBatchSize(50);
			Wallet ann = session.get(Wallet.class, wallets.get(0));
			Wallet bob = session.get(Wallet.class, wallets.get(1));
			session.insertMultiple(IntStream.range(0, 100).mapToObj(
					i -> new LedgerEntry(transaction, i < 50 ? ann : bob, money(i < 50 ? "-1" : "1"))).toList());
		});
		assertEquals(money("50.00"), balance(wallets.get(1)));
	}

	@Test
	void batchUpdate() {
		List<Long> keys = List.of(captured("1"), captured("2"), captured("3"));
		DATABASE.run(Actor.NOBODY, entities -> {
			for (Long key : keys)
				entities.find(Payment.class, key).setNote("checked");
			return null;
		});
		for (Long key : keys)
			assertEquals("checked", find(Payment.class, key).getNote());
	}

	@Test
	void upsertByTheProvidersKey() {
		String key = providerKey();
		for (String note : List.of("created", "card ok"))
			DATABASE.run(Actor.NOBODY, entities -> entities.createQuery("""
					insert into Payment (providerId, status, currency, amount, captured, note, updatedAt, version)
					values (:key, :status, 'EUR', :amount, 0, :note, instant, 0)
					on conflict (providerId) do update set note = excluded.note, version = version + 1""")
					.setParameter("key", key).setParameter("status", PaymentStatus.AUTHORIZED)
					.setParameter("amount", money("50")).setParameter("note", note).executeUpdate());
		assertEquals("card ok", byProvidersKey(key).getNote());
		assertEquals(1, byProvidersKey(key).getVersion());
	}

	private static Payment byProvidersKey(String key) {
		return DATABASE.run(Actor.NOBODY, entities -> entities
				.createQuery("from Payment where providerId = :key", Payment.class)
				.setParameter("key", key).getSingleResult());
	}

	@Test
	void upsertOfAnEntity() {
		GiftCard card = find(GiftCard.class, card());
		card.setBalance(money("70"));
		FACTORY.unwrap(SessionFactory.class).inStatelessTransaction(session -> session.upsert(card));
		assertEquals(money("70.00"), find(GiftCard.class, card.getId()).getBalance());
	}

	@Test
	void optimisticLock() {
		Long key = card();
		DATABASE.run(Actor.NOBODY, entities -> {
			GiftCard card = entities.find(GiftCard.class, key);
			card.setBalance(card.getBalance().subtract(money("30")));
			return null;
		});
		GiftCard card = find(GiftCard.class, key);
		assertEquals(money("70.00"), card.getBalance());
		assertEquals(1, card.getVersion());
	}

	@Test
	void lockedRow() {
		Long key = card();
		DATABASE.run(Actor.NOBODY, entities -> {
			GiftCard card = entities.find(GiftCard.class, key, LockModeType.PESSIMISTIC_WRITE);
			// by a statement, which compares no version
			return entities.createQuery("update GiftCard set balance = :new where id = :key")
					.setParameter("new", card.getBalance().add(money("50"))).setParameter("key", key).executeUpdate();
		});
		assertEquals(money("150.00"), find(GiftCard.class, key).getBalance());
	}

	@Test
	void computedByTheDatabase() {
		Long key = card();
		DATABASE.run(Actor.NOBODY, entities -> entities
				.createQuery("update versioned GiftCard set balance = balance + :more where id = :key")
				.setParameter("more", money("50")).setParameter("key", key).executeUpdate());
		assertEquals(money("150.00"), find(GiftCard.class, key).getBalance());
	}

	@Test
	void aWalletReadBeforeItsBalanceMoved() {
		List<Long> wallets = wallets();
		Wallet detached = find(Wallet.class, wallets.get(0));
		DATABASE.run(Actor.NOBODY, entities -> Ledger.post(entities,
				Map.of(wallets.get(0), money("-5"), wallets.get(1), money("5"))));
		detached.setOwner("Ann");
		DATABASE.run(Actor.NOBODY, entities -> entities.merge(detached));
		assertEquals(money("-5.00"), balance(wallets.get(0)));
	}

	@Test
	void deleteOfWhatMayGo() {
		Payment payment = new Payment(providerKey(), money("1"));
		DATABASE.run(Actor.NOBODY, entities -> {
			entities.persist(payment);
			return null;
		});
		DATABASE.run(Actor.NOBODY, entities -> {
			entities.remove(entities.find(Payment.class, payment.getId()));
			return null;
		});
		assertNull(find(Payment.class, payment.getId()));
	}

	/** JPA has no savepoints, and after an exception its session is not to be used: JDBC has. */
	@Test
	void theTransactionGoesOnAfterASavepoint() {
		Long key = captured("100");
		DATABASE.run(Actor.NOBODY, entities -> {
			entities.runWithConnection((Connection connection) -> {
				var savepoint = connection.setSavepoint();
				SQLException error = assertThrows(SQLException.class, () -> addRefund(connection, key, "101"));
				assertEquals("23R01", Refusal.of(error).orElseThrow().sqlState());
				connection.rollback(savepoint);
				addRefund(connection, key, "100");
			});
			return null;
		});
	}

	private static void addRefund(Connection connection, Long payment, String amount) throws SQLException {
		try (var statement = connection.prepareStatement("INSERT INTO refund (id, payment_id, status, currency, amount, updated_at, version)"
				+ " VALUES (nextval('refund_seq'), ?, 'requested', 'EUR', ?, now(), 0)")) {
			statement.setLong(1, payment);
			statement.setBigDecimal(2, money(amount));
			statement.executeUpdate();
		}
	}
}
