package shop;

import java.util.Optional;

import org.postgresql.util.PSQLException;
import org.postgresql.util.ServerErrorMessage;

/** What paysafe has refused, for an answer of 409 or 422 instead of 500. */
public record Refusal(String sqlState, String constraint, String table, String column,
		String message, String detail, String hint) {

	/**
	 * Empty for any other error. Hibernate wraps what the driver throws, once or several times;
	 * the driver's exception has all fields.
	 */
	public static Optional<Refusal> of(Throwable error) {
		return serverError(error)
				.filter(found -> found.getConstraint() != null && found.getConstraint().startsWith("paysafe_"))
				.map(found -> new Refusal(found.getSQLState(), found.getConstraint(), found.getTable(),
						found.getColumn(), found.getMessage(), found.getDetail(), found.getHint()));
	}

	/** A deadlock, or a row that somebody else has changed meanwhile: 40P01, 40001. */
	public static boolean isWorthAnotherTry(Throwable error) {
		return serverError(error).filter(found -> found.getSQLState().startsWith("40")).isPresent();
	}

	static Optional<ServerErrorMessage> serverError(Throwable error) {
		for (Throwable at = error; at != null; at = at.getCause()) {
			if (at instanceof PSQLException found)
				return Optional.ofNullable(found.getServerErrorMessage());
		}
		return Optional.empty();
	}
}
