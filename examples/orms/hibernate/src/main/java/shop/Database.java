package shop;

import java.util.function.Function;

import jakarta.persistence.EntityManager;
import jakarta.persistence.EntityManagerFactory;
import org.hibernate.boot.model.naming.PhysicalNamingStrategySnakeCaseImpl;
import org.hibernate.jpa.HibernatePersistenceConfiguration;

/** Transactions that say who acts, and are tried again. */
public class Database {
	/** Who acts, and why. */
	public record Actor(String name, String reason) {
		public static final Actor NOBODY = new Actor("", "");
	}

	public static final int ATTEMPTS = 3;

	private final EntityManagerFactory factory;

	public Database(EntityManagerFactory factory) {
		this.factory = factory;
	}

	public static EntityManagerFactory open(String url, String user, String password) {
		return new HibernatePersistenceConfiguration("shop")
				.managedClasses(Payment.class, Refund.class, Wallet.class, LedgerEntry.class, GiftCard.class)
				.jdbcUrl(url)
				.jdbcCredentials(user, password)
				.jdbcPoolSize(4)
				.property("hibernate.physical_naming_strategy", PhysicalNamingStrategySnakeCaseImpl.class.getName())
				.property("hibernate.jdbc.batch_size", 50)
				.property("hibernate.order_inserts", true)
				// in the order of the primary keys: two that write the same rows do not deadlock
				.property("hibernate.order_updates", true)
				.createEntityManagerFactory();
	}

	/** Do it in one transaction; all of it again where that may help. */
	public <T> T run(Actor actor, Function<EntityManager, T> work) {
		return run(actor, ATTEMPTS, work);
	}

	<T> T run(Actor actor, int attempts, Function<EntityManager, T> work) {
		for (int attempt = 1;; attempt++) {
			try {
				return factory.callInTransaction(entities -> {
					sayWhoActs(entities, actor);
					return work.apply(entities);
				});
			}
			catch (RuntimeException error) {
				if (attempt >= attempts || !Refusal.isWorthAnotherTry(error))
					throw error;
			}
		}
	}

	/** The claim ends with the transaction: none is left on a pooled connection. */
	private static void sayWhoActs(EntityManager entities, Actor actor) {
		if (!actor.name().isEmpty())
			call(entities, "SELECT CAST(paysafe.act_as(?1, reason => NULLIF(?2, '')) AS text)", actor.name(),
					actor.reason());
	}

	/** A function of paysafe's; Hibernate has no type for void, so that is cast. */
	static Object call(EntityManager entities, String sql, Object... arguments) {
		var query = entities.createNativeQuery(sql);
		for (int i = 0; i < arguments.length; i++)
			query.setParameter(i + 1, arguments[i]);
		return query.getSingleResult();
	}
}
