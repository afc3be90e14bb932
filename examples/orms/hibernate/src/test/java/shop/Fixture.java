package shop;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.math.BigDecimal;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.List;
import java.util.UUID;
import java.util.stream.Stream;

import jakarta.persistence.EntityManagerFactory;
import org.junit.jupiter.api.function.Executable;

import shop.Database.Actor;

/**
 * What the tests begin with. The server is where PGHOST, PGPORT, PGUSER and PGDATABASE say;
 * the database must be empty, the role a superuser, who creates the extension, and
 * `shop_app` a login.
 */
abstract class Fixture {
	static final EntityManagerFactory FACTORY = open();
	static final Database DATABASE = new Database(FACTORY);

	private static String env(String name, String otherwise) {
		return System.getenv().getOrDefault(name, otherwise);
	}

	private static String url() {
		String host = env("PGHOST", "localhost");
		String port = env("PGPORT", "5432");
		String socket = "";
		if (host.startsWith("/")) {
			socket = "&socketFactory=org.newsclub.net.unix.AFUNIXSocketFactory$FactoryArg&socketFactoryArg=" + host
					+ "/.s.PGSQL." + port;
			host = "localhost";
		}
		// a lock is waited for, but not for ever
		return "jdbc:postgresql://" + host + ":" + port + "/" + env("PGDATABASE", "shop")
				+ "?options=-c%20lock_timeout=20s" + socket;
	}

	private static EntityManagerFactory open() {
		String owner = env("PGUSER", "postgres");
		String password = env("PGPASSWORD", "");
		try (var factory = Database.open(url(), owner, password)) {
			factory.getSchemaManager().create(false);
		}
		try (var connection = DriverManager.getConnection(url(), owner, password);
				var statement = connection.createStatement()) {
			statement.execute(Files.readString(Path.of("../rules.sql")));
		}
		catch (SQLException | IOException error) {
			throw new IllegalStateException(error);
		}
		return Database.open(url(), "shop_app", password);
	}

	static BigDecimal money(String amount) {
		return new BigDecimal(amount);
	}

	static String providerKey() {
		return "pi_" + UUID.randomUUID();
	}

	/** A payment of this amount, captured. */
	static Long captured(String amount) {
		return DATABASE.run(Actor.NOBODY, entities -> {
			Payment payment = new Payment(providerKey(), money(amount));
			entities.persist(payment);
			entities.flush();
			payment.capture();
			return payment.getId();
		});
	}

	/** Two wallets with nothing in them and a minimum of -1000, and one without any. */
	static List<Long> wallets() {
		return DATABASE.run(Actor.NOBODY, entities -> Stream
				.of(new Wallet("ann", money("-1000")), new Wallet("bob", money("-1000")), new Wallet("fees", null))
				.peek(entities::persist).map(Wallet::getId).toList());
	}

	/** A gift card of 100. */
	static Long card() {
		return DATABASE.run(Actor.NOBODY, entities -> {
			GiftCard card = new GiftCard(UUID.randomUUID().toString().substring(0, 20), money("100"));
			entities.persist(card);
			return card.getId();
		});
	}

	/** The row as it is now, detached. */
	static <T> T find(Class<T> type, Long id) {
		return DATABASE.run(Actor.NOBODY, entities -> entities.find(type, id));
	}

	static BigDecimal balance(Long wallet) {
		return find(Wallet.class, wallet).getBalance();
	}

	static Refusal refused(Class<? extends RuntimeException> type, String sqlState, String constraint, Executable work) {
		RuntimeException error = assertThrows(type, work);
		Refusal refusal = Refusal.of(error).orElseThrow(() -> error);
		assertEquals(sqlState + " " + constraint, refusal.sqlState() + " " + refusal.constraint());
		return refusal;
	}
}
