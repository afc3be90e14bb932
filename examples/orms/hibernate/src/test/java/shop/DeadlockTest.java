package shop;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

import jakarta.persistence.PessimisticLockException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import shop.Database.Actor;

/** Several at a time: what waits, what deadlocks, what helps. */
class DeadlockTest extends Fixture {
	private static List<Throwable> both(Runnable one, Runnable other) throws InterruptedException {
		var threads = Executors.newFixedThreadPool(2);
		var running = Stream.of(one, other).map(threads::submit).toList();
		threads.shutdown();
		assertTrue(threads.awaitTermination(600, TimeUnit.SECONDS));
		List<Throwable> errors = new ArrayList<>();
		for (var work : running) {
			try {
				work.get();
			}
			catch (ExecutionException error) {
				errors.add(error.getCause());
			}
		}
		return errors;
	}

	private static void transfer(Long payer, Long payee) {
		Map<Long, BigDecimal> amounts = new LinkedHashMap<>();
		amounts.put(payer, money("-1"));
		amounts.put(payee, money("1"));
		// one attempt: none of them deadlocks
		DATABASE.run(Actor.NOBODY, 1, entities -> Ledger.post(entities, amounts));
	}

	@Test
	void transfersInOppositeDirections() throws InterruptedException {
		List<Long> wallets = wallets();
		Long ann = wallets.get(0);
		Long bob = wallets.get(1);
		for (int round = 0; round < 50; round++)
			assertEquals(List.of(), both(() -> transfer(ann, bob), () -> transfer(bob, ann)));
		assertEquals(money("0.00"), balance(ann));
	}

	/** In the order of the caller's: what `Ledger.post` does not do. */
	private static void savesOneByOne(List<Long> wallets, CyclicBarrier meet, int attempts) {
		boolean[] met = new boolean[1];
		DATABASE.run(Actor.NOBODY, attempts, entities -> {
			UUID transaction = UUID.randomUUID();
			for (int i = 0; i < 2; i++) {
				Wallet wallet = entities.getReference(Wallet.class, wallets.get(i));
				entities.persist(new LedgerEntry(transaction, wallet, money(i == 0 ? "-1" : "1")));
				entities.flush();
				// at the first attempt each has one of the wallets before it asks for the other
				if (!met[0])
					await(meet);
				met[0] = true;
			}
			return null;
		});
	}

	private static void await(CyclicBarrier meet) {
		try {
			meet.await(120, TimeUnit.SECONDS);
		}
		catch (Exception error) {
			throw new IllegalStateException(error);
		}
	}

	@ParameterizedTest
	@ValueSource(ints = {1, Database.ATTEMPTS})
	void singleRowSavesInDifferentOrders(int attempts) throws InterruptedException {
		List<Long> wallets = wallets();
		Long ann = wallets.get(0);
		Long bob = wallets.get(1);
		CyclicBarrier meet = new CyclicBarrier(2);
		List<Throwable> errors = both(() -> savesOneByOne(List.of(ann, bob), meet, attempts),
				() -> savesOneByOne(List.of(bob, ann), meet, attempts));
		// one of the two is ended by PostgreSQL; done again, it passes
		assertEquals(attempts == 1 ? 1 : 0, errors.size());
		for (Throwable error : errors) {
			assertEquals("40P01", Refusal.serverError(error).orElseThrow().getSQLState());
			assertInstanceOf(PessimisticLockException.class, error);
			assertTrue(Refusal.isWorthAnotherTry(error));
			assertTrue(Refusal.of(error).isEmpty());
		}
	}
}
