package shop;

import java.math.BigDecimal;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;

import jakarta.persistence.EntityManager;

/** Money moves by entries; the database moves the wallets' balances. */
public final class Ledger {
	private Ledger() {
	}

	/**
	 * Posts a transaction: amounts by wallet, which sum to zero.
	 *
	 * In the order of the wallets' keys. Of one statement the database would lock them in that
	 * order by itself, but a batch of Hibernate's is a statement for each entry: two transfers
	 * in opposite directions would deadlock.
	 */
	public static UUID post(EntityManager entities, Map<Long, BigDecimal> amounts) {
		UUID transaction = UUID.randomUUID();
		new TreeMap<>(amounts).forEach((wallet, amount) -> entities
				.persist(new LedgerEntry(transaction, entities.getReference(Wallet.class, wallet), amount)));
		entities.flush();
		return transaction;
	}
}
