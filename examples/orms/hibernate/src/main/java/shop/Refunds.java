package shop;

import java.math.BigDecimal;

import jakarta.persistence.EntityManager;
import jakarta.persistence.LockModeType;
import jakarta.persistence.PersistenceException;

import shop.Database.Actor;
import shop.Provider.Asked;
import shop.Provider.Declined;

/** A refund's way: requested, approved, past the gate, sent, recorded. */
public class Refunds {
	/** Rejected, failed or paid already: nothing is to be sent. */
	public static class NotOpen extends RuntimeException {
		private static final long serialVersionUID = 1;

		NotOpen(RefundStatus status) {
			super(status.name());
		}
	}

	private static final Actor WORKER = new Actor("worker:refunds", "");

	private final Database database;
	private final Provider provider;

	public Refunds(Database database, Provider provider) {
		this.database = database;
		this.provider = provider;
	}

	public Long request(Long payment, BigDecimal amount, Actor actor) {
		return database.run(actor, entities -> {
			// the database locks the payment, whose refunds it adds up; where a transaction
			// refunds several, it takes them in the order of their keys
			Payment paid = entities.find(Payment.class, payment, LockModeType.PESSIMISTIC_WRITE);
			Refund refund = paid.refund(amount);
			entities.persist(refund);
			return refund.getId();
		});
	}

	/** Somebody else than who requested it; the database sees to that. */
	public void approve(Long refund, Actor actor) {
		database.run(actor, entities -> Database.call(entities, "SELECT paysafe.approve('refund', ?1, ?2)",
				refund.toString(), actor.reason()));
	}

	/**
	 * First the gate, and it is committed; then the provider; then what came of it. However
	 * often it is called, by however many workers, the money is sent once.
	 *
	 * @return the provider's reference, or "" if it has declined
	 */
	public String pay(Long refund) {
		String key = "refund-" + refund;
		Object[] claim = database.run(Actor.NOBODY, entities -> (Object[]) Database.call(entities, """
				SELECT outcome, attempt, convert_from(body, 'UTF8')
				  FROM paysafe.idempotency_begin('refunds', ?1, ?1, 'shop', 'claimed')""", key));
		if (claim[0].equals("replay"))
			return (String) claim[2];
		try {
			// refused here if somebody else has to approve it, while nobody has been paid
			Asked asked = database.run(WORKER, entities -> passTheGate(entities, refund));
			// also the next attempt, when an answer was lost: the key is the refund's
			String reference = send(asked, key);
			return database.run(WORKER, entities -> record(entities, refund, reference, key, claim[1]));
		}
		catch (RuntimeException error) {
			fail(key, claim[1], error);
			throw error;
		}
	}

	private String send(Asked asked, String key) {
		try {
			return provider.refund(asked, key);
		}
		catch (Declined declined) {
			return "";
		}
	}

	private static Asked passTheGate(EntityManager entities, Long refund) {
		Refund row = entities.find(Refund.class, refund, LockModeType.PESSIMISTIC_WRITE);
		if (row.getStatus() == RefundStatus.REQUESTED)
			row.setStatus(RefundStatus.EXECUTING);
		else if (row.getStatus() != RefundStatus.EXECUTING)
			throw new NotOpen(row.getStatus());
		return new Asked(row.getPayment().getProviderId(), row.getAmount(), row.getCurrency());
	}

	private static String record(EntityManager entities, Long refund, String reference, String key, Object attempt) {
		boolean paid = !reference.isEmpty();
		Refund row = entities.find(Refund.class, refund, LockModeType.PESSIMISTIC_WRITE);
		row.setStatus(paid ? RefundStatus.PAID : RefundStatus.FAILED);
		row.setProviderReference(paid ? reference : null);
		Database.call(entities,
				"SELECT paysafe.idempotency_finish('refunds', ?1, ?2, ?3, NULL, ?4, 'shop')",
				key, attempt, paid ? 200 : 409, reference);
		return reference;
	}

	/** The next attempt need not wait for the end of the lease; where this fails, it waits. */
	private void fail(String key, Object attempt, RuntimeException error) {
		try {
			database.run(Actor.NOBODY,
					entities -> Database.call(entities,
							"SELECT CAST(paysafe.idempotency_fail('refunds', ?1, ?2, ?3, 'shop') AS text)", key,
							attempt, error.getClass().getSimpleName()));
		}
		catch (PersistenceException fenced) {
			error.addSuppressed(fenced);
		}
	}
}
