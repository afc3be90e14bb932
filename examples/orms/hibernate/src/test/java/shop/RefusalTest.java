package shop;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.function.Consumer;

import jakarta.persistence.EntityManager;
import jakarta.persistence.OptimisticLockException;
import jakarta.persistence.PersistenceException;
import jakarta.persistence.RollbackException;
import org.hibernate.SessionFactory;
import org.hibernate.exception.ConstraintViolationException;
import org.junit.jupiter.api.Test;

import shop.Database.Actor;

/** What is wrong is refused, and arrives as an exception of Hibernate's. */
class RefusalTest extends Fixture {
	private static final String STATUS = "paysafe_payment_status";
	private static final String LEDGER = "paysafe_ledger_entry_ledger";
	private static final String BALANCE = "paysafe_wallet_balance";
	private static final String ROW_LOCK = "paysafe_gift_card_row_lock";

	private static void run(Consumer<EntityManager> work) {
		DATABASE.run(Actor.NOBODY, entities -> {
			work.accept(entities);
			entities.flush();
			return null;
		});
	}

	/** As what flush() throws. */
	private static Refusal refused(String sqlState, String constraint, Consumer<EntityManager> work) {
		return refused(ConstraintViolationException.class, sqlState, constraint, () -> run(work));
	}

	@Test
	void statusSetBack() {
		Long key = captured("100");
		Refusal refusal = refused("23T01", STATUS,
				entities -> entities.find(Payment.class, key).setStatus(PaymentStatus.AUTHORIZED));
		assertEquals("status", refusal.column());
		assertTrue(refusal.message().contains("from \"captured\" to \"authorized\""));
		assertTrue(refusal.hint().contains("paysafe.status_diagram"));
	}

	@Test
	void statusSetBackByAStatement() {
		Long key = captured("100");
		refused("23T01", STATUS, entities -> entities.createQuery("update Payment set status = :status where id = :key")
				.setParameter("status", PaymentStatus.CANCELLED).setParameter("key", key).executeUpdate());
	}

	@Test
	void statusSetBackByAnUpsert() {
		Payment payment = find(Payment.class, captured("100"));
		payment.setStatus(PaymentStatus.AUTHORIZED);
		refused(ConstraintViolationException.class, "23T01", STATUS, () -> FACTORY.unwrap(SessionFactory.class)
				.inStatelessTransaction(session -> session.upsert(payment)));
	}

	@Test
	void firstStatus() {
		refused("23T02", STATUS, entities -> {
			Payment payment = new Payment(providerKey(), money("5"));
			payment.capture();
			entities.persist(payment);
		});
	}

	@Test
	void delete() {
		Long key = captured("100");
		refused("23T03", STATUS, entities -> entities.remove(entities.find(Payment.class, key)));
	}

	@Test
	void amountOfACapturedPayment() {
		Long key = captured("100");
		refused("23R03", "paysafe_payment_payment",
				entities -> entities.find(Payment.class, key).setAmount(money("9000")));
	}

	@Test
	void moreRefundsThanCaptured() {
		Long key = captured("100");
		refused("23R01", "paysafe_refund_refund", entities -> {
			Payment payment = entities.find(Payment.class, key);
			payment.refund(money("80"));
			payment.refund(money("21"));
		});
	}

	/** The dialect knows PostgreSQL's own codes only; so Refusal asks the driver. */
	@Test
	void theConstraintIsTheDrivers() {
		Long key = captured("100");
		ConstraintViolationException error = assertThrows(ConstraintViolationException.class,
				() -> run(entities -> entities.find(Payment.class, key).setStatus(PaymentStatus.CANCELLED)));
		assertEquals("23T01", error.getSQLState());
		assertNull(error.getConstraintName());
		assertEquals(STATUS, Refusal.of(error).orElseThrow().constraint());
	}

	@Test
	void atCommit() {
		Long wallet = wallets().get(0);
		Refusal refusal = refused(RollbackException.class, "23L02", LEDGER,
				() -> run(entities -> Ledger.post(entities, Map.of(wallet, money("5")))));
		assertTrue(refusal.hint() != null);
	}

	@Test
	void postedAlready() {
		List<Long> wallets = wallets();
		UUID transaction = UUID.randomUUID();
		Consumer<EntityManager> post = entities -> {
			for (int i = 0; i < 2; i++)
				entities.persist(new LedgerEntry(transaction, entities.getReference(Wallet.class, wallets.get(i)),
						money(i == 0 ? "-5" : "5")));
		};
		run(post);
		refused("23L04", LEDGER, post);
	}

	@Test
	void entryChangedOrDeleted() {
		List<Long> wallets = wallets();
		UUID transaction = DATABASE.run(Actor.NOBODY, entities -> Ledger.post(entities,
				Map.of(wallets.get(0), money("-5"), wallets.get(1), money("5"))));
		refused("23L01", LEDGER, entities -> entry(entities, transaction).setAmount(money("1")));
		refused("23L01", LEDGER, entities -> entities.remove(entry(entities, transaction)));
	}

	private static LedgerEntry entry(EntityManager entities, UUID transaction) {
		return entities.createQuery("from LedgerEntry where transaction = :id", LedgerEntry.class)
				.setParameter("id", transaction).getResultList().get(0);
	}

	@Test
	void overdraft() {
		List<Long> wallets = wallets();
		Refusal refusal = refused("23M01", BALANCE, entities -> Ledger.post(entities,
				Map.of(wallets.get(0), money("-1001"), wallets.get(2), money("1001"))));
		assertEquals("wallet", refusal.table());
	}

	@Test
	void balanceByHand() {
		Long wallet = wallets().get(0);
		refused("23M02", BALANCE, entities -> entities
				.createNativeQuery("UPDATE wallet SET balance = balance + 1 WHERE id = ?1")
				.setParameter(1, wallet).executeUpdate());
	}

	@Test
	void staleVersionIsHibernates() {
		GiftCard mine = find(GiftCard.class, card());
		run(entities -> entities.find(GiftCard.class, mine.getId()).setBalance(money("70")));
		mine.setBalance(money("50"));
		assertThrows(OptimisticLockException.class, () -> run(entities -> entities.merge(mine)));
	}

	@Test
	void lostUpdateOfAStatement() {
		GiftCard card = find(GiftCard.class, card());
		Refusal refusal = refused("23M04", ROW_LOCK, entities -> entities
				.createQuery("update GiftCard set balance = :new where id = :key")
				.setParameter("new", card.getBalance().subtract(money("30"))).setParameter("key", card.getId())
				.executeUpdate());
		assertTrue(refusal.hint().contains("FOR UPDATE"));
	}

	@Test
	void anotherErrorIsNoRefusal() {
		String key = find(Payment.class, captured("1")).getProviderId();
		PersistenceException error = assertThrows(PersistenceException.class,
				() -> run(entities -> entities.persist(new Payment(key, money("1")))));
		assertEquals("23505", Refusal.serverError(error).orElseThrow().getSQLState());
		assertTrue(Refusal.of(error).isEmpty());
	}
}
