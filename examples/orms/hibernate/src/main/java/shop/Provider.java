package shop;

import java.math.BigDecimal;
import java.util.HashMap;
import java.util.Map;
import java.util.UUID;

/**
 * In place of a payment provider's library. Like theirs, it does once what it is asked for
 * twice under one key.
 */
public class Provider {
	/** There is no such money to send, and will not be. */
	public static class Declined extends Exception {
		private static final long serialVersionUID = 1;
	}

	/** It may have been sent, or not. */
	public static class AnswerLost extends RuntimeException {
		private static final long serialVersionUID = 1;
	}

	public record Asked(String payment, BigDecimal amount, String currency) {
	}

	final Map<String, String> sent = new HashMap<>();
	int calls;
	boolean declines;
	boolean losesAnswers;

	/** Sends the money back; the provider's reference. */
	public String refund(Asked asked, String idempotencyKey) throws Declined {
		calls++;
		if (declines)
			throw new Declined();
		String reference = sent.computeIfAbsent(idempotencyKey, key -> "re_" + UUID.randomUUID());
		if (losesAnswers)
			throw new AnswerLost();
		return reference;
	}
}
